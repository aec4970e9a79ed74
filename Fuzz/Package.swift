// swift-tools-version: 6.2
import PackageDescription

// The targets are links to those of the main package: here they are built with the sanitizers, and share package access.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let sanitized = settings + [.unsafeFlags(["-sanitize=address,fuzzer"])]
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "junction-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    ],
    targets: [
        .target(name: "JSONText", swiftSettings: sanitized),
        .target(name: "JunctionCore", dependencies: [nioCore, lifecycle], swiftSettings: settings),
        .target(
            name: "JunctionFraming", dependencies: ["JunctionCore", "JSONText", nioCore], swiftSettings: sanitized),
        // The generator alone: the rest of it would bring every transport along.
        .target(name: "TestSupport", swiftSettings: settings),
        .target(
            name: "FramingChecks", dependencies: ["JunctionFraming", "TestSupport", nioCore], swiftSettings: settings),
        .target(name: "SocketIOProtocol", dependencies: ["JSONText", nioCore], swiftSettings: sanitized),
        .target(name: "EngineIOProtocol", dependencies: [nioCore], swiftSettings: sanitized),
        .target(
            name: "JunctionTransport",
            dependencies: ["JunctionCore", nioCore, nioPosix, nioHTTP1, logging, lifecycle, deque],
            swiftSettings: settings),
        .systemLibrary(name: "CJunctionZlib"),
        // Frames and compression alone: servers would bring TLS along.
        .target(
            name: "JunctionWebSocket",
            dependencies: ["CJunctionZlib", "JunctionTransport", nioCore], swiftSettings: sanitized),
        .target(
            name: "ProtocolChecks",
            dependencies: [
                "SocketIOProtocol", "EngineIOProtocol", "JunctionTransport", "JunctionWebSocket", "TestSupport",
                nioCore, nioEmbedded, nioPosix,
            ],
            swiftSettings: settings),
        // libFuzzer without its main function; Fuzz/run tells the linker where it is.
        .systemLibrary(name: "CLibFuzzer"),
        .executableTarget(
            name: "framing-fuzz", dependencies: ["FramingChecks", "CLibFuzzer"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address", "-use-ld=lld"])]),
        .executableTarget(
            name: "protocol-fuzz", dependencies: ["ProtocolChecks", "CLibFuzzer"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address", "-use-ld=lld"])]),
    ]
)
