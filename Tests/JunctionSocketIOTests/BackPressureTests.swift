import JunctionSocketIO
import JunctionWebSocket
import NIOCore
import RawClients
import Testing

/// A client that sends faster than the handlers take.
@Suite(.timeLimit(.minutes(5))) struct BackPressureTests {
    @Test("Events that came during a slow connection handler are all handled, and so are those behind them")
    func slowConnectionHandler() async throws {
        var options = SocketIOOptions()
        options.maximumQueuedEvents = 4
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        let (joined, inside) = AsyncStream.makeStream(of: Void.self)
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection { (socket: Socket) async in
            socket.on("count") { (number: Int) in socket.emit("count", number) }
            inside.finish()
            for await _ in gate {}
        }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                for await _ in joined {}
                var frames = ByteBuffer()
                for number in 0..<100 {
                    frames.writeImmutableBuffer(
                        RawWebSocket.frame(.text, ByteBuffer(string: #"42["count",\#(number)]"#)))
                }
                // The ping tells when the server has seen what it reads before it holds back.
                try await socket.send(raw: RawWebSocket.frame(.ping, ByteBuffer()))
                _ = try await socket.next()
                try await socket.send(raw: frames)
                // Served by the same loop at the latest after that read: the session is held back now.
                try await RawConnection.with(address) { connection in
                    for _ in 0..<4 { _ = try await connection.request("GET", "/none") }
                }
                opened.finish()
                for number in 0..<100 { #expect(try await socket.nextText() == #"42["count",\#(number)]"#) }
            }
        }
    }

    @Test("A fast handler in one namespace does not lift the limit of a slow one in another")
    func twoNamespaces() async throws {
        var options = SocketIOOptions()
        options.maximumQueuedEvents = 4
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        let (fast, seen) = AsyncStream.makeStream(of: Int.self)
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.of("/slow").onConnection { socket in
            socket.on("event") { () async in for await _ in gate {} }
        }
        io.of("/fast").onConnection { socket in
            socket.on("event") { (number: Int) async in seen.yield(number) }
        }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect("/slow")
                try await socket.join("/fast")
                var frames = ByteBuffer()
                for number in 0..<1_000 {
                    frames.writeImmutableBuffer(RawWebSocket.frame(.text, ByteBuffer(string: #"42/slow,["event"]"#)))
                    frames.writeImmutableBuffer(
                        RawWebSocket.frame(.text, ByteBuffer(string: #"42/fast,["event",\#(number)]"#)))
                }
                try await socket.send(raw: frames)
                var iterator = fast.makeAsyncIterator()
                #expect(await iterator.next() == 0)
                try await RawConnection.with(address) { connection in
                    for _ in 0..<20 { _ = try await connection.request("GET", "/none") }
                }
                // Five events of the slow one are taken in: one in its handler, four in its mailbox.
                opened.finish()
                var last = 0
                while last < 999, let number = await iterator.next() { last = number }
                #expect(last == 999)
            }
        }
    }

    @Test("A session that the server closes ends in time, although the upgrade that was under way is given up then")
    func closeDuringProbe() async throws {
        var options = EngineIOOptions()
        options.pollingCloseTimeout = .milliseconds(300)
        let engine = EngineIOServer(options: options)
        let (sessions, came) = AsyncStream.makeStream(of: EngineSession.self)
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        engine.onConnection { session in
            session.onClose { ended.yield($0) }
            came.yield(session)
        }
        let web = WebServer(host: "127.0.0.1", port: 0, mounts: [engine.mount(at: "/socket.io")])
        try await web.withListening { address in
            try await RawConnection.with(address) { polling in
                let sid = try await TestServer.openSession(polling)
                var iterator = sessions.makeAsyncIterator()
                let session = try #require(await iterator.next())
                try await RawWebSocket.with(address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)") { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    session.close()
                }
                var ends = reasons.makeAsyncIterator()
                #expect(await ends.next() == "forced close")
                #expect(engine.clientsCount == 0)
            }
        }
    }
}
