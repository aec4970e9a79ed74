import NIOCore
import RawClients
import Testing

@testable import JunctionSocketIO

/// A client that stops reading, beside one that reads: see `SlowConsumerPolicy`. One at a time: each moves tens of megabytes.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SlowConsumerTests {
    /// More than the kernel and the connection hold for a client that reads nothing.
    private static let count = 200
    private static let payload = ByteBuffer(repeating: 7, count: 100_000)

    private static func options(
        _ policy: SlowConsumerPolicy, maximumBufferedBytes: Int = 1 << 28
    ) -> SocketIOOptions {
        var options = SocketIOOptions()
        options.engine.pingInterval = .seconds(600)  // longer than any test: its clients do not answer
        options.engine.slowConsumer = policy
        options.engine.maximumBufferedBytes = maximumBufferedBytes
        return options
    }

    private static func serve(
        _ options: SocketIOOptions, onConnection: @escaping @Sendable (Socket) -> Void = { _ in },
        _ body: @escaping @Sendable (SocketIOServer, SocketAddress) async throws -> Void
    ) async throws {
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection(onConnection)
        try await io.withListening { address in try await body(io, address) }
    }

    /// A client that polls, connected, and between two polls.
    private static func withPolling(
        _ policy: SlowConsumerPolicy,
        _ body: @escaping @Sendable (SocketIOServer, RawConnection, String, Socket) async throws -> Void
    ) async throws {
        let (sockets, came) = AsyncStream.makeStream(of: Socket.self)
        try await serve(options(policy), onConnection: { came.yield($0) }) { io, address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                var iterator = sockets.makeAsyncIterator()
                try await body(io, connection, sid, try #require(await iterator.next()))
            }
        }
    }

    /// The number of an event that ``send(_:)`` sent, or nil when it is none; takes its attachment, too.
    private static func number(_ event: WebSocketEvent?, of socket: RawWebSocket) async throws -> Int? {
        guard case .text(let text)? = event, let match = String(buffer: text).wholeMatch(of: /451-\["n",(\d+),.*\]/)
        else { return nil }
        #expect(try await socket.next() == .binary(payload), "an event and its attachment stay together")
        return Int(match.1)
    }

    @Test(
        "With dropOldest a client that stops reading loses the oldest messages and nothing else, and the room stays fast"
    )
    func dropOldest() async throws {
        try await Self.serve(Self.options(.dropOldest(maximumMessages: 10, maximumBytes: 10_000_000))) { io, address in
            try await RawWebSocket.with(address) { slow in
                try await slow.connect()
                try await RawWebSocket.with(address) { fast in
                    try await fast.connect()
                    for number in 0..<Self.count {
                        io.emit("n", number, Self.payload)
                        #expect(try await Self.number(try await fast.next(), of: fast) == number)
                    }
                }
                var numbers: [Int] = []
                while numbers.last != Self.count - 1 {
                    numbers.append(try #require(try await Self.number(try await slow.next(), of: slow)))
                }
                #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
                #expect(io.engine.droppedMessages > 0)
                #expect(numbers.count + io.engine.droppedMessages == Self.count)
                #expect(numbers.suffix(10) == Array(Self.count - 10..<Self.count)[...])
                try await slow.expectAnswer()
            }
        }
    }

    @Test("Acknowledgements are not dropped, however far the client is behind")
    func acknowledgements() async throws {
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        let (asked, came) = AsyncStream.makeStream(of: Socket.self)
        try await Self.serve(
            Self.options(.dropOldest(maximumMessages: 1, maximumBytes: 1_000)),
            onConnection: { socket in
                socket.on("question") { (number: Int) async -> Int in
                    came.yield(socket)
                    for await _ in gate {}
                    return number
                }
            }
        ) { io, address in
            try await RawWebSocket.with(address) { slow in
                try await slow.connect()
                for number in 0..<5 { try await slow.send(#"42\#(number)["question",\#(number)]"#) }
                var iterator = asked.makeAsyncIterator()
                let socket = try #require(await iterator.next())
                for number in 0..<Self.count { socket.emit("n", number, Self.payload) }
                #expect(await socket.droppedMessages > 0)
                opened.finish()
                var answers: [String] = []
                while answers.count < 5 {
                    if case .text(let text)? = try await slow.next(),
                        text.getString(at: text.readerIndex, length: 2) == "43"
                    {
                        answers.append(String(buffer: text))
                    }
                }
                #expect(answers == (0..<5).map { "43\($0)[\($0)]" })
            }
        }
    }

    @Test("A client that polls loses what is older than the newest messages between two polls")
    func polling() async throws {
        try await Self.withPolling(.dropOldest(maximumMessages: 5)) { io, connection, sid, socket in
            for number in 0..<100 { socket.emit("n", number) }
            #expect(await socket.droppedMessages == 95)
            let response = try await connection.request("GET", TestServer.polling(sid))
            #expect(response.body == (95..<100).map { #"42["n",\#($0)]"# }.joined(separator: "\u{1E}"))
            // A poll that waits is answered with what comes, as it always is.
            try await connection.send("GET", TestServer.polling(sid))
            while await !socket.isWritable { await Task.yield() }
            socket.emit("n", 100)
            #expect(try await connection.response().body == #"42["n",100]"#)
            #expect(io.engine.droppedMessages == 95)
        }
    }

    @Test("Who waits for a slow client loses nothing, and the client is not cut off", arguments: [false, true])
    func waiting(recovers: Bool) async throws {
        var options = Self.options(.disconnect, maximumBufferedBytes: 1_000_000)
        options.connectionStateRecovery = recovers ? ConnectionStateRecovery() : nil
        let (sockets, came) = AsyncStream.makeStream(of: Socket.self)
        try await Self.serve(options, onConnection: { came.yield($0) }) { io, address in
            try await RawWebSocket.with(address) { slow in
                try await slow.connect()
                var iterator = sockets.makeAsyncIterator()
                let socket = try #require(await iterator.next())
                async let sent: Void = {
                    for number in 0..<Self.count {
                        try await socket.waitUntilWritable()
                        socket.emit("n", number, Self.payload)
                    }
                }()
                for number in 0..<Self.count {
                    try #require(try await Self.number(try await slow.next(), of: slow) == number)
                }
                try await sent
                try await slow.expectAnswer()
            }
        }
    }

    @Test(
        "Who waits for a client that polls goes on with its next poll, when it is cancelled, or when the client leaves")
    func waitingForPolls() async throws {
        try await Self.withPolling(.disconnect) { io, connection, sid, socket in
            try await socket.waitUntilWritable()
            socket.emit("part", String(repeating: "x", count: 70_000))
            let events = Events<String>()
            let waiting = Task {
                try await socket.waitUntilWritable()
                events.add("went on")
            }
            let cancelled = Task { try await socket.waitUntilWritable() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            events.add("polls")
            let response = try await connection.request("GET", TestServer.polling(sid))
            #expect(response.body.utf8.count > 70_000)
            try await waiting.value
            #expect(await [events.next(), events.next()] == ["polls", "went on"])
            socket.emit("part", String(repeating: "x", count: 70_000))
            let left = Task { try await socket.waitUntilWritable() }
            _ = try await connection.request("POST", TestServer.polling(sid), body: ByteBuffer(string: "41"))
            await #expect { try await left.value } throws: { ($0 as? SocketIOError)?.code == .disconnected }
        }
    }

    @Test("With keepingLatest a client that was behind gets the newest event of each key, and all that have none")
    func keepingLatest() async throws {
        try await Self.serve(Self.options(.disconnect)) { io, address in
            try await RawWebSocket.with(address) { slow in
                try await slow.connect()
                try await RawWebSocket.with(address) { fast in
                    try await fast.connect()
                    for number in 0..<Self.count {
                        let key = number % 2 == 0 ? "even" : "odd"
                        io.keepingLatest(key).emit("n", number, Self.payload)
                        #expect(try await Self.number(try await fast.next(), of: fast) == number)
                        if number == Self.count - 2 { io.emit("plain") }
                        if number == Self.count - 2 { #expect(try await fast.nextText() == #"42["plain"]"#) }
                    }
                }
                var numbers: [Int] = []
                while numbers.last != Self.count - 1 {
                    let event = try await slow.next()
                    if event == .text(ByteBuffer(string: #"42["plain"]"#)) {
                        #expect(numbers.last == Self.count - 2, "in its place")
                        continue
                    }
                    numbers.append(try #require(try await Self.number(event, of: slow)))
                }
                // Not before: the client may be on another event loop than the one that was awaited.
                let dropped = io.engine.droppedMessages
                #expect(dropped > 0)
                #expect(numbers == numbers.sorted())
                #expect(numbers.count + dropped == Self.count)
                #expect(numbers.suffix(2) == [Self.count - 2, Self.count - 1])
                try await slow.expectAnswer()
            }
        }
    }

    @Test("With keepingLatest a client that polls gets the newest event of each key with its next poll")
    func keepingLatestByPolling() async throws {
        try await Self.withPolling(.disconnect) { io, connection, sid, socket in
            for number in 0..<10 {
                socket.keepingLatest("a").emit("a", number)
                socket.keepingLatest("b").emit("b", number)
                if number == 5 { socket.emit("plain") }
            }
            #expect(await socket.droppedMessages == 18)
            let body = try await connection.request("GET", TestServer.polling(sid)).body
            #expect(body == [#"42["plain"]"#, #"42["a",9]"#, #"42["b",9]"#].joined(separator: "\u{1E}"))
            // Nobody is behind: nothing is replaced.
            try await connection.send("GET", TestServer.polling(sid))
            while await !socket.isWritable { await Task.yield() }
            socket.keepingLatest("a").emit("a", 10)
            #expect(try await connection.response().body == #"42["a",10]"#)
            #expect(io.engine.droppedMessages == 18)
        }
    }

    @Test("By default a client that stops reading is cut off above the limit, and the room stays fast")
    func disconnect() async throws {
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        try await Self.serve(
            Self.options(.disconnect, maximumBufferedBytes: 1_000_000),
            onConnection: { socket in socket.onDisconnect { ended.yield($0.rawValue) } }
        ) { io, address in
            try await RawWebSocket.with(address) { slow in
                try await slow.connect()
                try await RawWebSocket.with(address) { fast in
                    try await fast.connect()
                    for number in 0..<Self.count {
                        io.emit("n", number, Self.payload)
                        #expect(try await Self.number(try await fast.next(), of: fast) == number)
                    }
                    var iterator = reasons.makeAsyncIterator()
                    #expect(await iterator.next() == "transport error")
                    #expect(io.engine.droppedMessages == 0)
                    try await fast.expectAnswer()
                }
            }
        }
    }

    @Test("Messages that may not be dropped end the session above the limit of bytes")
    func undroppable() async throws {
        let (sockets, came) = AsyncStream.makeStream(of: Socket.self)
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        try await Self.serve(
            Self.options(.dropOldest(), maximumBufferedBytes: 1_000_000),
            onConnection: { socket in
                socket.onDisconnect { ended.yield($0.rawValue) }
                came.yield(socket)
            }
        ) { _, address in
            try await RawConnection.with(address) { connection in
                _ = try await TestServer.connect(connection)
                var iterator = sockets.makeAsyncIterator()
                let socket = try #require(await iterator.next())
                for number in 0..<20 { socket.emit("n", number, Self.payload, flags: .mustArrive) }
                var ends = reasons.makeAsyncIterator()
                #expect(await ends.next() == "transport error")
            }
        }
    }

    @Test("What waits leaves before the session that the server closes")
    func close() async throws {
        let (sockets, came) = AsyncStream.makeStream(of: Socket.self)
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        try await Self.serve(
            Self.options(.dropOldest()),
            onConnection: { socket in
                socket.onDisconnect { ended.yield($0.rawValue) }
                came.yield(socket)
            }
        ) { _, address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                var iterator = sockets.makeAsyncIterator()
                let socket = try #require(await iterator.next())
                for number in 0..<3 { socket.emit("n", number) }
                socket.disconnect(close: true)
                // Behind the turn that disconnects, which has closed the session, too.
                var ends = reasons.makeAsyncIterator()
                #expect(await ends.next() == "server namespace disconnect")
                let response = try await connection.request("GET", TestServer.polling(sid))
                #expect(
                    response.body
                        == [#"42["n",0]"#, #"42["n",1]"#, #"42["n",2]"#, "41", "1"].joined(separator: "\u{1E}"))
            }
        }
    }

    @Test("What waits goes over to the connection of an upgrade, in order, also one of another event loop")
    func upgrade() async throws {
        let (sockets, came) = AsyncStream.makeStream(of: Socket.self)
        try await Self.serve(
            Self.options(.dropOldest(maximumMessages: 10_000, maximumBytes: 1 << 27)), onConnection: { came.yield($0) }
        ) { io, address in
            var iterator = sockets.makeAsyncIterator()
            for _ in 0..<4 {  // connections go round the loops
                try await RawConnection.with(address) { polling in
                    let sid = try await TestServer.connect(polling)
                    let socket = try #require(await iterator.next())
                    for number in 0..<50 { socket.emit("n", number, Self.payload) }
                    try await RawWebSocket.with(address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)") { client in
                        try await client.send("2probe")
                        #expect(try await client.nextText() == "3probe")
                        try await client.send("5")
                        for number in 50..<Self.count / 2 { socket.emit("n", number, Self.payload) }
                        for number in 0..<Self.count / 2 {
                            #expect(try await Self.number(try await client.next(), of: client) == number)
                        }
                    }
                }
            }
            #expect(io.engine.droppedMessages == 0)
        }
    }
}

extension RawWebSocket {
    /// The connection still serves.
    fileprivate func expectAnswer() async throws {
        try await send(raw: Self.frame(.ping, ByteBuffer(string: "still there?")))
        while let event = try await next() {
            if event == .pong(ByteBuffer(string: "still there?")) { return }
        }
        Issue.record("the connection has ended")
    }
}

extension Socket {
    /// An event sent now would leave now.
    fileprivate var isWritable: Bool {
        get async {
            await withUnsafeContinuation { continuation in
                withCore { continuation.resume(returning: $0.isWritable) }
            }
        }
    }
}
