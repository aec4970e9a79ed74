import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@Suite("Writing to TCP connections", .timeLimit(.minutes(5)))
struct WritingTests {
    private let clock = VirtualClock()

    // MARK: Several buffers

    @Test("several buffers arrive behind one another, whatever their sizes")
    func contentsOf() async throws {
        let sizes = [0, 1, 100, 65_535, 1, 65_536, 0, 70_000, 3, 200_000, 1_000]
        let whole = pattern(sizes.reduce(0, +))
        var rest = whole
        let parts = sizes.compactMap { rest.readSlice(length: $0) }
        let server = TCPServer.local { connection in
            try await connection.write(contentsOf: parts)
            try await connection.write(contentsOf: [])
            connection.finish()
            _ = try await connection.readAll()
        }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            // From another thread, and while the server writes, too.
            async let writing: Void = connection.write(contentsOf: parts)
            let received = try await connection.readAll()
            try await writing
            #expect(received == whole)
            #expect(await connection.bytesWritten == UInt64(whole.readableBytes))
            connection.close()
        }
    }

    @Test("several buffers are one message of the framing", arguments: [Framing.lines(), .lengthPrefix(.twoBytes)])
    func contentsOfFramed(_ framing: Framing) async throws {
        let server = TCPServer.local(framing: framing) { connection in
            for try await message in connection.inbound { try await connection.write(message) }
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: framing)
        try await link.client.write(contentsOf: ["one", " ", "", "message"].map { ByteBuffer(string: $0) })
        try await link.client.write(contentsOf: [])
        #expect(try await link.client.readText() == "one message")
        #expect(try await link.client.readText() == "")
    }

    // MARK: What waits

    @Test("the bytes that wait for the peer are counted, and are none when it has taken them")
    func queuedBytes() async throws {
        let gate = Gate()
        let server = TCPServer.local { connection in
            await gate.wait()
            _ = try await connection.readAll()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 1_000))
        #expect(await link.client.queuedBytes == 0)
        link.client.queue(ByteBuffer(repeating: 0, count: 100_000))
        await clock.settle()
        // The server's inbox takes 65,536 and what one read goes beyond; the way holds 1,000.
        let queued = await link.client.queuedBytes
        #expect(queued > 30_000 && queued < 36_000)
        #expect(await link.client.bytesWritten == 100_000)
        gate.open()
        await clock.settle()
        #expect(await link.client.queuedBytes == 0)
    }

    @Test("a peer for which more waits than the limit of writes that do not wait is cut off with the next of them")
    func tooSlow() async throws {
        let reasons = Box<CloseReason>()
        var configuration = TCPServer.Configuration()
        configuration.connection.maximumBufferedBytes = 100_000
        let server = TCPServer(
            host: "127.0.0.1", port: 0, configuration: configuration,
            onMessage: { _, connection in
                for _ in 0..<1_000 { connection.write(ByteBuffer(repeating: 0, count: 10_000)) }
            }, onClose: { reasons.put($1) })
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 1_000))
        try await link.client.write("go")
        await clock.settle()
        guard case .error(let error) = await reasons.take() else {
            Issue.record("an error was expected")
            return
        }
        #expect(error.code == .peerTooSlow)
        #expect(error.message == "write: more than 100000 bytes wait for a peer that reads too slowly")
        #expect(server.connectionCount == 0)
    }

    // MARK: The write timeout

    /// A server that writes to its clients all the time, with a write timeout of 30 seconds.
    private func flood(_ written: Counter, _ errors: Box<NetworkError?>) -> TCPServer {
        var configuration = TCPServer.Configuration()
        configuration.connection.writeTimeout = .seconds(30)
        configuration.connection.highWaterMark = 10_000
        return .local(configuration: configuration) { connection in
            errors.put(
                await networkError {
                    while true {
                        try await connection.write(ByteBuffer(repeating: 0, count: 1_000))
                        written.add(1_000)
                    }
                })
        }
    }

    /// What a client reads from, a piece at a time, when it is told to.
    private var slow: TCPConnection.Configuration {
        var configuration = TCPConnection.Configuration()
        configuration.highWaterMark = 1
        return configuration
    }

    @Test("a peer that takes nothing costs bounded memory, and the write timeout ends its connection with ETIMEDOUT")
    func writeTimeout() async throws {
        let (written, errors) = (Counter(), Box<NetworkError?>())
        let server = flood(written, errors)
        let link = try await InMemoryLink.connect(
            to: server, clock: clock, configuration: slow, conditions: .init(capacity: 1_000))
        await clock.settle()
        let before = written.value
        #expect(before <= 21_000, "the mark, one write more, the way, and what the client reads at once")
        await clock.advance(by: .seconds(30) - .nanoseconds(1))
        #expect(written.value == before)
        #expect(server.connectionCount == 1)
        // The peer's last read was behind the beginning of the first.
        await clock.advance(by: .seconds(30) + .nanoseconds(1))
        #expect(server.connectionCount == 0)
        let error = try #require(await errors.take() ?? nil)
        #expect(error.code == .timedOut)
        #expect(error.message.hasPrefix("write: the peer has taken nothing for 30 s, and "))
        _ = link
    }

    @Test("a peer that reads slowly but steadily is not cut off, however much is added meanwhile")
    func slowReader() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.writeTimeout = .seconds(30)
        let clock = clock
        let server = TCPServer.local(configuration: configuration) { connection in
            // More than the client takes in the same time.
            for _ in 0..<60 {
                connection.queue(ByteBuffer(repeating: 0, count: 100_000))
                try await clock.sleep(for: .seconds(10))
            }
        }
        let link = try await InMemoryLink.connect(
            to: server, clock: clock, configuration: slow,
            conditions: .init(splitReads: .atMost(500), capacity: 1_000))
        for _ in 0..<20 {
            await clock.advance(by: .seconds(29))
            #expect(try await link.client.readText()?.utf8.count == 500)
        }
        #expect(server.connectionCount == 1)
    }

    @Test("the write timeout counts also for less than the high-water mark")
    func belowTheMark() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.writeTimeout = .seconds(30)
        let server = TCPServer.local(configuration: configuration) { connection in
            try await connection.write(ByteBuffer(repeating: 0, count: 5_000))
            _ = try await connection.readAll()
        }
        let link = try await InMemoryLink.connect(
            to: server, clock: clock, configuration: slow,
            conditions: .init(splitReads: .atMost(1_000), capacity: 1_000))
        await clock.advance(by: .seconds(29))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .seconds(31))
        #expect(server.connectionCount == 0)
        _ = link
    }

    @Test("without a write timeout a peer may take nothing for ever")
    func noWriteTimeout() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.writeTimeout = nil
        let server = TCPServer.local(configuration: configuration) { connection in
            try await connection.write(ByteBuffer(repeating: 0, count: 1_000_000))
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, configuration: slow)
        await clock.advance(by: .seconds(1_000_000))
        #expect(server.connectionCount == 1)
        #expect(try await link.client.readAll().readableBytes == 1_000_000)
    }

    @Test("a peer that takes nothing of what waits behind a close is given up at the write timeout, too")
    func closing() async throws {
        let server = TCPServer.local { connection in
            connection.queue(ByteBuffer(repeating: 0, count: 1_000_000))
            connection.close()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, configuration: slow)
        await clock.advance(by: .seconds(60) - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .seconds(60) + .nanoseconds(1))
        #expect(server.connectionCount == 0)
        _ = link
    }
}
