import JunctionTCP
import JunctionTesting
import NIOCore
import TLSTesting
import TestSupport
import Testing

@Suite("TCP servers behind a proxy", .timeLimit(.minutes(5)))
struct ProxyServerTests {
    private let drops = Box<DroppedConnection>()

    private func configuration(
        trusting host: String = "127.0.0.1", _ change: (inout TCPServer.Configuration) -> Void = { _ in }
    ) -> TCPServer.Configuration {
        var configuration = TCPServer.Configuration()
        configuration.proxyProtocol = ProxyProtocol { $0.ipAddress == host }
        configuration.onDrop = { [drops] in drops.put($0) }
        change(&configuration)
        return configuration
    }

    /// Tells each client where it comes from.
    private func server(_ configuration: TCPServer.Configuration) -> TCPServer {
        .local(configuration: configuration) { connection in
            try await connection.write("\(connection.remoteAddress?.text ?? "unknown")")
            for try await _ in connection.inbound {}
        }
    }

    private func options(_ source: String, _ version: ProxyHeader.Version = .v2) throws -> ConnectOptions {
        var options = ConnectOptions()
        let source = try SocketAddress(parsing: source)
        let destination = try SocketAddress(
            ipAddress: source.protocol == .inet6 ? "2001:db8::1" : "192.0.2.1", port: 443)
        options.proxyHeader =
            version == .v1
            ? .v1(source: source, destination: destination) : .v2(source: source, destination: destination)
        return options
    }

    @Test("a connection comes from where the header says", arguments: [ProxyHeader.Version.v1, .v2])
    func address(_ version: ProxyHeader.Version) async throws {
        try await server(configuration()).withListening { address in
            for source in ["198.51.100.7:5000", "[2001:db8::7]:6000"] {
                let options = try self.options(source, version)
                try await expectGreeting(source, from: address, options: options)
            }
        }
    }

    @Test("a header from an address that is not trusted is refused, told of and counted")
    func untrusted() async throws {
        let server = server(configuration(trusting: "192.0.2.99"))
        try await server.withListening { address in
            let options = try self.options("198.51.100.7:5000")
            try await expectGreeting(nil, from: address, options: options)
            let drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .proxyProtocol)
            #expect(drop.remoteAddress?.ipAddress == "127.0.0.1")
            #expect(server.droppedConnectionCount == 1)
        }
    }

    @Test(
        "what is no header, or none that can be true, is refused and counted, and the server goes on",
        arguments: [
            "hello", "PROXY TCP4 198.51.100.7 192.0.2.1 99999 443\r\n", "PROXY TCP4 2001:db8::7 192.0.2.1 5000 443\r\n",
            "PROXY TCP4 198.51.100.7 192.0.2.1 5000 443", "\r\n\r\n\0\r\nQUIT\n\u{31}\u{11}\0\0",
        ])
    func lying(_ header: String) async throws {
        let server = server(configuration())
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write(header)
                connection.finish()
                #expect((try? await connection.readAll().readableBytes) ?? 0 == 0)
            }
            #expect(await self.drops.take()?.reason.code == .proxyProtocol)
            #expect(server.droppedConnectionCount == 1)
            let options = try self.options("198.51.100.7:5000")
            try await expectGreeting("198.51.100.7:5000", from: address, options: options)
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a proxy has 5 seconds for the header")
    func timeout() async throws {
        let clock = VirtualClock()
        let server = server(configuration(trusting: "192.0.2.2"))
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        try await link.client.write("PROXY TCP4 ")
        await clock.advance(by: .seconds(5) - .nanoseconds(1))
        #expect(server.droppedConnectionCount == 0)
        await clock.advance(by: .nanoseconds(1))
        #expect(server.droppedConnectionCount == 1)
        #expect(await drops.take()?.remoteAddress == link.client.localAddress)
        _ = try? await link.client.readText()
    }

    @Test("the filter and the maximum are about whom the header names")
    func filter() async throws {
        let blocked = try BlockList(["198.51.100.0/24"])
        let server = server(
            configuration {
                $0.filter = AddressFilter(blockList: blocked)
                $0.maximumConnections = 1
            })
        try await server.withListening { address in
            let refused = try self.options("198.51.100.7:5000")
            try await expectGreeting(nil, from: address, options: refused)
            var drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .addressBlocked)
            #expect(drop.remoteAddress?.text == "198.51.100.7:5000")

            let first = try await TCPClient.connect(to: address, options: self.options("203.0.113.7:5000"))
            #expect(try await first.readText() == "203.0.113.7:5000")
            let second = try self.options("203.0.113.8:5000")
            try await expectGreeting(nil, from: address, options: second)
            drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .tooManyConnections)
            #expect(drop.remoteAddress?.text == "203.0.113.8:5000")
            first.close()
        }
        #expect(server.droppedConnectionCount == 2)
    }

    @Test("TLS begins behind the header", TestCertificates.requirement)
    func tls() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let server = server(configuration { $0.tls = tls })
        try await server.withListening { address in
            let options = try self.options("198.51.100.7:5000")
            try await TCPClient.withConnection(to: address, tls: certificates.client(), options: options) {
                let text = try await $0.readText()
                #expect(text == "198.51.100.7:5000")
            }
            // A handshake that fails is the named client's.
            try await TCPClient.withConnection(to: address, options: options) {
                try await $0.write("no ClientHello")
                _ = try? await $0.readAll()
            }
            let drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .tlsHandshakeFailed)
            #expect(drop.remoteAddress?.text == "198.51.100.7:5000")
        }
    }

    @Test("a server that stops serves none whose header comes too late")
    func stopped() async throws {
        let served = Counter()
        let server = TCPServer.local(configuration: configuration()) { _ in served.add(1) }
        let clients = try await server.withListening { address in
            var clients: [TCPConnection] = []
            for _ in 0..<5 { clients.append(try await TCPClient.connect(to: address)) }
            // The one behind them is served, so that they have been accepted.
            try await expectGreeting(nil, from: address, options: self.options("198.51.100.7:5000"))
            return clients
        }
        for client in clients {
            try? await client.write("PROXY TCP4 198.51.100.7 192.0.2.1 5000 443\r\n")
            _ = try? await client.readAll()
            client.close()
        }
        #expect(served.value == 1)
    }
}
