import JunctionTCP
import JunctionTesting
import JunctionUDP
import NIOCore
import TestSupport
import Testing

/// The code of the README's section on TCP and UDP. What listens on a port of its own choice is compiled; the rest runs.
@Suite("The README", .timeLimit(.minutes(5)))
struct ReadmeTests {
    private static func devices() async throws {
        var configuration = TCPServer.Configuration()
        configuration.maximumConnections = 10_000
        configuration.filter = AddressFilter(allowList: try BlockList(["10.0.0.0/8", "fd00::/8"]))
        configuration.connection.idleTimeout = .seconds(60)
        configuration.tls = try ServerTLS(
            identity: TLSIdentity(certificateChain: .file("server.pem"), privateKey: .file("server.key")))

        let devices = TCPServer(port: 7000, framing: .jsonLines(), configuration: configuration) { connection in
            for try await value in connection.inbound {
                try await connection.write(value)
            }
        }
        try await devices.run()
    }

    private static func sensors() async throws {
        let sensors = UDPServer(port: 7000, sessions: SessionLimits()) { session in
            for try await datagram in session.inbound {
                try await session.send(datagram.payload)
            }
        }
        try await sensors.run()
    }

    @Test("a minute of silence ends a connection in memory")
    func inMemory() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(60)
        let server = TCPServer(port: 7000, framing: .lines(), configuration: configuration) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
        let clock = VirtualClock()
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        try await link.client.write("ping")
        await clock.advance(by: .seconds(60))
        for try await line in link.client.inbound {
            print(String(buffer: line))
        }
        #expect(await link.client.bytesRead == 5)
    }

    @Test("every example on TCP and UDP is in this file", arguments: ["README.md", "README.ko.md"])
    func inStep(readme: String) throws {
        let page = try Article(readme, section: readme == "README.md" ? "TCP and UDP" : "TCP와 UDP")
        #expect(page.count == 3)
        #expect(page.missing == [])
    }
}
