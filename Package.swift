// swift-tools-version: 6.2
import PackageDescription

// Imports run downwards only (docs/architecture.md); Scripts/check-imports holds every target to the list it has here.
let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        // NonisolatedNonsendingByDefault stays off: with a parameter-pack async closure it crashes Swift 6.3.1 in SILGen.
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(
    name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux]))
let grdb = Target.Dependency.product(
    name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"]))
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let hummingbird = [
    Target.Dependency.product(
        name: "HummingbirdCore", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: .when(traits: ["Hummingbird"])),
    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras", condition: .when(traits: ["Hummingbird"])),
]
// The server itself, for tests and examples: the library needs its core alone.
let hummingbirdServer = [
    Target.Dependency.product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
    .product(name: "HummingbirdCore", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
    .product(name: "HummingbirdTLS", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
]

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
    name: "junction",
    platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
    products: [
        .library(name: "JunctionCore", targets: ["JunctionCore"]),
        .library(name: "JunctionFraming", targets: ["JunctionFraming"]),
        .library(name: "JunctionTLS", targets: ["JunctionTLS"]),
        .library(name: "JunctionTCP", targets: ["JunctionTCP"]),
        .library(name: "JunctionUDP", targets: ["JunctionUDP"]),
        .library(name: "JunctionWebSocket", targets: ["JunctionWebSocket"]),
        .library(name: "JunctionSocketIO", targets: ["JunctionSocketIO"]),
        .library(name: "JunctionHummingbird", targets: ["JunctionHummingbird"]),
        .library(name: "JunctionSQLite", targets: ["JunctionSQLite"]),
        .library(name: "JunctionGateway", targets: ["JunctionGateway"]),
        .library(name: "JunctionTesting", targets: ["JunctionTesting"]),
        .executable(name: "junction", targets: ["junction"]),
    ],
    traits: [
        .trait(
            name: "Hummingbird", description: "JunctionHummingbird: Socket.IO servers on a Hummingbird application."),
        .trait(name: "SQLite", description: "JunctionSQLite: clients come back also after a restart of the server."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        // With the trait Hummingbird only.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        // With the trait SQLite only.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Tests only: starts the programs of the interop tests, and ends them with the scope that started them.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    ],
    targets: [
        // Vocabulary, no sockets.
        library("JunctionCore", [nioCore, lifecycle]),
        // JSON as bytes: what is valid, and walking over it.
        library("JSONText", []),
        // Streams cut into messages, no sockets.
        library("JunctionFraming", ["JunctionCore", "JSONText", nioCore]),
        // TLS for servers and clients of every transport.
        library("JunctionTLS", ["JunctionCore", nioCore, nioTLS, nioSSL]),
        // NIO glue shared by the transports; nothing of it is public.
        library("JunctionTransport", ["JunctionCore", nioCore, nioPosix, nioHTTP1, logging, lifecycle, deque]),
        library(
            "JunctionTCP",
            [
                "JunctionCore", "JunctionFraming", "JunctionTLS", "JunctionTransport", nioCore, nioPosix, logging,
                lifecycle, deque,
            ]),
        // System calls of UDP that Swift cannot reach by itself.
        .target(name: "CJunctionUDP"),
        library(
            "JunctionUDP",
            ["CJunctionUDP", "JunctionCore", "JunctionTransport", nioCore, nioPosix, logging, lifecycle, deque]),
        // The system's zlib.
        .systemLibrary(name: "CJunctionZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        library(
            "JunctionWebSocket",
            [
                "CJunctionZlib", "JunctionCore", "JunctionTLS", "JunctionTransport", nioCore, nioHTTP1, logging,
                lifecycle,
            ]),
        // Protocols without input and output: bytes and time in, actions out.
        library("EngineIOProtocol", [nioCore]),
        library("SocketIOProtocol", ["JSONText", nioCore]),
        library(
            "JunctionSocketIO",
            [
                "CJunctionZlib", "JunctionCore", "JunctionTransport", "JunctionWebSocket", "EngineIOProtocol",
                "SocketIOProtocol", nioCore, nioHTTP1, logging, lifecycle, deque,
            ]),
        // Empty without the trait of that name.
        library(
            "JunctionHummingbird",
            ["JunctionTransport", "JunctionWebSocket", nioCore, nioHTTP1, logging] + hummingbird),
        // Recovery of Socket.IO clients across restarts; empty without the trait SQLite.
        library("JunctionSQLite", ["JunctionSocketIO", nioCore, logging, grdb]),
        library(
            "JunctionGateway",
            [
                "JunctionCore", "JunctionTransport", "JunctionTCP", "JunctionUDP", "JunctionSocketIO", nioCore,
                nioHTTP1, logging, lifecycle,
            ],
            // In the program itself: it stays one file that can be copied anywhere.
            resources: [
                .embedInCode("Console/index.html"), .embedInCode("Console/console.css"),
                .embedInCode("Console/console.js"), .embedInCode("Console/hub-socket.js"),
            ]),
        // For the tests of users, and our own: connections in memory, time under control.
        library(
            "JunctionTesting", ["JunctionCore", "JunctionTransport", "JunctionTCP", nioCore, nioEmbedded, deque]),
        .executableTarget(
            name: "junction",
            dependencies: ["JunctionCore", "JunctionGateway", logging, lifecycle, unixSignals, argumentParser],
            swiftSettings: settings),

        // What the tests of several targets share.
        .target(
            name: "TestSupport", dependencies: ["JunctionCore", "JunctionTCP", "JunctionTesting"],
            path: "Tests/TestSupport", swiftSettings: settings),
        // What holds for every framing: the tests and the fuzz targets check it.
        .target(
            name: "FramingChecks", dependencies: ["JunctionFraming", "TestSupport", nioCore],
            path: "Tests/FramingChecks", swiftSettings: settings),
        // What holds for every decoder of what a peer sends: the tests and the fuzz targets check it.
        .target(
            name: "ProtocolChecks",
            dependencies: [
                "SocketIOProtocol", "EngineIOProtocol", "JunctionTransport", "JunctionWebSocket", "TestSupport",
                nioCore, nioEmbedded, nioPosix,
            ],
            path: "Tests/ProtocolChecks", swiftSettings: settings),
        // Clients that send what a test wants, right or wrong.
        .target(
            name: "RawClients",
            dependencies: ["JunctionTCP", "JunctionWebSocket", "SocketIOProtocol", nioCore, nioHTTP1],
            path: "Tests/RawClients", swiftSettings: settings),
        tests("JunctionCore", ["JunctionCore", "TestSupport", nioCore]),
        tests("SocketIOProtocol", ["SocketIOProtocol", nioCore]),
        tests(
            "JunctionFraming", ["JunctionFraming", "FramingChecks", "TestSupport", nioCore],
            resources: [.copy("Corpus")]),
        tests("ProtocolCorpus", ["ProtocolChecks"], resources: [.copy("Corpus")]),
        tests("EngineIOProtocol", ["EngineIOProtocol", "TestSupport", nioCore]),
        tests(
            "JunctionTransport",
            ["JunctionCore", "JunctionTransport", "TestSupport", nioCore, nioPosix, nioEmbedded, nioHTTP1, logging]),
        // Certificates, and both ends of a TLS connection.
        .target(
            name: "TLSTesting",
            dependencies: ["JunctionTLS", "TestSupport", nioCore, nioPosix, subprocess, systemPackage],
            path: "Tests/TLSTesting", swiftSettings: settings),
        tests("JunctionTLS", ["JunctionTLS", "TLSTesting", "TestSupport", nioCore, nioEmbedded, nioTLS, nioSSL]),
        tests(
            "JunctionTCP",
            [
                "JunctionCore", "JunctionTCP", "JunctionTesting", "JunctionTransport", "TLSTesting", "TestSupport",
                nioCore, nioPosix, nioEmbedded, logging, lifecycle,
            ]),
        tests(
            "JunctionTesting",
            ["JunctionCore", "JunctionTCP", "JunctionTesting", "TestSupport", nioCore, nioPosix, nioEmbedded]),
        tests("JunctionUDP", ["CJunctionUDP", "JunctionUDP", "TestSupport", nioCore, nioEmbedded, logging]),
        // The code of the articles and of the README.
        tests(
            "Documentation",
            ["JunctionTCP", "JunctionTesting", "JunctionUDP", "JunctionSocketIO", "RawClients", "TestSupport", nioCore]),
        tests(
            "JunctionWebSocket",
            [
                "JunctionWebSocket", "JunctionTesting", "JunctionTransport", "RawClients", "TestSupport", nioCore,
                nioEmbedded, nioHTTP1,
            ]),
        // Over real sockets, without foreign programs: what hostile and broken clients do to a server.
        tests(
            "JunctionSocketIO",
            [
                "CJunctionZlib", "EngineIOProtocol", "JunctionSocketIO", "JunctionTCP", "JunctionTesting", "RawClients",
                "RecoveryChecks", "SocketIOProtocol", "TLSTesting", "TestSupport", nioCore, nioPosix, nioHTTP1, logging,
                lifecycle,
            ]),
        tests(
            "JunctionHummingbird",
            [
                "JunctionHummingbird", "JunctionSocketIO", "RawClients", "TLSTesting", "TestSupport", nioCore, nioPosix,
                nioSSL, logging, lifecycle,
            ] + hummingbirdServer),
        // The same checks for every recovery store.
        .target(
            name: "RecoveryChecks", dependencies: ["JunctionSocketIO", nioCore], path: "Tests/RecoveryChecks",
            swiftSettings: settings),
        tests("JunctionSQLite", ["JunctionSQLite", "JunctionSocketIO", "RecoveryChecks", nioCore, logging]),
        // A Socket.IO server that tests kill and start again.
        .executableTarget(
            name: "recovery-probe", dependencies: ["JunctionSocketIO", "JunctionSQLite"], path: "Tests/RecoveryProbe",
            swiftSettings: settings),
        tests(
            "JunctionGateway",
            [
                "JunctionGateway", "JunctionTCP", "JunctionUDP", "JunctionSocketIO", "RawClients", "TestSupport",
                nioCore, nioHTTP1, logging,
            ]),
        // What the programs are told that take a seat of a connection, Node's and our own.
        .target(name: "SeatCommands", path: "Tests/SeatCommands", swiftSettings: settings),
        // Runs where an interop test has prepared the network, and shows how connections behave there.
        .executableTarget(
            name: "network-probe", dependencies: ["JunctionTCP", "SeatCommands", "TestSupport", nioCore],
            path: "Tests/NetworkProbe", swiftSettings: settings),
        // Listens where an interop test has prepared the process: with sockets handed over, or few descriptors.
        .executableTarget(
            name: "listen-probe", dependencies: ["JunctionTCP", nioCore], path: "Tests/ListenProbe",
            swiftSettings: settings),
        // Real peers: Node.js, python-socketio, Chromium, ncat, HAProxy (Scripts/setup installs them).
        tests(
            "Interop",
            [
                "JunctionCore", "JunctionTCP", "JunctionTransport", "JunctionUDP", "JunctionSocketIO", "JunctionTLS",
                "JunctionHummingbird", "RawClients", "SeatCommands", "SocketIOProtocol", "TLSTesting", "TestSupport",
                nioCore, logging, lifecycle, subprocess, systemPackage,
            ] + hummingbirdServer,
            resources: [.copy("Peers")]),
    ]
)
