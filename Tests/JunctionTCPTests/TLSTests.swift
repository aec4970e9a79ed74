import JunctionTCP
import JunctionTesting
import NIOCore
import TLSTesting
import TestSupport
import Testing

@Suite("TCP servers and clients with TLS", .timeLimit(.minutes(5)), TestCertificates.requirement)
struct TLSTests {
    private let drops = Box<DroppedConnection>()

    private func configuration(_ tls: ServerTLS) -> TCPServer.Configuration {
        var configuration = TCPServer.Configuration()
        configuration.tls = tls
        configuration.onDrop = { [drops] in drops.put($0) }
        return configuration
    }

    private func echo(_ tls: ServerTLS, framing: Framing = .lines()) -> TCPServer {
        .local(framing: framing, configuration: configuration(tls)) { connection in
            for try await message in connection.inbound { try await connection.write(message) }
        }
    }

    // MARK: Talking

    @Test("lines go both ways over TLS, and each side knows what was agreed on")
    func lines() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(
            identity: TLSIdentity(certificates.localhost), applicationProtocols: ["lines/1"],
            clientCertificates: .required(roots: [.text(certificates.authority)]))
        let sessions = Box<TLSSession?>()
        let server = TCPServer.local(framing: .lines(), configuration: configuration(tls)) { connection in
            sessions.put(await connection.tlsSession)
            for try await message in connection.inbound { try await connection.write(message) }
        }
        var client = certificates.client()
        client.identity = try TLSIdentity(certificates.client)
        client.applicationProtocols = ["lines/1"]
        client.serverName = "localhost"
        try await server.withListening { [client] address in
            try await TCPClient.withConnection(to: address, framing: .lines(), tls: client) { connection in
                for line in ["one", "", "두 번째", String(repeating: "x", count: 60_000)] {
                    try await connection.write(line)
                    #expect(try await connection.readText() == line)
                }
                let mine = try #require(await connection.tlsSession)
                #expect(mine.version == .tls13)
                #expect(mine.applicationProtocol == "lines/1")
                #expect(mine.peerCertificate == (try TLSIdentity(certificates.localhost).certificate))
                let theirs = try #require(await sessions.take() ?? nil)
                #expect(theirs.serverName == "localhost")
                #expect(theirs.applicationProtocol == "lines/1")
                #expect(theirs.peerCertificate?.commonName == "device-7")
                // Bytes are counted as the program sees them.
                #expect(await connection.bytesRead == connection.bytesWritten)
            }
        }
        #expect(server.droppedConnectionCount == 0)
    }

    @Test("without TLS there is no session")
    func noSession() async throws {
        try await TCPServer.local { _ in }.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            #expect(await connection.tlsSession == nil)
            connection.close()
        }
    }

    @Test("megabytes go both ways at once, and the end of each side is seen by the other")
    func bulk() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let inline = TCPServer(
            host: "127.0.0.1", port: 0, configuration: configuration(tls),
            onMessage: { data, connection in connection.write(data) })
        for server in [echo(tls, framing: .raw), inline] {
            try await server.withListening { address in
                try await TCPClient.withConnection(to: address, tls: certificates.client()) { connection in
                    async let reading = connection.readAll()
                    try await connection.write(pattern(4_000_000))
                    connection.finish()
                    let received = try await reading
                    #expect(received == pattern(4_000_000))
                }
            }
        }
    }

    @Test("a large answer that is followed by a close arrives completely")
    func writeAndClose() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let server = TCPServer.local(configuration: configuration(tls)) { connection in
            try await connection.write(pattern(8_000_000))
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, tls: certificates.client()) { connection in
                let received = try await connection.readAll()
                #expect(received == pattern(8_000_000))
            }
        }
    }

    @Test("a server that drains tells its clients, and their last message is delivered")
    func drain() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let server = TCPServer.local(configuration: configuration(tls)) { connection in
            try await connection.write("hello")
            for try await _ in connection.inbound {}
            try await connection.write("bye")
        }
        let connection = try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address, tls: certificates.client())
            #expect(try await connection.readText() == "hello")
            return connection
        }
        #expect(try await connection.readAll() == ByteBuffer(string: "bye"))
        connection.close()
        #expect(server.connectionCount == 0)
    }

    @Test("a reset of a TLS connection is ECONNRESET for the peer")
    func reset() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let server = TCPServer.local(configuration: configuration(tls)) { connection in
            _ = try await connection.readText()
            connection.reset()
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, tls: certificates.client()) { connection in
                try await connection.write("go")
                let error = await networkError { _ = try await connection.readAll() }
                #expect(error?.code == .connectionReset)
            }
        }
    }

    // MARK: Certificates

    @Test("a reload gives new connections the new certificate while the server runs, and open ones live on")
    func reload() async throws {
        let certificates = try await TestCertificates.shared()
        try await certificates.withFiles { directory in
            let (chain, key) = ("\(directory)/localhost.pem", "\(directory)/localhost.key")
            let tls = try ServerTLS(identity: TLSIdentity(certificateChain: .file(chain), privateKey: .file(key)))
            try await echo(tls).withListening { address in
                let client = certificates.client()
                let old = try await TCPClient.connect(to: address, framing: .lines(), tls: client)
                try write(certificates.renewed.certificate, chain)
                try write(certificates.renewed.key, key)
                try tls.reload()
                let new = try await TCPClient.connect(to: address, framing: .lines(), tls: client)
                for (connection, pair) in [(old, certificates.localhost), (new, certificates.renewed)] {
                    try await connection.write("still here")
                    #expect(try await connection.readText() == "still here")
                    let certificate = await connection.tlsSession?.peerCertificate
                    #expect(certificate == (try TLSIdentity(pair).certificate))
                    connection.close()
                }
            }
        }
    }

    @Test(
        "a connect to a server whose certificate is not right fails with what is wrong, and the server counts it",
        arguments: [
            ("other", NetworkError.Code.certificateNameMismatch), ("expired", .certificateExpired),
            ("selfsigned", .certificateUntrusted),
        ])
    func wrongCertificate(_ name: String, _ code: NetworkError.Code) async throws {
        let certificates = try await TestCertificates.shared()
        let server = echo(try ServerTLS(identity: TLSIdentity(certificates.pair(name))))
        try await server.withListening { address in
            let error = await networkError {
                _ = try await TCPClient.connect(
                    host: "127.0.0.1", port: address.port ?? 0, tls: certificates.client())
            }
            #expect(error?.code == code)
            #expect(error?.message.hasPrefix("connect to 127.0.0.1:\(address.port ?? 0): ") == true)
            if code != .certificateNameMismatch {  // what a client finds out by itself only behind the handshake
                #expect(await self.drops.take()?.reason.code == .tlsHandshakeFailed)
            }
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a client without the certificate that is required is refused, and one with it is served")
    func clientCertificate() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(
            identity: TLSIdentity(certificates.localhost),
            clientCertificates: .required(roots: [.text(certificates.authority)]))
        let server = echo(tls)
        try await server.withListening { address in
            let error = await networkError {
                // By TLS 1.3 the client's side is done before the server has seen that nothing came.
                let connection = try await TCPClient.connect(to: address, tls: certificates.client())
                _ = try await connection.readAll()
            }
            #expect(error != nil)
            let drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .tlsHandshakeFailed)
            #expect(drop.remoteAddress?.ipAddress == "127.0.0.1")
            var client = certificates.client()
            client.identity = try TLSIdentity(certificates.client)
            let connection = try await TCPClient.connect(to: address, framing: .lines(), tls: client)
            try await connection.write("hello")
            #expect(try await connection.readText() == "hello")
            connection.close()
        }
        #expect(server.droppedConnectionCount == 1)
    }

    // MARK: Clients that do not speak TLS

    @Test(
        "a client that sends something else instead of a ClientHello is dropped, told of and counted; the server goes on"
    )
    func garbage() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let events = Box<String>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, framing: .lines(), configuration: configuration(tls),
            onConnect: { _ in events.put("open") }, onMessage: { line, connection in connection.write(line) },
            onClose: { _, _ in events.put("close") })
        try await server.withListening { address in
            for text in [
                "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", String(repeating: "x", count: 70_000),
            ] {
                try await TCPClient.withConnection(to: address) { connection in
                    try await connection.write(text)
                    _ = try? await connection.readAll()  // an alert of TLS, or a reset
                }
                let drop = try #require(await self.drops.take())
                #expect(drop.reason.code == .tlsHandshakeFailed)
                #expect(drop.localAddress == address)
            }
            #expect(server.droppedConnectionCount == 3)
            try await TCPClient.withConnection(to: address, framing: .lines(), tls: certificates.client()) {
                try await $0.write("hello")
                #expect(try await $0.readText() == "hello")
            }
            // None of the others was ever there for the handlers.
            #expect(await events.take() == "open")
            #expect(await events.take() == "close")
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a client that says nothing is dropped at the end of the handshake's time")
    func silent() async throws {
        let certificates = try await TestCertificates.shared()
        let clock = VirtualClock()
        let server = echo(try ServerTLS(identity: TLSIdentity(certificates.localhost)))
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await clock.advance(by: .seconds(10) - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .nanoseconds(1))
        #expect(server.connectionCount == 0)
        let drop = try #require(await drops.take())
        #expect(drop.reason.code == .timedOut)
        #expect(drop.remoteAddress == link.client.localAddress)
    }

    @Test("a client that does not get TLS from its server fails")
    func plainServer() async throws {
        let certificates = try await TestCertificates.shared()
        let server = TCPServer.local { connection in try await connection.write("220 plain text\r\n") }
        try await server.withListening { address in
            let error = await networkError {
                _ = try await TCPClient.connect(to: address, tls: certificates.client())
            }
            #expect(error?.code == .tlsHandshakeFailed)
        }
    }
}
