import JunctionTCP
import JunctionTesting
import JunctionTransport
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite("TCP back pressure", .timeLimit(.minutes(5)))
struct BackPressureTests {
    /// More than the buffers of both sides and of the kernel hold.
    private static let chunk = pattern(65_536)
    private static let chunks = 1_024

    /// Writes everything; `written` counts the chunks.
    @Sendable private static func writeAll(to connection: TCPConnection, _ written: Counter) async throws {
        for _ in 0..<chunks {
            try await connection.write(chunk)
            written.add(1)
        }
        connection.finish()
    }

    /// Reads to the end; true when every byte is what and where it should be.
    @Sendable private static func readAll(from connection: TCPConnection) async throws -> Bool {
        var position = 0
        var isIntact = true
        for try await part in connection.inbound {
            var part = part
            while part.readableBytes > 0 {
                let offset = position % chunk.readableBytes
                let length = min(part.readableBytes, chunk.readableBytes - offset)
                isIntact = isIntact && part.readSlice(length: length) == chunk.getSlice(at: offset, length: length)
                position += length
            }
        }
        return isIntact && position == chunks * chunk.readableBytes
    }

    @Test("a server that does not read stops the client, and loses nothing when it reads at last")
    func readerIsBehind() async throws {
        let (gate, results) = (Gate(), Box<Bool>())
        let server = TCPServer.local { connection in
            await gate.wait()
            results.put(try await Self.readAll(from: connection))
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let written = Counter()
                async let writing: Void = Self.writeAll(to: connection, written)
                // The writer and this task share a loop: this goes on when the writer is suspended.
                await Task.yield()
                #expect(written.value > 0 && written.value < Self.chunks)
                gate.open()
                try await writing
                #expect(await results.take() == true)
            }
        }
    }

    @Test("a client that does not read stops the server's handler, and gets everything when it reads at last")
    func writerIsAhead() async throws {
        let (gate, suspended) = (Gate(), Box<Int>())
        let server = TCPServer.local { connection in
            let written = Counter()
            async let writing: Void = Self.writeAll(to: connection, written)
            await Task.yield()
            suspended.put(written.value)
            try await writing
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let written = try #require(await suspended.take())
                #expect(written > 0 && written < Self.chunks)
                gate.open()
                #expect(try await Self.readAll(from: connection))
            }
        }
    }

    @Test("a suspended write ends with its task, and leaves other writes waiting")
    func cancelledWrite() async throws {
        let (clock, gate) = (VirtualClock(), Gate())
        let server = TCPServer.local { connection in
            await gate.wait()
            _ = try await connection.readAll()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        let (written, cancelled) = (Counter(), Counter())
        let other = Task(executorPreference: clock.executor) { try await Self.writeAll(to: link.client, written) }
        let writing = Task(executorPreference: clock.executor) {
            do {
                try await link.client.write(ByteBuffer(repeating: 0, count: 1))
            } catch is CancellationError {
                cancelled.add(1)
            }
        }
        await clock.settle()
        let before = written.value
        #expect(before < Self.chunks)
        writing.cancel()
        try await writing.value
        await clock.settle()
        #expect(cancelled.value == 1 && written.value == before)
        gate.open()
        try await other.value
        #expect(written.value == Self.chunks)
    }

    @Test("a writer is ahead of a reader by what both sides may hold, and by no more however long it waits")
    func bounded() async throws {
        let clock = VirtualClock()
        var configuration = TCPServer.Configuration()
        configuration.connection.highWaterMark = 10_000
        let written = Counter()
        let server = TCPServer.local(configuration: configuration) { connection in
            while true {
                try await connection.write(ByteBuffer(repeating: 0, count: 1_000))
                written.add(1)
            }
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 5_000))
        await clock.settle()
        let before = written.value
        // The client's inbox holds 65,536, the way 5,000, the server's queue 10,000; each takes a part of a write more.
        #expect(before > 60 && before < 90)
        await clock.advance(by: .seconds(30))
        #expect(written.value == before)
        while written.value == before {
            _ = try await link.client.readText()
            await clock.settle()
        }
    }

    @Test("a suspended write fails when the peer resets the connection")
    func resetWhileSuspended() async throws {
        let server = TCPServer.local { connection in
            for try await _ in connection.inbound { return connection.reset() }
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let error = await networkError { try await Self.writeAll(to: connection, Counter()) }
                #expect(error?.code == .brokenPipe || error?.code == .connectionReset)
            }
        }
    }

    @Test("a task that writes without end to a peer that keeps up holds up nobody else on its loop")
    func fairness() async throws {
        let flood = 20_000_000_000  // what the task gives up at, if nobody stops it
        let isServed = Atomic(false)
        let written = Counter()
        let server = TCPServer.local { connection in
            guard try await connection.readText() == "flood" else { return try await connection.write("served") }
            let part = ByteBuffer(repeating: 0, count: 100_000)
            while !isServed.load(ordering: .relaxed), written.value < flood {
                try await connection.write(part)
                written.add(part.readableBytes)
            }
        }
        try await server.withListening { address in
            let reader = try await TCPClient.connect(to: address)
            try await reader.write("flood")
            // It drops what it reads, which is as quick as can be.
            #expect(try await reader.readText() != nil)
            reader.stopReading()
            for _ in 0..<4 * EventLoops.all.count {
                try await TCPClient.withConnection(to: address) { connection in
                    try await connection.write("me, too")
                    let answer = try await connection.readText()
                    #expect(answer == "served")
                }
            }
            isServed.store(true, ordering: .relaxed)
            reader.close()
        }
        #expect(written.value < flood)
    }
}
