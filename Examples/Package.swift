// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

func example(_ name: String, _ library: String, _ others: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name, dependencies: [.product(name: library, package: "junction")] + others, swiftSettings: settings)
}

// The programs that everybody writes first, on port 3000 or the port given: `swift run tcp-server 4000`.
let package = Package(
    name: "junction-examples",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "junction", path: "..", traits: ["Hummingbird"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        example("tcp-server", "JunctionTCP"),
        example("tcp-client", "JunctionTCP"),
        example("udp-server", "JunctionUDP"),
        example("udp-client", "JunctionUDP"),
        example("socketio-server", "JunctionSocketIO"),
        // On HTTP servers that are there already.
        example(
            "socketio-hummingbird", "JunctionSocketIO",
            [
                .product(name: "JunctionHummingbird", package: "junction"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ]),
        example(
            "socketio-nio", "JunctionSocketIO",
            [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
    ]
)
