import JunctionGateway
import JunctionSocketIO
import Logging
import NIOCore
import Testing

/// A gateway under test, with clients of it.
enum TestGateway {
    /// Serves while `body` runs, on any port that is free for TCP and UDP.
    static func run(
        _ configuration: Gateway.Configuration = .patient, logger: Logger = .silent,
        _ body: @escaping @Sendable (SocketAddress) async throws -> Void
    ) async throws {
        try await Gateway(port: 0, configuration: configuration, logger: logger).withListening(body)
    }

    /// A client of each transport, all known to the hub and none with anything left to read.
    struct Clients {
        let web: HubSocket
        let tcp: LineClient
        let tcpID: String
        let udp: DatagramClient
        let udpID: String
        let address: SocketAddress
    }

    /// Serves while `body` runs with a client of each transport.
    static func withClients(
        _ configuration: Gateway.Configuration = .patient, _ body: @escaping @Sendable (Clients) async throws -> Void
    ) async throws {
        try await run(configuration) { try await connect(to: $0, body) }
    }

    /// Connects a client of each transport.
    static func connect(to address: SocketAddress, _ body: (Clients) async throws -> Void) async throws {
        try await HubSocket.with(address) { web in
            try await web.expectPeers()
            try await LineClient.with(address) { tcp in
                try await tcp.say("hello")
                let tcpID = try await web.expectJoin("tcp", from: tcp.address)
                try await web.expect("hello", from: tcpID, "tcp")
                try await DatagramClient.with(address) { udp in
                    try await udp.say("hello")
                    let udpID = try await web.expectJoin("udp", from: udp.address)
                    try await web.expect("hello", from: udpID, "udp")
                    try #require(try await tcp.next() == "hello")
                    try await body(
                        Clients(web: web, tcp: tcp, tcpID: tcpID, udp: udp, udpID: udpID, address: address))
                }
            }
        }
    }
}

extension Logger {
    /// Logs nowhere.
    static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

extension Gateway.Configuration {
    /// Never tired of waiting: a test on a busy machine may take any time between two of its steps.
    static var patient: Self {
        var configuration = Self()
        configuration.sniffPatience = .seconds(3_600)
        configuration.lineFlushDelay = .seconds(3_600)
        configuration.udpIdleTimeout = .seconds(3_600)
        configuration.drainTimeout = .seconds(60)
        return configuration
    }
}
