// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "junction-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "junction", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        .executableTarget(
            name: "bench-server",
            dependencies: [
                .product(name: "JunctionCore", package: "junction"),
                .product(name: "JunctionTCP", package: "junction"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings)
    ]
)
