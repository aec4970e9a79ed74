import JunctionSocketIO
import NIOCore
import RawClients
import TestSupport
import Testing

/// The code of the article FromJavaScript.md and of the landing page. What listens on a port of its own choice is compiled; the
/// rest runs.
@Suite("The article on socket.io", .timeLimit(.minutes(5)))
struct FromJavaScriptTests {
    private struct Document: Codable {
        let id: Int
    }

    private actor Store {
        var saved: [Int] = []
        func save(_ document: Document) throws { saved.append(document.id) }
    }

    private static func landingPage() async throws {
        let io = SocketIOServer(port: 3000)
        io.onConnection { socket in
            socket.on("message") { (text: String) in
                socket.emit("message", "You said: \(text)")
            }
            socket.on("sum") { (a: Int, b: Int) in a + b }
        }
        try await io.run()
    }

    private static func server() async throws {
        let io = SocketIOServer(port: 3000)  // new Server(3000)
        io.use { socket in  // io.use((socket, next) => …)
            guard socket.handshake.auth["token"] == "secret" else {
                throw ConnectError("not authorized", data: ["retry": false])
            }  // next(new Error("not authorized"))
        }
        io.onConnection { socket in  // io.on("connection", (socket) => …)
            socket.join("lobby")
            socket.on("message") { (text: String) in  // socket.on("message", (text) => …)
                socket.to("lobby").emit("message", text)
            }
            socket.on("sum") { (a: Int, b: Int) in a + b }  // (a, b, callback) => callback(a + b)
            socket.on("divide") { (a: Int, b: Int) throws in  // callback(quotient, remainder)
                guard b != 0 else { throw EventError("division_by_zero", "There is no such number.") }
                return (a / b, a % b)
            }
            socket.onDisconnect { reason in print(reason) }  // socket.on("disconnect", (reason) => …)
        }
        try await io.run()
    }

    private func serve(
        _ handler: @escaping @Sendable (Socket, SocketIOServer) async throws -> Void,
        client: @escaping @Sendable (RawWebSocket) async throws -> Void
    ) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { (socket: Socket) async in
            do { try await handler(socket, io) } catch { Issue.record(error) }
        }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                try await client(socket)
            }
        }
    }

    @Test("handlers are added and taken away as the article says")
    func handlers() async throws {
        let store = Store()
        try await serve { socket, _ in
            let listener = socket.on("price") { (symbol: String, value: Double) in print(symbol, value) }
            socket.once("ready") { () in print("ready") }
            socket.off(listener)  // socket.off("price", listener)
            socket.off("ready")  // socket.removeAllListeners("ready")

            socket.onAny { event in print(event.name, try event.values()) }
            socket.onAnyOutgoing { event in print("sent", event.name) }

            socket.on("save") { (document: Document) async throws in
                try await store.save(document)  // later events of this socket wait
                return document.id
            }
            socket.on("any") { (event: IncomingEvent) in  // (...args)
                let values = try event.values()
                event.acknowledge(arguments: values)  // args.at(-1)(...values)
            }
            for await (x, y) in socket.events("move", as: Int.self, Int.self) {
                print(x, y)
            }
        } client: { client in
            try await client.send(#"421["save",{"id":7}]"#)
            #expect(try await client.nextText() == "431[7]")
            #expect(await store.saved == [7])
            try await client.send(#"422["any",1,"two"]"#)
            #expect(try await client.nextText() == #"432[1,"two"]"#)
            try await client.send(#"423["move",1,2]"#)
            #expect(try await client.nextText() == "433[]")
        }
    }

    @Test("the hook for errors decides")
    func errors() async throws {
        try await serve { socket, io in
            io.onError { failure in
                print(failure.event.name, failure.error)
                return failure.error is EventError ? .report : .disconnect(close: true)
            }
            socket.on("refuse") { () throws in throw EventError("refused", "No.") }
            socket.on("crash") { () throws in throw CancellationError() }
        } client: { client in
            try await client.send(#"421["refuse"]"#)
            #expect(try await client.nextText() == #"431[{"error":{"code":"refused","message":"No."}}]"#)
            try await client.send(#"42["crash"]"#)
            #expect(try await client.nextText() == "41")
        }
    }

    @Test("events are sent as the article says")
    func sending() async throws {
        try await serve { socket, _ in
            socket.on("start") { () async throws in
                socket.emit("hello", "world", 1, ["nested": ByteBuffer(bytes: [1, 2])])
                socket.send("hello")  // the event "message"
                socket.volatile.compress(false).emit("position", 1, 2)

                socket.timeout(.seconds(5)).emit("question", 7) { (answer: Result<String, SocketIOError>) in
                    print(answer)
                }
                let answer: String = try await socket.timeout(.seconds(5)).emitWithAck("question", 7)
                let (quotient, remainder): (Int, Int) = try await socket.emitWithAck("divide", 17, 5)
                socket.emit("done", answer, quotient, remainder)
            }
        } client: { client in
            try await client.send(#"42["start"]"#)
            #expect(
                try await client.nextText() == #"451-["hello","world",1,{"nested":{"_placeholder":true,"num":0}}]"#)
            #expect(try await client.next() == .binary(ByteBuffer(bytes: [1, 2])))
            #expect(try await client.nextText() == #"42["message","hello"]"#)
            #expect(try await client.nextText() == #"42["position",1,2]"#)
            #expect(try await client.nextText() == #"420["question",7]"#)
            #expect(try await client.nextText() == #"421["question",7]"#)
            try await client.send(#"430["no"]"#)
            try await client.send(#"431["yes"]"#)
            #expect(try await client.nextText() == #"422["divide",17,5]"#)
            try await client.send("432[3,2]")
            #expect(try await client.nextText() == #"42["done","yes",3,2]"#)
        }
    }

    @Test("options are set as the article says")
    func options() {
        var options = SocketIOOptions()
        options.connectTimeout = .seconds(45)
        options.engine.pingInterval = .seconds(25)
        options.engine.maxHttpBufferSize = 1_000_000
        options.engine.cors = .any
        let io = SocketIOServer(port: 0, options: options)
        let defaults = SocketIOOptions()
        #expect(io.options.connectTimeout == defaults.connectTimeout)
        #expect(io.options.engine.pingInterval == defaults.engine.pingInterval)
        #expect(io.options.engine.maxHttpBufferSize == defaults.engine.maxHttpBufferSize)
    }

    @Test("every example of the article and of the landing page is in this file")
    func inStep() throws {
        let article = try Article("Sources/JunctionSocketIO/JunctionSocketIO.docc/FromJavaScript.md")
        #expect(article.count == 5)
        #expect(article.missing == [])
        let landing = try Article("Sources/JunctionSocketIO/JunctionSocketIO.docc/JunctionSocketIO.md")
        #expect(landing.count == 1)
        #expect(landing.missing == [])
    }
}
