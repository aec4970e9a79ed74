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
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "junction-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    ],
    targets: [
        .target(name: "JSONText", swiftSettings: sanitized),
        .target(name: "JunctionCore", dependencies: [nioCore, lifecycle], swiftSettings: settings),
        .target(
            name: "JunctionFraming", dependencies: ["JunctionCore", "JSONText", nioCore], swiftSettings: sanitized),
        .target(name: "TestSupport", dependencies: ["JunctionCore"], swiftSettings: settings),
        .target(
            name: "FramingChecks", dependencies: ["JunctionFraming", "TestSupport", nioCore], swiftSettings: settings),
        // libFuzzer without its main function; Fuzz/run tells the linker where it is.
        .systemLibrary(name: "CLibFuzzer"),
        .executableTarget(
            name: "framing-fuzz", dependencies: ["FramingChecks", "CLibFuzzer"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address", "-use-ld=lld"])]),
    ]
)
