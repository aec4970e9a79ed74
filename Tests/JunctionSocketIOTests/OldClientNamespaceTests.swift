import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Namespaces, refusals and broadcasts as clients of Socket.IO 2 see them on the wire.
@Suite(.timeLimit(.minutes(5))) struct OldClientNamespaceTests {
    private static let old = "/socket.io/?EIO=3&transport=websocket"

    /// Serves an application with the namespaces `/`, `/custom` and `/private`.
    ///
    /// Each socket is told its `id` and `auth`; `all` goes to everybody in the namespace, with bytes; `ask` asks the client and
    /// sends its answer back. `/private` refuses according to `why` in the handshake.
    private static func run(_ body: @escaping @Sendable (SocketAddress) async throws -> Void) async throws {
        var options = SocketIOOptions()
        options.engine.allowEIO3 = true
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        for name in ["/", "/custom", "/private"] {
            let namespace = io.of(name)
            namespace.onConnection { socket in
                socket.emit("id", socket.id, socket.handshake.auth)
                socket.on("all") { namespace.emit("said", "€", ByteBuffer(bytes: [1, 2, 3])) }
                socket.on("ack") { (value: SocketIOValue) in value }
                socket.on("ask") { () async throws in
                    let answer: SocketIOValue = try await socket.emitWithAck("question")
                    socket.emit("answer", answer)
                }
            }
        }
        io.of("/private").use { socket in
            switch socket.handshake.auth["why"]?.stringValue {
            case "message": throw ConnectError("not authorized")
            case "data": throw ConnectError("not authorized", data: ["code": 401])
            case "number": throw ConnectError("not authorized", data: 401)
            case "bytes": throw ConnectError("not authorized", data: [.binary(ByteBuffer(bytes: [1]))])
            default: throw CancellationError()
            }
        }
        try await io.withListening { try await body($0) }
    }

    /// Opens a session and returns its identifier.
    private static func open(_ socket: RawWebSocket) async throws -> String {
        let sid = try #require(try await socket.nextText().firstMatch(of: /^0\{"sid":"([^"]+)"/)?.1)
        #expect(try await socket.nextText() == "40")
        #expect(try await socket.nextText() == #"42["id","\#(sid)",{}]"#)
        return String(sid)
    }

    @Test("The main namespace comes without asking; others have the session in their ids and the query as `auth`")
    func namespaces() async throws {
        try await Self.run { address in
            try await RawWebSocket.with(address, Self.old) { socket in
                let sid = try await Self.open(socket)
                try await socket.send("40/custom?token=1&name=a%20b+c&token=2,")
                #expect(try await socket.nextText() == "40/custom,")
                #expect(
                    try await socket.nextText()
                        == #"42/custom,["id","/custom#\#(sid)",{"token":"2","name":"a b c"}]"#)
                try await socket.send(#"42/custom,7["ack","yes"]"#)
                #expect(try await socket.nextText() == #"43/custom,7["yes"]"#)
                try await socket.send(#"42/custom?token=1,8["ack","with the query"]"#)
                #expect(try await socket.nextText() == #"43/custom,8["with the query"]"#)
                try await socket.send(#"42["ask"]"#)
                #expect(try await socket.nextText() == #"420["question"]"#)
                try await socket.send(#"430["answered"]"#)
                #expect(try await socket.nextText() == #"42["answer","answered"]"#)
                try await socket.send("41/custom")
                try await socket.send("40/custom")
                #expect(try await socket.nextText() == "40/custom,")
            }
        }
    }

    @Test(
        "A refused client gets the message, or the details where there are any",
        arguments: [
            ("/private?why=message", #"44/private,"not authorized""#),
            ("/private?why=data", #"44/private,{"code":401}"#),
            ("/private?why=number", #"44/private,"not authorized""#),
            ("/private?why=bytes", #"44/private,"not authorized""#),
            ("/private", #"44/private,"Internal error""#),
            ("/unknown?a=1", #"44/unknown,{"message":"Invalid namespace"}"#),
        ])
    func refusals(_ namespace: String, _ answer: String) async throws {
        try await Self.run { address in
            try await RawWebSocket.with(address, Self.old) { socket in
                _ = try await Self.open(socket)
                try await socket.send("40\(namespace),")
                #expect(try await socket.nextText() == answer)
                try await socket.send(#"421["ack","still here"]"#)
                #expect(try await socket.nextText() == #"431["still here"]"#)
            }
        }
    }

    @Test("A client refused by the main namespace gets the message")
    func refusedAtOnce() async throws {
        var options = SocketIOOptions()
        options.engine.allowEIO3 = true
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.use { _ in throw ConnectError("closed today") }
        try await io.withListening { address in
            try await RawWebSocket.with(address, Self.old) { socket in
                _ = try await socket.nextText()
                #expect(try await socket.nextText() == #"44"closed today""#)
            }
        }
    }

    @Test("An old client that asks for the main namespace, which it is in, is cut off")
    func connectsTwice() async throws {
        try await Self.run { address in
            try await RawWebSocket.with(address, Self.old) { socket in
                _ = try await Self.open(socket)
                try await socket.send("40")
                #expect(try await socket.closeCode() == .normal)
            }
        }
    }

    @Test("One broadcast with bytes reaches old and new clients, each in its own form")
    func mixedBroadcast() async throws {
        let said = #"451-["said","€",{"_placeholder":true,"num":0}]"#
        try await Self.run { address in
            try await RawWebSocket.with(address, Self.old) { old in
                _ = try await Self.open(old)
                try await RawWebSocket.with(address, Self.old + "&b64=1") { base64 in
                    _ = try await Self.open(base64)
                    try await RawWebSocket.with(address) { new in
                        try await new.connect()
                        #expect(try await new.nextText().hasPrefix(#"42["id","#))
                        try await new.send(#"42["all"]"#)

                        for socket in [old, base64, new] { #expect(try await socket.nextText() == said) }
                        #expect(try await old.next() == .binary(ByteBuffer(bytes: [4, 1, 2, 3])))
                        #expect(try await base64.nextText() == "b4AQID")
                        #expect(try await new.next() == .binary(ByteBuffer(bytes: [1, 2, 3])))
                    }
                }
            }
        }
    }
}
