// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

func example(_ name: String, _ library: String) -> Target {
    .executableTarget(
        name: name, dependencies: [.product(name: library, package: "junction")], swiftSettings: settings)
}

// The programs that everybody writes first, on port 3000 or the port given: `swift run tcp-server 4000`.
let package = Package(
    name: "junction-examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "junction", path: "..")],
    targets: [
        example("tcp-server", "JunctionTCP"),
        example("tcp-client", "JunctionTCP"),
        example("udp-server", "JunctionUDP"),
        example("udp-client", "JunctionUDP"),
        example("socketio-server", "JunctionSocketIO"),
    ]
)
