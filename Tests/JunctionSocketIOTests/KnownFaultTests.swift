import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// Faults that another server had and repaired in June 2026 (Totodore/socketioxide, by the number of the pull request), each
/// as what a client sees.
@Suite(.timeLimit(.minutes(5))) struct KnownFaultTests {
    private var impatient: EngineIOOptions {
        var options = EngineIOOptions()
        options.pingInterval = .milliseconds(4_000)
        options.pingTimeout = .milliseconds(1_000)
        return options
    }

    // MARK: Sessions that are left (#732)

    @Test("#732: sessions whose clients stop polling without a word are given up")
    func abandonedSessions() async throws {
        try await EngineTestServer.run(impatient) { server async throws in
            for _ in 0..<20 { #expect(try await server.request().status == 200) }
            for _ in 0..<20 { #expect(await server.nextReason() == "ping timeout") }
            #expect(server.engine.clientsCount == 0)
        }
    }

    @Test("#732: a session whose poll is cut off is given up at once")
    func abandonedPoll() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                try await connection.send("GET", target)
            }
            #expect(await server.nextReason() == "transport error")
            #expect(server.engine.clientsCount == 0)
        }
    }

    @Test("#732: a session whose upgrade begins and is never completed is given up with its client, WebSocket included")
    func abandonedUpgrade() async throws {
        try await EngineTestServer.run(impatient) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                try await RawWebSocket.with(server.address, "\(EngineTestServer.webSocket)&sid=\(sid)") { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    // Neither polls nor upgrades any more.
                    #expect(await server.nextReason() == "ping timeout")
                    #expect(try await socket.closeCode() == .normal)
                }
                #expect(server.engine.clientsCount == 0)
            }
        }
    }

    @Test("#732: a session whose WebSocket leaves in the middle of an upgrade stays with polling, and can try again")
    func leftUpgrade() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                let target = "\(EngineTestServer.webSocket)&sid=\(sid)"
                try await RawWebSocket.with(server.address, target) { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                }
                try await EngineTestServer.expectEcho(sid, connection)
                var isUpgraded = false
                while !isUpgraded {  // until the server has seen the first one leave
                    isUpgraded = try await RawWebSocket.with(server.address, target) { socket in
                        try await socket.send("2probe")
                        guard case .text? = try await socket.next() else { return false }
                        try await socket.send("5")
                        try await socket.send("4hello")
                        #expect(try await socket.nextText() == "4hello")
                        return true
                    }
                }
            }
        }
    }

    // MARK: Packets for a poll that waits (#736, #737)

    @Test("#736: a binary event for a poll that waits comes as packets of their own, with their separators")
    func separators() async throws {
        let prepare: @Sendable (SocketIOServer) -> Void = { io in
            io.onConnection { socket in
                socket.on("go") { (_: Int) in
                    socket.emit("bytes", ByteBuffer(bytes: [1, 2, 3, 4]).asBinary, ByteBuffer(bytes: [5]).asBinary)
                    socket.emit("text", "after")
                }
            }
        }
        try await TestServer.run(prepare: prepare) { server in
            try await RawConnection.with(server.address) { polling in
                let target = TestServer.polling(try await TestServer.connect(polling))
                try await polling.send("GET", target)  // waits
                try await RawConnection.with(server.address) { sending async throws in
                    let event = ByteBuffer(string: #"42["go",1]"#)
                    #expect(try await sending.request("POST", target, body: event).body == "ok")
                }
                #expect(
                    try await polling.response().body
                        == [
                            #"452-["bytes",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#, "bAQIDBA==",
                            "bBQ==", #"42["text","after"]"#,
                        ].joined(separator: "\u{1e}"))
            }
        }
    }

    @Test("#737: text and bytes for a poll that waits keep their kinds and their order, and none is lost or sent twice")
    func mixedKinds() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { polling in
                let target = EngineTestServer.polling(try await EngineTestServer.open(polling))
                let session = try #require(await server.nextSession())
                var expected: [String] = []
                var received: [String] = []
                for round in 0..<20 {
                    try await polling.send("GET", target)
                    for part in 0..<3 {
                        let bytes = [UInt8(round), UInt8(part)]
                        session.send("\(round).\(part)")
                        session.send(.binary(ByteBuffer(bytes: bytes)))
                        expected += ["4\(round).\(part)", "b\(Self.base64(bytes))"]
                    }
                    received += try await polling.response().body.split(separator: "\u{1e}").map(String.init)
                }
                while received.count < expected.count {
                    received += try await polling.request("GET", target).body.split(separator: "\u{1e}").map(
                        String.init)
                }
                #expect(received == expected)
            }
        }
    }

    /// Two bytes in base64.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = Int(bytes[0]) << 8 | Int(bytes[1])
        return String([alphabet[bits >> 10], alphabet[bits >> 4 & 63], alphabet[bits << 2 & 63], "="])
    }

    // MARK: Decoding (#739, #741, #740)

    @Test(
        "#739, #741: a payload that is malformed ends its session, quickly and alone",
        arguments: [
            "", "\u{1e}", "\u{1e}\u{1e}\u{1e}", "4\u{1e}", "b\u{1e}", "bA", "b*", "9:4abc", ":",
            "99999999999999999999:4", "-1:4", "\u{0}\u{1}\u{FF}4", "\u{1}", "x",
            String(repeating: "\u{1e}", count: 10_000),
        ])
    func malformedPayload(_ payload: String) async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                #expect(try await connection.request("POST", target, body: ByteBuffer(string: payload)).status == 400)
                #expect(await server.nextReason() == "parse error")
                #expect(server.engine.clientsCount == 0)
                let other = try await EngineTestServer.open(connection)
                try await EngineTestServer.expectEcho(other, connection)
            }
        }
    }

    @Test("#740: bytes whose base64 begins with a 4, or with any packet type, stay bytes, in both directions")
    func base64Clash() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                for text in ["4AAA", "4w==", "0AAA", "1AAA", "2AAA", "3AAA", "5AAA", "6AAA", "bAAA", "b4AA"] {
                    let packet = ByteBuffer(string: "b" + text)
                    #expect(try await connection.request("POST", target, body: packet).body == "ok")
                    #expect(try await connection.request("GET", target).bytes == packet)
                }
            }
        }
    }
}

extension ByteBuffer {
    /// As an argument of an event.
    fileprivate var asBinary: SocketIOValue { .binary(self) }
}
