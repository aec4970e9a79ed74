import JunctionTCP
import NIOCore
import TestSupport
import Testing

@Suite("TCP echo", .timeLimit(.minutes(5)))
struct EchoTests {
    /// One that reads and writes in a task.
    private func asynchronous(framing: Framing = .raw) -> TCPServer {
        .local(framing: framing) { connection in
            for try await data in connection.inbound { try await connection.write(data) }
        }
    }

    /// One that is called on the event loop.
    private func inline(framing: Framing = .raw) -> TCPServer {
        TCPServer(
            host: "127.0.0.1", port: 0, framing: framing, onMessage: { data, connection in connection.write(data) })
    }

    private func servers(framing: Framing = .raw) -> [TCPServer] {
        [asynchronous(framing: framing), inline(framing: framing)]
    }

    @Test("sends back what came")
    func echo() async throws {
        for server in servers() {
            try await server.withListening { address in
                try await TCPClient.withConnection(to: address) { connection in
                    for text in ["a", "hello", "한국어"] {
                        try await connection.write(text)
                        #expect(try await connection.readText() == text)
                    }
                }
            }
        }
    }

    @Test("sends back megabytes without losing, doubling or moving a byte")
    func bulk() async throws {
        let data = pattern(4_000_000)
        for server in servers() {
            try await server.withListening { address in
                try await TCPClient.withConnection(to: address) { connection in
                    async let writing: Void = {
                        var rest = data
                        while let part = rest.readSlice(length: min(10_000, rest.readableBytes)), part.readableBytes > 0
                        {
                            try await connection.write(part)
                        }
                        connection.finish()
                    }()
                    var back = ByteBuffer()
                    while back.readableBytes < data.readableBytes {
                        var iterator = connection.inbound.makeAsyncIterator()
                        guard var part = try await iterator.next() else { break }
                        back.writeBuffer(&part)
                    }
                    try await writing
                    #expect(back == data)
                }
            }
        }
    }

    @Test("keeps lines apart however many come at once")
    func lines() async throws {
        for server in servers(framing: .lines()) {
            try await server.withListening { address in
                try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
                    let lines = (0..<500).map { "line \($0)" }
                    for line in lines { try await connection.write(line) }
                    for line in lines { #expect(try await connection.readText() == line) }
                }
            }
        }
    }

    @Test("serves many connections at once, each with its own answers")
    func manyConnections() async throws {
        for server in servers() {
            try await server.withListening { address in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<50 {
                        group.addTask {
                            try await TCPClient.withConnection(to: address) { connection in
                                for message in 0..<10 {
                                    let text = "client \(client) message \(message)"
                                    try await connection.write(text)
                                    #expect(try await connection.readText() == text)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("tells an inline server who connects, what comes and why it ends, in that order")
    func inlineCallbacks() async throws {
        let events = Box<String>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, framing: .lines(),
            onConnect: { connection in
                events.put("connect")
                connection.write("welcome")
            },
            onMessage: { data, _ in events.put("message \(String(buffer: data))") },
            onClose: { _, reason in events.put("close: \(reason)") })  // it answers the end of the client with its own
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
                #expect(try await connection.readText() == "welcome")
                try await connection.write("a")
                try await connection.write("b")
                for expected in ["connect", "message a", "message b"] { #expect(await events.take() == expected) }
                connection.finish()
                #expect(await events.take() == "close: closed by this side")
            }
        }
    }

    @Test("knows both addresses")
    func addresses() async throws {
        let addresses = Box<[SocketAddress?]>()
        let server = TCPServer.local { connection in
            addresses.put([connection.localAddress, connection.remoteAddress])
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                #expect(connection.remoteAddress == address)
                #expect(await addresses.take() == [connection.remoteAddress, connection.localAddress])
            }
        }
    }

    @Test("gives port 0 a real port, and the caller the result of its scope")
    func freePort() async throws {
        let port = try await asynchronous().withListening { address in address.port }
        #expect(try #require(port) > 0)
    }

    @Test("listens on IPv6 and IPv4 alike without a host")
    func dualStack() async throws {
        let server = TCPServer(port: 0) { connection in try await connection.write("hello") }
        try await server.withListening { address in
            let port = try #require(address.port)
            for host in ["127.0.0.1", "::1", "localhost"] {
                try await TCPClient.withConnection(host: host, port: port) { connection in
                    let text = try await connection.readText()
                    #expect(text == "hello")
                }
            }
        }
    }

    @Test("counts open connections")
    func connectionCount() async throws {
        let arrived = Box<Void>()
        let server = TCPServer.local { connection in
            arrived.put(())
            _ = try await connection.readAll()
        }
        #expect(server.connectionCount == 0)
        try await server.withListening { address in
            let first = try await TCPClient.connect(to: address)
            await arrived.take()
            #expect(server.connectionCount == 1)
            let second = try await TCPClient.connect(to: address)
            await arrived.take()
            #expect(server.connectionCount == 2)
            first.close()
            second.close()
            await first.waitUntilClosed()
            await second.waitUntilClosed()
        }
        #expect(server.connectionCount == 0)
    }
}
