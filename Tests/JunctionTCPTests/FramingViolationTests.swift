import JunctionTCP
import NIOCore
import TestSupport
import Testing

@Suite("Violations of a TCP framing", .timeLimit(.minutes(5)))
struct FramingViolationTests {
    /// What a server's handler was given: messages, and the error that ended them.
    private typealias Result = ([String], NetworkError?)

    private func serve(_ framing: Framing, _ bytes: String) async throws -> Result? {
        let results = Box<Result>()
        let server = TCPServer.local(framing: framing) { connection in
            var messages: [String] = []
            let error = await networkError {
                for try await message in connection.inbound { messages.append(String(buffer: message)) }
            }
            results.put((messages, error))
        }
        return try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write(bytes)
                connection.finish()
                return await results.take()
            }
        }
    }

    @Test("are skipped where that is asked for, and reading goes on behind them")
    func skipped() async throws {
        let framing = Framing.jsonLines(maximumLength: 8).onViolation(.skip)
        let result = try await serve(framing, "1\nno\n123456789\n[2]\n")
        #expect(result?.0 == ["1", "[2]"])
        #expect(result?.1 == nil)
    }

    @Test("end the connection all the same when no next frame can be found")
    func fatal() async throws {
        let result = try await serve(.netstring().onViolation(.skip), "1:a,x1:b,")
        #expect(result?.0 == ["a"])
        #expect(result?.1?.code == .malformedFrame)
    }

    @Test("a stream that ends in the middle of a frame ends with an error behind the frames before it")
    func truncated() async throws {
        let result = try await serve(.netstring(), "1:a,5:b")
        #expect(result?.0 == ["a"])
        #expect(result?.1?.description == "ERR_FRAME_MALFORMED: read: the stream stopped in the middle of a message")
        let skipping = try await serve(.netstring().onViolation(.skip), "1:a,5:b")
        #expect(skipping?.0 == ["a"])
        #expect(skipping?.1 == nil)
    }

    @Test("what falls silent is a message with a framing by pauses")
    func idleGap() async throws {
        let server = TCPServer.local(framing: .idleGap(.milliseconds(1))) { connection in
            for try await message in connection.inbound { try await connection.write(message) }
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("\u{1}\u{3}\u{0}")
                #expect(try await connection.readText() == "\u{1}\u{3}\u{0}")
            }
        }
    }

    @Test("a message that the framing cannot carry makes an awaited write throw, and the connection lives on")
    func awaitedWrite() async throws {
        let server = TCPServer.local(framing: .delimiter("|")) { connection in
            let error = await networkError { try await connection.write("a|b") }
            #expect(error?.code == .malformedFrame)
            try await connection.write("c")
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let answer = try await connection.readAll()
                #expect(String(buffer: answer) == "c|")
            }
        }
    }

    @Test("a message that the framing cannot carry ends a connection that cannot throw")
    func inlineWrite() async throws {
        let reasons = Box<CloseReason>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, framing: .delimiter("|"),
            onMessage: { _, connection in connection.write("a|b") }, onClose: { reasons.put($1) })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("go|")
                _ = try? await connection.readAll()
            }
            guard case .error(let error) = await reasons.take() else {
                Issue.record("an error was expected")
                return
            }
            #expect(error.code == .malformedFrame)
        }
    }
}
