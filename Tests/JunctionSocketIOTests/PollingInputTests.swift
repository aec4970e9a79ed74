import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// What a hostile or broken client sends by polling. Each time the session ends, the reason is right, and others go on.
@Suite(.timeLimit(.minutes(5))) struct PollingInputTests {
    @Test(
        "A payload that is no packets ends the session with a parse error",
        arguments: [
            "", "7", "x", "4\u{1e}", "\u{1e}4", "4\u{1e}\u{1e}4", "b", "bA", "b====", "bQQ*=", "hello", "Ω",
            "4", "49", "42", "42{}", "42[]", #"42["echo""#, #"42["echo",]"#, #"42["connect"]"#,
            "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}42[\"echo\"]", "bAQID",
        ])
    func malformed(_ payload: String) async throws {
        try await expectEnd(ByteBuffer(string: payload), reason: "parse error")
    }

    @Test(
        "Bytes that are not UTF-8 end the session with a parse error",
        arguments: [[0xFF], [0x34, 0xC0, 0x80], [0x34, 0xED, 0xA0, 0x80], [0x34, 0xF0, 0x9F]] as [[UInt8]])
    func invalidUTF8(_ payload: [UInt8]) async throws {
        try await expectEnd(ByteBuffer(bytes: payload), reason: "parse error")
    }

    @Test("Noise ends the session with a parse error", arguments: 1...20 as ClosedRange<UInt64>)
    func noise(_ seed: UInt64) async throws {
        try await expectEnd(.noise(1_000, seed: seed), reason: "parse error")
    }

    @Test("A ping of the client's, which only servers send, ends the session")
    func ping() async throws {
        try await expectEnd(ByteBuffer(string: "2"), reason: "transport error")
    }

    @Test("A POST of type application/octet-stream, which revision 4 does not have, ends the session")
    func octetStream() async throws {
        let headers: HTTPHeaders = ["content-type": "application/octet-stream"]
        try await expectEnd(ByteBuffer(string: "4"), headers: headers, reason: "transport error")
    }

    /// Sends the payload to a connected session, which must end.
    private func expectEnd(_ payload: ByteBuffer, headers: HTTPHeaders = [:], reason: String) async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await TestServer.connect(connection)
                let target = TestServer.polling(sid)
                _ = try await connection.request("POST", target, headers: headers, body: payload)
                #expect(await server.nextReason() == reason)
                let poll = try await connection.request("GET", target)
                #expect(poll.status == 400)
                #expect(poll.body == RequestErrorTests.unknownSession)
            }
        }
    }

    @Test("A payload that is no packets is answered with 400")
    func status() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = TestServer.polling(try await TestServer.connect(connection))
                #expect(try await connection.request("POST", target, body: ByteBuffer(string: "x")).status == 400)
            }
        }
    }

    // MARK: Size

    @Test("A payload that says it is too large gets 413 at once, and the connection ends; the session goes on")
    func announcedTooLarge() async throws {
        try await expectTooLarge { connection, target in
            try await connection.send("POST", target, headers: ["content-length": "10001"])
        }
    }

    @Test(
        "A payload that is too large gets 413 although all of it was sent, and the connection ends; the session goes on"
    )
    func sentTooLarge() async throws {
        try await expectTooLarge { connection, target in
            try await connection.send("POST", target, body: ByteBuffer(repeating: 0x34, count: 20_000_000))
        }
    }

    @Test("A payload that turns out too large gets 413, and the connection ends; the session goes on")
    func chunksTooLarge() async throws {
        try await expectTooLarge { connection, target in
            try await connection.send("POST", target, headers: ["transfer-encoding": "chunked"])
            for _ in 0..<11 { try await connection.send("3e8\r\n" + String(repeating: "4", count: 1_000) + "\r\n") }
        }
    }

    private func expectTooLarge(_ send: @escaping @Sendable (RawConnection, String) async throws -> Void) async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = 10_000
        try await TestServer.run(options: options) { server in
            try await RawConnection.with(server.address) { polling in
                let sid = try await TestServer.connect(polling)
                try await RawConnection.with(server.address) { connection in
                    try await send(connection, TestServer.polling(sid))
                    let answer = try await connection.response()
                    #expect(answer.status == 413)
                    #expect(answer.headers["connection"] == ["close"])
                    connection.finish()
                    try await connection.expectEnd()
                }
                try await TestServer.expectEcho(sid, polling)
            }
        }
    }

    @Test("A payload that is too large for a mounted server gets 413 and ends its connection, not the session")
    func mountedTooLarge() async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = 10_000
        let io = SocketIOServer(options: options)
        io.onConnection { TestServer.echo($0) }
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [io.mount()]).withListening { address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                let payload = ByteBuffer(string: #"42["echo",""# + String(repeating: "a", count: 9_988) + #""]"#)
                try #require(payload.readableBytes == 10_001)
                let answer = try await connection.request("POST", TestServer.polling(sid), body: payload)
                #expect(answer.status == 413)
                try await RawConnection.with(address) { try await TestServer.expectEcho(sid, $0) }
            }
        }
    }

    @Test("A payload as large as allowed is taken")
    func largestAllowed() async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = 10_000
        try await TestServer.run(options: options) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await TestServer.connect(connection)
                let event = #"42["echo",""# + String(repeating: "a", count: 9_987) + #""]"#
                try #require(event.utf8.count == 10_000)
                let target = TestServer.polling(sid)
                #expect(try await connection.request("POST", target, body: ByteBuffer(string: event)).body == "ok")
                #expect(try await connection.request("GET", target).body == event)
            }
        }
    }

    @Test("A payload that is cut off is not delivered, and its session goes on")
    func cutOff() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { polling in
                let sid = try await TestServer.connect(polling)
                try await RawConnection.with(server.address) { connection in
                    let event = ByteBuffer(string: #"42["echo","never"]"#)
                    try await connection.send(
                        "POST", TestServer.polling(sid), headers: ["content-length": "100"], body: event)
                    connection.finish()
                    try await connection.expectEnd()
                }
                try await TestServer.expectEcho(sid, polling)
            }
        }
    }

    // MARK: Polls

    @Test("Two polls at once end the session: one is answered with a close packet, the other with 400")
    func overlappingPolls() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { first in
                let target = TestServer.polling(try await TestServer.connect(first))
                try await first.send("GET", target)
                try await RawConnection.with(server.address) { second in
                    try await second.send("GET", target)
                    // Which of them the server sees first is open.
                    let answers = [try await first.response(), try await second.response()]
                    #expect(Set(answers.map(\.status)) == [200, 400])
                    #expect(Set(answers.map(\.body)) == ["1", ""])
                    #expect(await server.nextReason() == "transport error")
                    #expect(try await second.request("GET", target).body == RequestErrorTests.unknownSession)
                }
            }
        }
    }

    @Test("A client that leaves while it polls ends its session")
    func pollLeft() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                try await connection.send("GET", TestServer.polling(try await TestServer.connect(connection)))
                connection.finish()
                #expect(await server.nextReason() == "transport error")
            }
        }
    }

    @Test(
        "A WebSocket that does not probe properly is closed, and the session stays with polling",
        arguments: ["2", "4", "3probe", "x", #"42["echo"]"#])
    func badProbe(_ packet: String) async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { polling in
                let sid = try await TestServer.connect(polling)
                try await RawWebSocket.with(server.address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)") {
                    socket in
                    try await socket.send(packet)
                    #expect(try await socket.closeCode() == .normal)
                }
                try await TestServer.expectEcho(sid, polling)
            }
        }
    }
}
