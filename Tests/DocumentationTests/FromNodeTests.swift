import JunctionTCP
import JunctionUDP
import NIOCore
import TestSupport
import Testing

/// The code of the article FromNode.md. What listens on a port of its own choice is compiled; the rest runs.
@Suite("The article on Node's net and dgram", .timeLimit(.minutes(5)))
struct FromNodeTests {
    private static func server() async throws {
        let server = TCPServer(port: 3000) { connection in  // 'connection'
            for try await data in connection.inbound {  // 'data'
                try await connection.write(data)  // write(), and 'drain' if need be
            }
            print("the client has ended its side")  // 'end'
        }  // end(): the handler has returned
        try await server.run { address in  // listen(), 'listening'
            print("listening on \(address)")
        }  // 'close': run() has returned
    }

    private static func client() async throws {
        try await TCPClient.withConnection(port: 3000) { connection in  // 'connect'
            try await connection.write("Hello Server!")
            connection.finish()  // end()
            for try await data in connection.inbound { print(String(buffer: data)) }
        }
    }

    private static func datagrams() async throws {
        let udp = UDPServer(port: 3000) { datagram, socket in  // 'message'
            try await socket.send("Hello Client!", to: datagram.sender)
        }
        try await udp.run()
    }

    private static func sequence() async throws {
        try await TCPServer(host: "127.0.0.1", port: 0).withConnections { address, connections in
            for await connection in connections {
                Task {
                    try await connection.write("Hello Client!")
                    connection.close()
                }
            }
        }
    }

    @Test("a server is configured as the article says")
    func configures() async throws {
        var configuration = TCPServer.Configuration()
        configuration.maximumConnections = 10_000
        configuration.filter = AddressFilter(blockList: try BlockList(["192.0.2.0/24"]))
        configuration.onDrop = { dropped in print("refused:", dropped.reason) }
        configuration.connection.idleTimeout = .seconds(30)

        let server = TCPServer(on: .host("::1", port: 0, ipv6Only: true), configuration: configuration) { connection in
            try await connection.write("Hello Client!")
        }
        let greeting = try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { try await $0.readText() }
        }
        #expect(greeting == "Hello Client!")
    }

    @Test("a client connects by a resolver, a filter and a listener of its own")
    func connects() async throws {
        var options = ConnectOptions()
        options.timeout = .seconds(3)
        options.resolver = StaticHostResolver(["sensor": ["127.0.0.1"]], otherwise: TCPClient.systemResolver)
        options.onAttempt = { attempt in print(attempt.ordinal, attempt.address, attempt.outcome) }
        let reserved = BlockList.privateRanges()
        options.filter = { address in !reserved.check(address) }
        do {
            _ = try await TCPClient.connect(host: "sensor", port: 7, options: options)
        } catch let error as NetworkError where error.code == .addressBlocked {
            print(error.underlying.count, "address was refused")
        }
        let chosen = options
        let error = await networkError { _ = try await TCPClient.connect(host: "sensor", port: 7, options: chosen) }
        #expect(error?.code == .addressBlocked)
        #expect(error?.underlying.count == 1)
    }

    @Test("a block list matches, and a bound socket serves")
    func addresses() async throws {
        let blocked = try BlockList(["10.0.0.0/8", "192.0.2.1-192.0.2.9"])
        try blocked.add("2001:db8::/32")
        print(blocked.check(try IPAddress(parsing: "::ffff:10.1.2.3")))  // true: the IPv4 address in IPv6 form
        print(blocked.rules[0])  // Subnet: IPv6 2001:db8::/32

        let socket = try await BoundSocket.bind(host: "127.0.0.1", port: 0)  // the port is ours from now on
        print(socket.localAddress?.port ?? 0)
        let server = TCPServer(on: .socket(socket)) { connection in
            try await connection.write("Hello Client!")
        }
        #expect(blocked.check(try IPAddress(parsing: "::ffff:10.1.2.3")))
        #expect("\(blocked.rules[0])" == "Subnet: IPv6 2001:db8::/32")
        let reserved = socket.localAddress
        let greeting = try await server.withListening { address in
            #expect(address == reserved)
            return try await TCPClient.withConnection(to: address) { try await $0.readText() }
        }
        #expect(greeting == "Hello Client!")
    }

    @Test("every example of the article is in this file")
    func inStep() throws {
        let article = try Article("Sources/JunctionTCP/JunctionTCP.docc/FromNode.md")
        #expect(article.count == 7)
        #expect(article.missing == [])
    }
}
