// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

func junction(_ name: String) -> Target.Dependency { .product(name: name, package: "junction") }

let package = Package(
    name: "junction-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "junction", path: "..", traits: ["SQLite"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        // The servers that the load generator measures.
        .executableTarget(
            name: "bench-server",
            dependencies: [
                junction("JunctionTCP"), junction("JunctionUDP"), junction("JunctionWebSocket"),
                junction("JunctionSocketIO"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        // What connection state recovery costs for each event.
        .executableTarget(
            name: "recovery-cost",
            dependencies: [junction("JunctionSocketIO"), junction("JunctionSQLite")],
            swiftSettings: settings),
        // The application that the official protocol test suites expect.
        .executableTarget(
            name: "conformance-server",
            dependencies: [
                junction("JunctionSocketIO"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
    ]
)
