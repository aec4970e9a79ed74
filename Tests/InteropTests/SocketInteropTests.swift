import JunctionSocketIO
import NIOCore
import TestSupport
import Testing

/// A socket's handlers, acknowledgements, errors, middleware and ends, against python-socketio and the stock client in a
/// browser.
///
/// One test at a time: each starts a program, and many at once would only wait for each other.
@Suite(.serialized) struct SocketInteropTests {
    @Test(
        "A scenario of handlers and acknowledgements passes with python-socketio by every transport",
        Peer.python.requirement,
        arguments: ["handshake", "handlers", "errors", "middleware", "catch-all", "acknowledgements", "flags", "ends"],
        ["polling", "websocket"])
    func scenario(_ scenario: String, _ transport: String) async throws {
        let reasons = Box<String>()
        try await Self.server(reasons).withListening { address in
            let printed = try await PeerProcess.output(
                .python,
                ["socket_features", scenario, "http://localhost:\(try address.portText)", "--transport", transport])
            #expect(printed.last == "ok \(scenario)")
            if scenario == "ends" {
                var seen: [String?] = []
                for _ in Self.reasons { seen.append(await reasons.take()) }
                #expect(seen.dropLast() == Self.reasons.dropLast())
                // python-socketio closes a WebSocket connection at once, perhaps before it has said goodbye.
                let last = [Self.reasons.last, transport == "websocket" ? "transport close" : nil]
                #expect(last.contains(seen.last ?? nil))
            }
        }
    }

    @Test(
        "The stock client in a browser finds handlers, acknowledgements, errors, middleware and ends as it expects",
        Peer.browser.requirement)
    func browser() async throws {
        let reasons = Box<String>()
        var options = SocketIOOptions()
        options.engine.cors = .any  // the page comes from a file
        try await Self.server(reasons, options: options).withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await PeerProcess.run(.browser, ["browser", "client", url, "socket_features.html"]) { browser in
                let observations = [
                    "handshake", "upgrade", "handlers", "errors", "middleware", "catch-all", "acknowledgements",
                    "flags",
                    "ends", "ok browser",
                ]
                for observation in observations { try await browser.expect(observation) }
                try await browser.expectEnd()
            }
            var seen: [String?] = []
            for _ in Self.reasons { seen.append(await reasons.take()) }
            #expect(seen == Self.reasons)
        }
    }

    /// Why the sockets of the scenario of ends are over.
    private static let reasons = [
        "server namespace disconnect", "server namespace disconnect", "client namespace disconnect",
    ]

    // MARK: The application, which the peers know

    private struct Secret: Error {}

    private struct Facts: Encodable {
        let auth: SocketIOValue
        let name: String?
        let transport: String
        let hasAddress: Bool
        let secure: Bool
        let url: String
    }

    private static func server(
        _ reasons: Box<String>, options: SocketIOOptions = SocketIOOptions()
    ) -> SocketIOServer {
        let io = SocketIOServer(options: options)
        io.onError { failure in failure.event.name == "offend" ? .disconnect() : .report }
        io.onConnection { socket in
            socket.emit(
                "hello",
                Facts(
                    auth: socket.handshake.auth, name: socket.handshake.query("name"),
                    transport: socket.conn.transport.rawValue, hasAddress: socket.handshake.address.contains(":"),
                    secure: socket.handshake.secure, url: String(socket.handshake.url.prefix(11))))
            socket.conn.onUpgrade { socket.emit("upgraded", $0.rawValue) }
            addHandlers(socket)
            addInterceptors(socket)
            addQuestions(socket)
            addEnds(socket, reasons)
        }
        return io
    }

    private static func addHandlers(_ socket: Socket) {
        socket.on("sum") { (a: Int, b: Int) in a + b }
        socket.on("divide") { (a: Int, b: Int) in (a / b, a % b) }
        socket.on("later") { (text: String, bytes: ByteBuffer) async in
            await Task.yield()
            return ["text": SocketIOValue.string(text), "bytes": .binary(bytes)]
        }
        socket.on("nothing") { () in }
        socket.once("once") { () in "first" }
        socket.on("once") { () in "again" }
        let removed = socket.on("off") { () in "removed" }
        socket.on("off") { () in "kept" }
        socket.off(removed)
        socket.on("refuse") { () throws in
            throw EventError("refused", "No.", data: ["bytes": .binary(ByteBuffer(bytes: [1]))])
        }
        socket.on("crash") { () async throws -> Int in throw Secret() }
        let ticks = socket.events("tick", as: Int.self)
        Task { for await number in ticks { socket.emit("tock", number) } }
    }

    private static func addInterceptors(_ socket: Socket) {
        socket.use { event in
            if event.name == "forbidden" { throw EventError("forbidden", "not for you") }
            if event.name == "renamed" {
                event.name = "sum"
                try event.setArguments(40, 2)
            }
        }
        socket.on("watch") { () in
            let seen = socket.onAny { event in socket.emit("seen", event.name) }
            let sent = socket.onAnyOutgoing { event in
                if event.name != "sent" && event.name != "seen" { socket.emit("sent", event.name) }
            }
            socket.once("unwatch") { () in
                socket.offAny(seen)
                socket.offAnyOutgoing(sent)
            }
        }
        socket.on("speak") { () in socket.emit("spoken", ByteBuffer(bytes: [1, 2])) }
    }

    private static func addQuestions(_ socket: Socket) {
        socket.on("ask") { (question: String) in
            socket.emit("question", question) { (answer: Result<SocketIOValue, SocketIOError>) in
                socket.emit("answer", (try? answer.get()) ?? "failed")
            }
        }
        socket.on("ask two") { (question: String) async throws in
            let asking = socket.timeout(.seconds(30))
            let (first, second): (String, ByteBuffer) = try await asking.emitWithAck("two", question)
            socket.emit("answers", first, second)
        }
        socket.on("ask in vain") { () in
            socket.timeout(.milliseconds(1)).emit("slow question") { (answer: Result<Int, SocketIOError>) in
                if case .failure(let error) = answer { socket.emit("failed", error.message) }
            }
        }
        socket.on("flags") { () in
            socket.compress(false).emit("flagged", 1)
            socket.timeout(.seconds(30)).compress(true).emit("flagged", arguments: [2])
            socket.send("hello", ["deep": ["bytes": ByteBuffer(bytes: [7])]])
        }
    }

    private static func addEnds(_ socket: Socket, _ reasons: Box<String>) {
        socket.on("kick") { () in socket.disconnect() }
        socket.on("offend") { () throws in throw Secret() }
        socket.onDisconnecting { reason, rooms in
            if rooms != [socket.id] || !socket.isConnected { reasons.put("left too early") }
        }
        socket.onDisconnect { (reason: DisconnectReason) async in
            await Task.yield()
            reasons.put(reason.rawValue)
        }
    }
}
