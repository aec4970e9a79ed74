import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

/// One side ends, both do, or all of a sudden.
@Suite("Closing TCP connections", .timeLimit(.minutes(5)))
struct ClosingTests {
    private let clock = VirtualClock()

    // MARK: Half-close by the reader

    @Test("a side that stops reading sees the end, drops what comes, and goes on writing")
    func stopReading() async throws {
        let results = Box<ByteBuffer?>()
        var configuration = TCPServer.Configuration()
        configuration.connection.lingerTimeout = .seconds(60)  // a busy machine is slow
        let server = TCPServer.local(configuration: configuration) { connection in
            _ = try await connection.readText()
            connection.stopReading()
            var iterator = connection.inbound.makeAsyncIterator()
            results.put(try await iterator.next())
            try await connection.write(pattern(4_000_000))
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("go")
                #expect(try #require(await results.take()) == nil)
                // Nobody reads this, and yet it does not get stuck.
                async let writing: Void = connection.write(pattern(4_000_000))
                let received = try await connection.readAll()
                #expect(received == pattern(4_000_000))
                try await writing
            }
        }
    }

    @Test("a side that has stopped reading goes on writing when the peer ends its own side")
    func stopReadingAndPeerEnds() async throws {
        let answer = pattern(1_000_000)
        let server = TCPServer.local { connection in
            connection.stopReading()
            try await connection.write(answer)
        }
        var configuration = TCPConnection.Configuration()
        configuration.highWaterMark = 1
        let link = try await InMemoryLink.connect(
            to: server, clock: clock, configuration: configuration, conditions: .init(capacity: 10_000))
        link.client.finish()
        await clock.settle()
        #expect(server.connectionCount == 1)
        #expect(try await link.client.readAll() == answer)
        await clock.settle()
        #expect(server.connectionCount == 0)
    }

    @Test("both sides may stop reading and go on writing")
    func bothStopReading() async throws {
        let server = TCPServer.local { connection in
            connection.stopReading()
            try await connection.write(pattern(200_000))
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 1_000))
        link.client.stopReading()
        try await link.client.write(pattern(200_000))
        link.client.close()
        await clock.settle()
        #expect(server.connectionCount == 0)
    }

    // MARK: Lingering

    @Test("a client that still sends gets the whole answer of a server that answers and closes, and no reset")
    func answerWhileSending() async throws {
        let answer = pattern(2_000_000)
        var configuration = TCPServer.Configuration()
        configuration.connection.lingerTimeout = .seconds(60)  // a busy machine is slow
        let server = TCPServer.local(configuration: configuration) { connection in
            _ = try await connection.readText()
            try await connection.write(answer)
        }
        try await server.withListening { address in
            for _ in 0..<10 {
                try await TCPClient.withConnection(to: address) { connection in
                    connection.queue(ByteBuffer(repeating: 0, count: 1_000_000))
                    var received = ByteBuffer()
                    for try await var part in connection.inbound {
                        received.writeBuffer(&part)
                        connection.queue(ByteBuffer(repeating: 0, count: 50_000))
                    }
                    #expect(received == answer)
                }
            }
        }
    }

    @Test("a client that reads nothing before it has sent everything gets the answer of a server that reads no more")
    func answerToOneWhoSendsFirst() async throws {
        let server = TCPServer.local { connection in
            _ = try await connection.readText()
            connection.queue(pattern(500_000))
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 10_000))
        let received = Task(executorPreference: clock.executor) {
            try await link.client.write(ByteBuffer(repeating: 0, count: 1_000_000))
            return try await link.client.readAll()
        }
        await clock.settle()
        #expect(await link.client.queuedBytes == 0)
        #expect(try await received.value == pattern(500_000))
    }

    @Test(
        "a peer has the linger timeout, 2 seconds, to end its side, whether it sends or not", arguments: [false, true])
    func lingerTimeout(_ isSending: Bool) async throws {
        let server = TCPServer.local { connection in try await connection.write("bye") }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await clock.settle()
        #expect(try await link.client.readAll() == ByteBuffer(string: "bye"))
        for _ in 0..<19 {
            await clock.advance(by: .milliseconds(100))
            if isSending { try await link.client.write("more") }
        }
        await clock.advance(by: .milliseconds(100) - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .nanoseconds(1))
        #expect(server.connectionCount == 0)
    }

    @Test("a connection is gone as soon as the peer has ended its side, too")
    func noLinger() async throws {
        let server = TCPServer.local { connection in try await connection.write("bye") }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        #expect(try await link.client.readAll() == ByteBuffer(string: "bye"))
        #expect(server.connectionCount == 1)
        link.client.finish()
        await clock.settle()
        #expect(server.connectionCount == 0)
    }

    // MARK: Reset

    private static func resetting() -> TCPServer {
        .local { connection in
            _ = try await connection.readText()
            connection.reset()
        }
    }

    @Test("a reset is ECONNRESET for the peer")
    func reset() async throws {
        let server = TCPServer.local { connection in
            _ = try await connection.readText()
            connection.reset()
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("go")
                let error = await networkError { _ = try await connection.readAll() }
                #expect(error?.description == "ECONNRESET: read: the peer reset the connection")
                guard case .error(let reason)? = await connection.closeReason else {
                    Issue.record("an error was expected")
                    return
                }
                #expect(reason.code == .connectionReset)
            }
        }
    }

    @Test("a reset in memory is one, too")
    func resetInMemory() async throws {
        let link = try await InMemoryLink.connect(to: Self.resetting(), clock: clock)
        try await link.client.write("go")
        let error = await networkError { _ = try await link.client.readAll() }
        #expect(error?.code == .connectionReset)
    }

    @Test("a reset in the middle of large writes ends this side at once and the peer with ECONNRESET, and nobody else")
    func resetWhileWriting() async throws {
        let server = TCPServer.local(framing: .raw) { connection in
            let question = try await connection.readText()
            guard question == "flood" else { return try await connection.write("quiet") }
            try await connection.write(ByteBuffer(repeating: 0, count: 64_000_000))
        }
        let outcomes = Box<CloseReason?>()
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { bystander in
                // The server is in the middle of a write.
                try await TCPClient.withConnection(to: address) { connection in
                    try await connection.write("flood")
                    _ = try await connection.readText()
                    connection.reset()
                    #expect(try await connection.readAll().readableBytes < 64_000_000)
                    outcomes.put(await connection.closeReason)
                }
                guard case .reset?? = await outcomes.take() else {
                    Issue.record("this side reset the connection")
                    return
                }
                try await eventually { server.connectionCount == 1 }
                try await bystander.write("still there?")
                #expect(try await bystander.readText() == "quiet")
            }
        }
    }

    @Test("a client that is sent to when its server resets in the middle has the beginning, and ECONNRESET behind it")
    func resetByWriter() async throws {
        let server = TCPServer.local { connection in
            connection.queue(ByteBuffer(repeating: 0, count: 64_000_000))
            _ = try await connection.readText()
            connection.reset()
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                #expect(try await connection.readText() != nil)
                try await connection.write("enough")
                let error = await networkError { _ = try await connection.readAll() }
                #expect(error?.code == .connectionReset)
            }
        }
    }
}
