import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@Suite("TCP framing", .timeLimit(.minutes(5)))
struct FramingTests {
    @Test("gives the handler whole lines, however the bytes were cut")
    func wholeLines() async throws {
        let lines = Box<[String]>()
        let server = TCPServer.local(framing: .lines()) { connection in
            var all: [String] = []
            for try await line in connection.inbound { all.append(String(buffer: line)) }
            lines.put(all)
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                for piece in ["fir", "st\nsec", "ond\r", "\n\nlast"] { try await connection.write(piece) }
                connection.finish()
                #expect(await lines.take() == ["first", "second", "", "last"])
            }
        }
    }

    @Test("gives the same lines for every size of read, and for reads of random sizes", arguments: 1...24)
    func everySplit(_ size: Int) async throws {
        let lines = Box<[String]>()
        let server = TCPServer.local(framing: .lines()) { connection in
            var all: [String] = []
            for try await line in connection.inbound { all.append(String(buffer: line)) }
            lines.put(all)
        }
        let clock = VirtualClock()
        for reads: InMemoryLink.Conditions.Reads in [.atMost(size), .random(upTo: size, seed: UInt64(size))] {
            let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(splitReads: reads))
            try await link.client.write("first\nsecond\r\n\n\r\nlast")
            link.client.finish()
            #expect(await lines.take() == ["first", "second", "", "", "last"])
        }
    }

    @Test("a line that is too long ends its connection alone, behind the lines before it")
    func tooLong() async throws {
        let results = Box<([String], NetworkError?)>()
        let server = TCPServer.local(framing: .lines(maximumLength: 8)) { connection in
            var all: [String] = []
            let error = await networkError {
                for try await line in connection.inbound { all.append(String(buffer: line)) }
            }
            results.put((all, error))
        }
        try await server.withListening { address in
            let bystander = try await TCPClient.connect(to: address)
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("ok\n123456789\nmore\n")
                let (lines, error) = try #require(await results.take())
                #expect(lines == ["ok"], "nothing of the long line is delivered, nor what follows it")
                #expect(error?.code == .frameTooLong)
                #expect(error?.message == "read: a line is longer than 8 bytes")
                _ = try? await connection.readAll()
            }
            try await bystander.write("still here\n")
            bystander.close()
            let (lines, error) = try #require(await results.take())
            #expect(lines.isEmpty && error?.code == .frameTooLong, "this one is 10 bytes")
        }
    }

    @Test("a line that is too long ends an inline server's connection")
    func tooLongInline() async throws {
        let reasons = Box<CloseReason>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, framing: .lines(maximumLength: 8), onMessage: { _, _ in },
            onClose: { reasons.put($1) })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("123456789")
                _ = try? await connection.readAll()
            }
            guard case .error(let error) = await reasons.take() else {
                Issue.record("an error was expected")
                return
            }
            #expect(error.code == .frameTooLong)
        }
    }

    @Test("delivers an unfinished line when the client pauses, where that is asked for")
    func flushing() async throws {
        let server = TCPServer.local(framing: .lines(flushingAfter: .milliseconds(1))) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
                try await TCPClient.withConnection(to: address) { raw in
                    try await raw.write("no line ending")
                    #expect(try await raw.readText() == "no line ending\n")
                    try await raw.write("again")
                    #expect(try await raw.readText() == "again\n")
                }
                try await connection.write("a line")
                #expect(try await connection.readText() == "a line")
            }
        }
    }

    @Test("a line is unfinished until its client has paused for the whole time")
    func flushingTime() async throws {
        let clock = VirtualClock()
        let arrivals = Box<(String, Duration)>()
        let server = TCPServer.local(framing: .lines(flushingAfter: .milliseconds(50))) { connection in
            for try await line in connection.inbound { arrivals.put((String(buffer: line), clock.now.offset)) }
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        for text in ["be", "g", "in"] {
            try await link.client.write(text)
            await clock.advance(by: .milliseconds(49))
        }
        await clock.advance(by: .milliseconds(1))
        try await link.client.write("whole\nrest")
        await clock.advance(by: .seconds(1))
        for (text, milliseconds) in [("begin", 148), ("whole", 148), ("rest", 198)] {
            let (line, time) = try #require(await arrivals.take())
            #expect(line == text && time == .milliseconds(milliseconds))
        }
    }

    /// Messages of a length that their first byte tells.
    private struct LengthByte: Framer {
        private var pending = ByteBuffer()

        mutating func append(_ bytes: ByteBuffer) { pending.writeImmutableBuffer(bytes) }

        mutating func next() throws(FramingError) -> ByteBuffer? { pending.readLengthPrefixedSlice(as: UInt8.self) }

        mutating func flush() throws(FramingError) -> ByteBuffer? { nil }

        mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
            output.writeInteger(UInt8(truncatingIfNeeded: message.readableBytes))
            output.writeImmutableBuffer(message)
        }
    }

    @Test("takes a framing of one's own, both ways")
    func custom() async throws {
        let framing = Framing.custom { LengthByte() }
        let server = TCPServer.local(framing: framing) { connection in
            for try await message in connection.inbound { try await connection.write(message) }
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: framing) { connection in
                for text in ["one", "", "two\n"] {
                    try await connection.write(text)
                    #expect(try await connection.readText() == text)
                }
            }
        }
    }
}
