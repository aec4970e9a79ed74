import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import TestSupport
import Testing

/// What a server sends to one client: acknowledgements by callback, flags, limits of time.
@Suite(.timeLimit(.minutes(5))) struct EmitterTests {
    private func note<Value: Sendable>(_ box: Box<String>) -> @Sendable (Result<Value, SocketIOError>) -> Void {
        { result in
            switch result {
            case .success(let value): box.put("\(value)")
            case .failure(let error): box.put(error.code.rawValue)
            }
        }
    }

    @Test("A callback gets the client's answer: one value, several, an optional one, none")
    func callback() async throws {
        let answers = Box<String>()
        try await serve { socket in
            socket.emit("one", 1, "two") { (answer: Result<String, SocketIOError>) in note(answers)(answer) }
            socket.emit("two") { (answer: Result<(Int, Bool), SocketIOError>) in note(answers)(answer) }
            socket.emit("optional") { (answer: Result<Int?, SocketIOError>) in note(answers)(answer) }
            socket.emit("none") { (answer: Result<(), SocketIOError>) in note(answers)(answer) }
            socket.emit("wrong") { (answer: Result<Int, SocketIOError>) in note(answers)(answer) }
        } client: { client in
            let events = [
                #"420["one",1,"two"]"#, #"421["two"]"#, #"422["optional"]"#, #"423["none"]"#, #"424["wrong"]"#,
            ]
            for event in events { #expect(try await client.nextText() == event) }
            for answer in [#"430["yes","more"]"#, "431[7,true]", "432[]", "433[]", #"434["seven"]"#] {
                try await client.send(answer)
            }
            for expected in ["yes", "(7, true)", "nil", "()", "invalidAnswer"] {
                #expect(await answers.take() == expected)
            }
        }
    }

    @Test("emitWithAck returns one value, several, or none")
    func asynchronous() async throws {
        try await serve { socket in
            socket.on("start") { () async throws in
                let one: Int = try await socket.emitWithAck("one")
                let (a, b): (String, Int) = try await socket.timeout(.seconds(30)).emitWithAck("two")
                try await socket.emitWithAck("none")
                do {
                    let _: Int = try await socket.emitWithAck("wrong")
                } catch let error as SocketIOError where error.code == .invalidAnswer {
                    socket.emit("result", one, a, b, error.underlying is DecodingError)
                }
            }
        } client: { client in
            try await client.send(#"42["start"]"#)
            for (name, answer) in [("one", "[1]"), ("two", #"["a",2]"#), ("none", "[]"), ("wrong", "[{}]")] {
                let event = try await client.nextText()
                #expect(event.hasSuffix(#"["\#(name)"]"#))
                let id = try #require(event.firstMatch(of: /^42(\d+)/)?.1)
                try await client.send("43\(id)\(answer)")
            }
            #expect(try await client.nextText() == #"42["result",1,"a",2,true]"#)
        }
    }

    @Test("An acknowledgement that comes too late, a second time or for nothing is ignored")
    func ignored() async throws {
        let answers = Box<String>()
        try await serve { socket in
            socket.timeout(.milliseconds(1)).emit("late") { (answer: Result<Int, SocketIOError>) in
                note(answers)(answer)
                socket.emit("timed out")
            }
            socket.emit("twice") { (answer: Result<Int, SocketIOError>) in note(answers)(answer) }
            socket.on("echo") { (text: String) in text }
        } client: { client in
            #expect(try await client.nextText() == #"420["late"]"#)
            #expect(try await client.nextText() == #"421["twice"]"#)
            #expect(try await client.nextText() == #"42["timed out"]"#)
            for answer in ["430[1]", "431[2]", "431[3]", "4399[4]", "4318446744073709551615[5]"] {
                try await client.send(answer)
            }
            try await client.send(#"421["echo","alive"]"#)
            #expect(try await client.nextText() == #"431["alive"]"#)
            #expect(await answers.take() == "timeout")
            #expect(await answers.take() == "2")
        }
    }

    @Test("A callback learns that the client left, also when it had left before")
    func disconnected() async throws {
        let answers = Box<String>()
        try await serve { socket in
            socket.emit("x") { (answer: Result<Int, SocketIOError>) in note(answers)(answer) }
            socket.onDisconnect { _ in
                socket.emit("y") { (answer: Result<Int, SocketIOError>) in note(answers)(answer) }
            }
        } client: { client in
            #expect(try await client.nextText() == #"420["x"]"#)
            try await client.send("41")
            #expect(await answers.take() == "disconnected")
            #expect(await answers.take() == "disconnected")
        }
    }

    @Test("A volatile event is dropped between two polls, and its callback told; the others wait for the next poll")
    func volatile() async throws {
        let answers = Box<String>()
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { socket in
            socket.on("go") { () in
                socket.volatile.emit("dropped", 1)
                socket.volatile.emit("dropped", 2) { (answer: Result<Int, SocketIOError>) in note(answers)(answer) }
                socket.timeout(.seconds(30)).volatile.compress(false).emit("dropped", arguments: [3])
                socket.emit("kept")
            }
        }
        try await io.withListening { address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                let body = ByteBuffer(string: #"42["go"]"#)
                #expect(try await connection.request("POST", TestServer.polling(sid), body: body).body == "ok")
                #expect(try await connection.request("GET", TestServer.polling(sid)).body == #"42["kept"]"#)
                #expect(await answers.take() == "dropped")
            }
        }
    }

    @Test("Flags combine in any order, send is an event of the name message, and bytes travel at any depth")
    func flags() async throws {
        try await serve { socket in
            socket.volatile.compress(false).timeout(.seconds(30)).emit("a", 1)
            socket.compress(true).volatile.emit("b", arguments: [2])
            socket.timeout(.seconds(30)).compress(false).send("c", ["deep": [ByteBuffer(bytes: [7])]])
            socket.send()
            socket.join("room")
            socket.volatile.to("room").emit("not to its sender")
            socket.compress(false).in("room").except("x").emit("not to its sender")
            socket.volatile.broadcast.emit("not to its sender")
            socket.emit("last")
        } client: { client async throws in
            #expect(try await client.nextText() == #"42["a",1]"#)
            #expect(try await client.nextText() == #"42["b",2]"#)
            #expect(try await client.nextText() == #"451-["message","c",{"deep":[{"_placeholder":true,"num":0}]}]"#)
            #expect(try await client.next() == .binary(ByteBuffer(bytes: [7])))
            #expect(try await client.nextText() == #"42["message"]"#)
            #expect(try await client.nextText() == #"42["last"]"#)
        }
    }

    @Test("compress(false) keeps permessage-deflate from an event, also while catch-all handlers see it")
    func compress() async throws {
        var options = SocketIOOptions()
        var compression = WebSocketCompression()
        compression.threshold = 0
        options.engine.perMessageDeflate = compression
        for isShown in [false, true] {
            let io = SocketIOServer(host: "127.0.0.1", options: options)
            io.onConnection { socket in
                if isShown {
                    socket.onAnyOutgoing { _ in }
                    socket.conn.onDrain {}
                }
                socket.compress(false).emit("plain", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
                socket.compress(false).emit("plain", 1) { (_: Result<Int, SocketIOError>) in }
                socket.compress(true).emit("small", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            }
            try await io.withListening { address in
                try await compressedFlags(address, count: 4) { flags in
                    // The confirmation is compressed, and then as asked.
                    #expect(flags == [true, false, false, true])
                }
            }
        }
    }

    /// Connects as a client that offers compression, and hands over which of the `count` frames behind the handshake are
    /// compressed. All of them are short.
    private func compressedFlags(
        _ address: SocketAddress, count: Int, _ body: ([Bool]) -> Void
    ) async throws {
        try await RawConnection.with(address) { connection in
            var headers = RawWebSocket.handshake
            headers.add(name: "sec-websocket-extensions", value: "permessage-deflate")
            let target = "/socket.io/?EIO=4&transport=websocket"
            try #require(try await connection.request("GET", target, headers: headers).status == 101)
            try await connection.send(RawWebSocket.frame(.text, ByteBuffer(string: "40")))
            var bytes = ByteBuffer()
            var flags: [Bool] = []
            while flags.count <= count {
                if let length = bytes.getInteger(at: bytes.readerIndex + 1, as: UInt8.self),
                    bytes.readableBytes >= Int(length) + 2, let first = bytes.readInteger(as: UInt8.self)
                {
                    try #require(length < 126)
                    bytes.moveReaderIndex(forwardBy: Int(length) + 1)
                    flags.append(first & 0x40 != 0)
                } else {
                    bytes.writeImmutableBuffer(try #require(try await connection.read()))
                }
            }
            body(Array(flags.dropFirst()))
        }
    }
}
