import Logging
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

@testable import JunctionTCP
@testable import JunctionTransport

@Suite("TCP connections as a sequence", .timeLimit(.minutes(5)))
struct ConnectionSequenceTests {
    private static func server(limit: Int? = nil) -> TCPServer {
        var configuration = TCPServer.Configuration()
        if let limit { configuration.maximumWaitingConnections = limit }
        return TCPServer(host: "127.0.0.1", port: 0, configuration: configuration)
    }

    @Test("connections are taken in the order of their arrival, whether they come before the reader or after")
    func order() async throws {
        let server = Self.server()
        try await server.withConnections { address, connections in
            var clients: [TCPConnection] = []
            for _ in 0..<5 {
                clients.append(try await TCPClient.connect(to: address))
                try await eventually { server.waiting.count == clients.count }
            }
            var iterator = connections.makeAsyncIterator()
            for client in clients {
                let connection = try #require(await iterator.next())
                #expect(connection.remoteAddress == client.localAddress)
                try await connection.write("hello")
                #expect(try await client.readText() == "hello")
                connection.close()
                client.close()
            }
            async let late = TCPClient.connect(to: address)
            let connection = await iterator.next()
            let client = try await late
            #expect(connection?.remoteAddress == client.localAddress)
            connection?.close()
            client.close()
        }
        #expect(server.connectionCount == 0)
    }

    /// Serves what it takes in tasks of their own, which say goodbye at the end.
    private struct Serving: Service {
        let server = ConnectionSequenceTests.server()
        let addresses = Box<SocketAddress>()

        func run() async throws {
            try await server.withConnections { address, connections in
                addresses.put(address)
                await withDiscardingTaskGroup { group in
                    for await connection in connections {
                        group.addTask {
                            try? await connection.write("hello")
                            _ = try? await connection.readAll()
                            try? await connection.write("bye")
                            connection.close()
                        }
                    }
                }
            }
        }
    }

    @Test("a graceful shutdown ends the sequence, and lets those who serve its connections say goodbye")
    func shutdown() async throws {
        let service = Serving()
        let group = ServiceGroup(services: [service], logger: Logger(label: "test"))
        async let running: Void = group.run()
        let address = try #require(await service.addresses.take())
        var clients: [TCPConnection] = []
        for _ in 0..<3 {
            clients.append(try await TCPClient.connect(to: address))
            #expect(try await clients.last?.readText() == "hello")
        }
        await group.triggerGracefulShutdown()
        for client in clients {
            #expect(try await client.readAll() == ByteBuffer(string: "bye"))
            client.close()
        }
        try await running
        #expect(service.server.connectionCount == 0)
    }

    @Test("cancellation ends the sequence and every connection")
    func cancellation() async throws {
        let service = Serving()
        let running = Task { try await service.run() }
        let client = try await TCPClient.connect(to: try #require(await service.addresses.take()))
        #expect(try await client.readText() == "hello")
        running.cancel()
        _ = try? await client.readAll()
        client.close()
        try? await running.value
        #expect(service.server.connectionCount == 0)
    }

    @Test("a reader whose task is cancelled gets no connection, and the next reader does")
    func cancelledReader() async throws {
        try await Self.server().withConnections { address, connections in
            let reading = Task {
                var iterator = connections.makeAsyncIterator()
                return await iterator.next()
            }
            reading.cancel()
            #expect(await reading.value == nil)
            let client = try await TCPClient.connect(to: address)
            var iterator = connections.makeAsyncIterator()
            let connection = await iterator.next()
            #expect(connection?.remoteAddress == client.localAddress)
            connection?.close()
            client.close()
        }
    }

    @Test("connections that nobody takes are closed when the scope ends, and it does not wait for them")
    func nobodyTakes() async throws {
        let server = Self.server()
        let client = try await server.withConnections { address, _ in
            let client = try await TCPClient.connect(to: address)
            try await eventually { server.waiting.count == 1 }
            return client
        }
        // Ended by the server, and not by a drain's deadline, which is a reset of what was not read.
        #expect(try await client.readText() == nil)
        client.close()
        #expect(server.connectionCount == 0)
    }

    @Test("a server may be run again", arguments: 0..<2)
    func again(_ round: Int) async throws {
        let server = Self.server()
        for _ in 0..<2 {
            try await server.withConnections { address, connections in
                let client = try await TCPClient.connect(to: address)
                var iterator = connections.makeAsyncIterator()
                let connection = await iterator.next()
                #expect(connection?.remoteAddress == client.localAddress)
                connection?.close()
                client.close()
            }
        }
    }

    @Test("while as many wait as may, no more are accepted; all are served when they are taken", arguments: [1, 2, 8])
    func limit(_ limit: Int) async throws {
        let server = Self.server(limit: limit)
        try await server.withConnections { address, connections in
            var clients: [TCPConnection] = []
            for number in 1...limit {
                clients.append(try await TCPClient.connect(to: address))
                try await eventually { server.waiting.count == number }
            }
            try await eventually { server.waiting.gate.isHeld }
            try await turnLoops()
            // The kernel lets them in, the server does not.
            for _ in 0..<10 { clients.append(try await TCPClient.connect(to: address)) }
            for _ in 0..<10 { try await turnLoops() }
            #expect(server.connectionCount == limit)

            var served = Set<Int?>()
            for await connection in connections {
                served.insert(connection.remoteAddress?.port)
                connection.close()
                if served.count == clients.count { break }
            }
            #expect(served == Set(clients.map { $0.localAddress?.port }))
            for client in clients { client.close() }
        }
    }

    @Test("512 connections may wait, unless it is set otherwise")
    func defaultLimit() {
        #expect(TCPServer.Configuration().maximumWaitingConnections == 512)
    }

    @Test("a server that has a handler gives its connections to nobody else")
    func handler() async throws {
        let servers = [
            TCPServer.local { _ in }, TCPServer(host: "127.0.0.1", port: 0, onMessage: { _, _ in }),
        ]
        for server in servers {
            let error = await networkError { try await server.withConnections { _, _ in } }
            #expect(error?.description == "ERR_INVALID_STATE: this server has a handler, which takes its connections")
        }
    }
}
