import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@Suite("Connections that are refused", .timeLimit(.minutes(5)))
struct RefusalTests {
    private let drops = Box<DroppedConnection>()

    private func configuration(_ change: (inout TCPServer.Configuration) -> Void) -> TCPServer.Configuration {
        var configuration = TCPServer.Configuration()
        configuration.onDrop = { [drops] in drops.put($0) }
        change(&configuration)
        return configuration
    }

    // MARK: Too many

    @Test(
        "the connection that is one too many is closed, told of and counted; when another has ended, the next is served"
    )
    func maximum() async throws {
        let server = TCPServer.greeting(
            on: .host("127.0.0.1", port: 0), configuration: configuration { $0.maximumConnections = 2 })
        try await server.withListening { address in
            var served: [TCPConnection] = []
            for _ in 0..<2 {
                served.append(try await TCPClient.connect(to: address))
                #expect(try await served.last?.readText() == "hello")
            }
            let refused = try await TCPClient.connect(to: address)
            #expect((try? await refused.readText()) == nil)
            let drop = try #require(await self.drops.take())
            #expect(drop.reason.code == .tooManyConnections)
            #expect(drop.reason.message == "accept: 2 connections are open, which is the limit")
            #expect(drop.remoteAddress == refused.localAddress)
            #expect(drop.localAddress == address)
            #expect(server.droppedConnectionCount == 1)
            #expect(server.connectionCount == 2)

            served[0].close()
            try await eventually { server.connectionCount == 1 }
            try await expectGreeting("hello", from: address)
            #expect(server.droppedConnectionCount == 1)
            for connection in served + [refused] { connection.close() }
        }
    }

    @Test("an inline server that refuses a connection neither opens nor closes it for its handlers")
    func inlineCallbacks() async throws {
        let events = Box<String>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, configuration: configuration { $0.maximumConnections = 1 },
            onConnect: { connection in
                events.put("open \(connection.remoteAddress?.port ?? 0)")
                connection.write("hello")
            },
            onMessage: { _, _ in },
            onClose: { connection, _ in events.put("close \(connection.remoteAddress?.port ?? 0)") })
        try await server.withListening { address in
            let served = try await TCPClient.connect(to: address)
            #expect(try await served.readText() == "hello")
            let port = try #require(served.localAddress?.port)
            for _ in 0..<3 { try await expectGreeting(nil, from: address) }
            served.close()
            #expect(await events.take() == "open \(port)")
            #expect(await events.take() == "close \(port)")
        }
        #expect(server.droppedConnectionCount == 3)
    }

    @Test("none may connect where the maximum is zero")
    func zero() async throws {
        let clock = VirtualClock()
        let server = TCPServer.local(configuration: configuration { $0.maximumConnections = 0 }) { _ in }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        _ = try? await link.client.readText()
        #expect(server.droppedConnectionCount == 1)
        #expect(server.connectionCount == 0)
    }

    // MARK: Filters

    @Test(
        "a client on the block list is refused and told of, also while the server runs, and let in when it is taken off"
    )
    func blockList() async throws {
        let blocked = try BlockList(["127.0.0.2", "10.0.0.0/8"])
        let server = TCPServer.greeting(
            on: .host("127.0.0.1", port: 0),
            configuration: configuration { $0.filter = AddressFilter(blockList: blocked) })
        var options = ConnectOptions()
        options.localAddress = "127.0.0.2"
        try await server.withListening { [options] address in
            try await expectGreeting("hello", from: address)
            try await expectGreeting(nil, from: address, options: options)
            let drop = try #require(await self.drops.take())
            let peer = try #require(drop.remoteAddress)
            #expect(peer.ipAddress == "127.0.0.2")
            #expect(drop.reason.description == "ERR_IP_BLOCKED: accept: \(peer.text) is not let in")
            #expect(server.droppedConnectionCount == 1)

            try blocked.remove("127.0.0.2")
            try await expectGreeting("hello", from: address, options: options)
            try blocked.add("127.0.0.0/30")
            try await expectGreeting(nil, from: address)
            #expect(await self.drops.take()?.remoteAddress?.ipAddress == "127.0.0.1")
        }
        #expect(server.droppedConnectionCount == 2)
        #expect(server.connectionCount == 0)
    }

    @Test(
        "with an allow list nobody else is let in; an IPv4 client of a dual-stack server is known by its IPv4 address")
    func allowList() async throws {
        let allowed = try BlockList(["127.0.0.1"])
        let server = TCPServer.greeting(
            on: .host("::", port: 0), configuration: configuration { $0.filter = AddressFilter(allowList: allowed) })
        try await server.withListening { address in
            let port = try #require(address.port)
            try await expectGreeting("hello", from: SocketAddress(ipAddress: "127.0.0.1", port: port))
            try await expectGreeting(nil, from: SocketAddress(ipAddress: "::1", port: port))
            #expect(await self.drops.take()?.reason.code == .addressBlocked)
        }
    }

    @Test(
        "a filter with an empty allow list lets clients of a Unix domain socket in, which its file's permissions guard")
    func filterOfUnixSocket() async throws {
        try await withTemporaryPath { path in
            let server = TCPServer.greeting(
                on: .unix(path: path),
                configuration: configuration { $0.filter = AddressFilter(allowList: BlockList()) })
            try await server.withListening { address in
                try await expectGreeting("hello", from: address)
            }
        }
    }

    @Test(
        "a client does not connect to an address that its filter refuses, and does when the filter's list has changed")
    func outbound() async throws {
        let blocked = try BlockList(["127.0.0.0/8", "::1"])
        let filter = AddressFilter(blockList: blocked)
        var options = ConnectOptions()
        options.filter = { filter.permits($0) }
        let served = Counter()
        let server = TCPServer.local { connection in
            served.add(1)
            try await connection.write("hello")
        }
        try await server.withListening { [options] address in
            let error = await networkError { _ = try await TCPClient.connect(to: address, options: options) }
            #expect(error?.code == .addressBlocked)
            let port = try #require(address.port)
            let byName = await networkError { _ = try await TCPClient.connect(port: port, options: options) }
            #expect(byName?.code == .addressBlocked)
            #expect(byName?.underlying.allSatisfy { $0.code == .addressBlocked } == true)
            #expect(served.value == 0)
            blocked.removeAll()
            try await expectGreeting("hello", from: address, options: options)
        }
    }
}
