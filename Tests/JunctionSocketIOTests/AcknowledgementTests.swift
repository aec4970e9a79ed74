import JunctionSocketIO
import JunctionWebSocket
import NIOCore
import RawClients
import Testing

/// Acknowledgements that the server asks a client for, and the order of events around them.
@Suite(.timeLimit(.minutes(5))) struct AcknowledgementTests {
    /// Serves one socket with `handler` while `client` plays the client.
    private func serve(
        _ handler: @escaping @Sendable (Socket) async -> Void,
        client: @escaping @Sendable (RawWebSocket) async throws -> Void
    ) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { (socket: Socket) async in await handler(socket) }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                try await client(socket)
            }
        }
    }

    @Test("emitWithAck returns what the client answers, also inside a handler of the same socket")
    func answer() async throws {
        try await serve { socket in
            socket.on("start") { () async throws in
                let reply: String = try await socket.emitWithAck("question", 7)
                socket.emit("result", reply)
            }
        } client: { client in
            try await client.send(#"42["start"]"#)
            #expect(try await client.nextText() == #"420["question",7]"#)
            try await client.send(#"430["seven"]"#)
            #expect(try await client.nextText() == #"42["result","seven"]"#)
        }
    }

    @Test("emitWithAck fails when the client does not answer in time")
    func timeout() async throws {
        try await serve { socket in
            do {
                let _: String = try await socket.timeout(.milliseconds(1)).emitWithAck("question")
            } catch {
                socket.emit("failed", (error as? SocketIOError)?.message ?? "\(error)")
            }
        } client: { (client: RawWebSocket) async throws in
            #expect(try await client.nextText() == #"420["question"]"#)
            #expect(try await client.nextText() == #"42["failed","operation has timed out"]"#)
        }
    }

    @Test("emitWithAck ends with its task, and a late answer is ignored")
    func cancellation() async throws {
        try await serve { socket in
            let call = Task { () -> String in try await socket.emitWithAck("question") }
            socket.on("cancel") { () async in
                call.cancel()
                let result = await call.result
                socket.emit("ended", "\(result)".contains("CancellationError"))
            }
        } client: { client in
            #expect(try await client.nextText() == #"420["question"]"#)
            try await client.send(#"42["cancel"]"#)
            #expect(try await client.nextText() == #"42["ended",true]"#)
            try await client.send(#"430["too late"]"#)
            try await client.send(#"42["cancel"]"#)
            #expect(try await client.nextText() == #"42["ended",true]"#)
        }
    }

    @Test("emitWithAck fails when the client leaves")
    func disconnected() async throws {
        let (codes, seen) = AsyncStream.makeStream(of: SocketIOError.Code?.self)
        try await serve { socket in
            socket.on("start") { () async in
                do {
                    let _: String = try await socket.emitWithAck("question")
                } catch {
                    seen.yield((error as? SocketIOError)?.code)
                }
            }
        } client: { client in
            try await client.send(#"42["start"]"#)
            #expect(try await client.nextText() == #"420["question"]"#)
            try await client.send("41")
            var iterator = codes.makeAsyncIterator()
            #expect(await iterator.next() == .disconnected)
        }
    }

    @Test(
        "Events are handled in the order of arrival, handlers with and without async mixed; the disconnect comes last")
    func order() async throws {
        let (log, note) = AsyncStream.makeStream(of: String.self)
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        try await serve { socket in
            socket.on("slow") { (number: Int) async in
                for await _ in gate {}
                note.yield("slow \(number)")
            }
            socket.on("fast") { (number: Int) in note.yield("fast \(number)") }
            socket.on("open") { () in note.yield("open") }
            socket.onDisconnect {
                note.yield("\($0)")
                note.finish()
            }
        } client: { client in
            for number in 0..<10 {
                try await client.send(#"42["slow",\#(number)]"#)
                try await client.send(#"42["fast",\#(number)]"#)
            }
            try await client.send("41")
            opened.finish()
            var seen: [String] = []
            for await entry in log { seen.append(entry) }
            let expected = (0..<10).flatMap { ["slow \($0)", "fast \($0)"] }
            #expect(seen == expected + ["client namespace disconnect"])
        }
    }

    @Test("A handler that returns nothing acknowledges with no arguments, one that returns a value with that")
    func replies() async throws {
        try await serve { socket in
            socket.on("nothing") { () in }
            socket.on("sum") { (a: Int, b: Int) in a + b }
            socket.on("later") { (text: String) async in text + "!" }
        } client: { client in
            try await client.send(#"421["nothing"]"#)
            #expect(try await client.nextText() == "431[]")
            try await client.send(#"422["sum",20,22]"#)
            #expect(try await client.nextText() == "432[42]")
            try await client.send(#"423["later","yes"]"#)
            #expect(try await client.nextText() == #"433["yes!"]"#)
        }
    }
}
