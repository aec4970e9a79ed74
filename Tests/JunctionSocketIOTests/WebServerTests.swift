import JunctionSocketIO
import JunctionTCP
import Logging
import NIOCore
import NIOHTTP1
import RawClients
import TLSTesting
import TestSupport
import Testing

/// What every web server has beside its protocol: where it listens, whom it lets in, TLS.
@Suite("Web servers", .timeLimit(.minutes(5))) struct WebServerTests {
    private let drops = Box<DroppedConnection>()

    private func configuration(_ change: (inout WebServer.Configuration) throws -> Void) rethrows
        -> WebServer.Configuration
    {
        var configuration = WebServer.Configuration()
        configuration.onDrop = { [drops] in drops.put($0) }
        try change(&configuration)
        return configuration
    }

    /// Tells each client how it looks to the server.
    private func server(
        on address: ListenAddress = .host("127.0.0.1", port: 0), _ configuration: WebServer.Configuration
    ) -> SocketIOServer {
        let io = SocketIOServer(on: address, configuration: configuration)
        io.onConnection { socket in
            socket.emit("hello", socket.handshake.secure, socket.handshake.address)
            TestServer.echo(socket)
        }
        return io
    }

    // MARK: Where

    @Test("A Socket.IO server listens at a Unix domain socket; its clients have the socket's path for an address")
    func unixSocket() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/web.sock"
            try await server(on: .unix(path: path), configuration { _ in }).withListening { address in
                #expect(address.pathname == path)
                try await RawWebSocket.with(address) { socket in
                    try await socket.connect()
                    #expect(try await socket.nextText().hasPrefix(#"42["hello",false,"#))
                    try await socket.expectEcho()
                }
            }
        }
    }

    @Test("A WebSocket server and a web server take a socket that was bound before")
    func boundSocket() async throws {
        let socket = try await BoundSocket.bind(host: "127.0.0.1", port: 0)
        let port = try #require(socket.localAddress?.port)
        let echo = WebSocketServer(on: .socket(socket)) { message, connection in connection.send(message) }
        try await echo.withListening { address in
            #expect(address.port == port)
            try await RawWebSocket.with(address, "/") { client in
                try await client.send("hello")
                #expect(try await client.nextText() == "hello")
            }
        }
    }

    // MARK: Whom

    @Test(
        "The connection that is one too many is closed, told of and counted; when another has ended, the next is served"
    )
    func maximumConnections() async throws {
        let web = WebServer(
            host: "127.0.0.1", port: 0, configuration: configuration { $0.maximumConnections = 1 }, mounts: [])
        try await web.withListening { address in
            try await RawConnection.with(address) { first in
                #expect(try await first.request("GET", "/").status == 404)
                #expect(web.connectionCount == 1)
                try await RawConnection.with(address) { try await $0.expectEnd() }
                let drop = try #require(await drops.take())
                #expect(drop.reason.code == .tooManyConnections)
                #expect(web.droppedConnectionCount == 1)
            }
            try await eventually { web.connectionCount == 0 }
            #expect(try await RawConnection.with(address) { try await $0.request("GET", "/") }.status == 404)
        }
    }

    @Test("A WebSocket connection counts as a connection until it has ended")
    func maximumWebSockets() async throws {
        try await server(configuration { $0.maximumConnections = 1 }).withListening { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                try await RawConnection.with(address) { try await $0.expectEnd() }
                #expect(await drops.take()?.reason.code == .tooManyConnections)
            }
        }
    }

    @Test("Who is blocked is not served, whatever it speaks")
    func filter() async throws {
        let filter = AddressFilter(blockList: try BlockList(["127.0.0.1"]))
        let servers: [any ListeningService] = [
            WebServer(host: "127.0.0.1", port: 0, configuration: configuration { $0.filter = filter }, mounts: []),
            WebSocketServer(host: "127.0.0.1", port: 0, configuration: configuration { $0.filter = filter }) { _, _ in
            },
            server(configuration { $0.filter = filter }),
        ]
        for server in servers {
            try await server.withListening { address in
                try await RawConnection.with(address) { try await $0.expectEnd() }
                #expect(await drops.take()?.reason.code == .addressBlocked)
            }
        }
    }

    @Test("The address of a client is that of its connection: what a request says of itself is not believed")
    func forwardedFor() async throws {
        try await server(configuration { _ in }).withListening { address in
            try await RawConnection.with(address) { connection in
                let fields: HTTPHeaders = [
                    "x-forwarded-for": "198.51.100.7", "forwarded": "for=198.51.100.7;proto=https",
                    "x-forwarded-proto": "https",
                ]
                let answer = try await connection.request(
                    "GET", "/socket.io/?EIO=4&transport=polling", headers: fields)
                let sid = try #require(answer.body.firstMatch(of: /"sid":"([^"]+)"/)?.1)
                _ = try await connection.request(
                    "POST", TestServer.polling(String(sid)), headers: fields, body: ByteBuffer(string: "40"))
                let hello = try await connection.request("GET", TestServer.polling(String(sid))).body
                #expect(hello.contains(#"42["hello",false,"127.0.0.1:"#))
            }
        }
    }

    @Test(
        "The address of a client is the one in the PROXY protocol header of a balancer that is trusted",
        arguments: [1, 2])
    func proxyProtocol(version: Int) async throws {
        let source = try SocketAddress(ipAddress: "198.51.100.7", port: 5000)
        let destination = try SocketAddress(ipAddress: "192.0.2.1", port: 443)
        let trusting = configuration {
            $0.proxyProtocol = ProxyProtocol { $0.ipAddress == "127.0.0.1" }
            $0.filter = AddressFilter(allowList: try? BlockList(["198.51.100.0/24"]))
        }
        try await server(trusting).withListening { address in
            var options = ConnectOptions()
            options.proxyHeader =
                version == 1
                ? .v1(source: source, destination: destination) : .v2(source: source, destination: destination)
            try await RawConnection.with(address, options: options) { connection in
                let socket = try await RawWebSocket.upgrade(connection)
                try await socket.connect()
                #expect(try await socket.nextText() == #"42["hello",false,"198.51.100.7:5000"]"#)
                try await socket.expectEcho()
            }
            // Without a header there is no service.
            try await RawConnection.with(address) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try await connection.expectEnd()
            }
            #expect(await drops.take()?.reason.code == .proxyProtocol)
        }
    }

    @Test("A request is tied to a page's host by `localNamesOnly` on every kind of web server")
    func localNames() async throws {
        try await server(configuration { $0.localNamesOnly = true }).withListening { address in
            try await RawConnection.with(address) { connection in
                try await connection.send(
                    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: evil.example\r\n\r\n")
                #expect(try await connection.response().status == 421)
            }
        }
    }

    // MARK: TLS

    @Test(
        "Polling, WebSocket and upgrade work over TLS; the handshake of a socket says so", TestCertificates.requirement)
    func secure() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        try await server(configuration { $0.tls = tls }).withListening { address in
            let client = certificates.client { $0.serverName = "localhost" }
            try await RawWebSocket.with(address, tls: client) { socket in
                try await socket.connect()
                #expect(try await socket.nextText().hasPrefix(#"42["hello",true,"127.0.0.1:"#))
                try await socket.expectEcho()
            }
            try await RawConnection.with(address, tls: client) { polling in
                let sid = try await TestServer.openSession(polling)
                let target = TestServer.polling(sid)
                #expect(try await polling.request("POST", target, body: ByteBuffer(string: "40")).body == "ok")
                #expect(try await polling.request("GET", target).body.contains(#"42["hello",true,"#))
                try await RawWebSocket.with(
                    address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)", tls: client
                ) { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    try await socket.send("5")
                    try await socket.expectEcho()
                    let large = String(repeating: "x", count: 500_000)
                    try await socket.send(#"42["echo","\#(large)"]"#)
                    #expect(try await socket.nextText() == #"42["echo","\#(large)"]"#)
                }
            }
        }
    }

    @Test("A WebSocket server speaks wss, also under load in both directions", TestCertificates.requirement)
    func secureWebSocket() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let echo = WebSocketServer(host: "127.0.0.1", port: 0, configuration: configuration { $0.tls = tls }) {
            $1.send($0)
        }
        try await echo.withListening { address in
            try await RawWebSocket.with(address, "/", tls: certificates.client { $0.serverName = "localhost" }) {
                client in
                for number in 0..<200 { try await client.send("message \(number)") }
                for number in 0..<200 { #expect(try await client.nextText() == "message \(number)") }
            }
        }
    }

    @Test(
        "What does not speak TLS to a server that does is refused, counted, and harms nobody",
        TestCertificates.requirement)
    func plainToSecure() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let io = server(configuration { $0.tls = tls })
        try await io.withListening { address in
            try await RawConnection.with(address) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try await connection.expectEnd()
            }
            #expect(await drops.take()?.reason.code == .tlsHandshakeFailed)
            try await RawWebSocket.with(address, tls: certificates.client { $0.serverName = "localhost" }) { socket in
                _ = try await socket.connect()
            }
        }
    }

    @Test(
        "A server that ends tells its clients over TLS, and ends their connections in order",
        TestCertificates.requirement)
    func secureClosing() async throws {
        let certificates = try await TestCertificates.shared()
        let tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let io = server(configuration { $0.tls = tls })
        try await io.withListening { address in
            try await RawWebSocket.with(address, tls: certificates.client { $0.serverName = "localhost" }) { socket in
                try await socket.connect()
                _ = try await socket.nextText()
                io.emit("last", 1)
                io.close()
                #expect(try await socket.nextText() == #"42["last",1]"#)
                #expect(try await socket.closeCode() == .normal)
            }
        }
    }
}
