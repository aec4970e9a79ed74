import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// Clients of Socket.IO 2, which speak Engine.IO 3, on the wire.
@Suite(.timeLimit(.minutes(5))) struct OldClientTests {
    private static let polling = "/socket.io/?EIO=3&transport=polling"
    private static let webSocket = "/socket.io/?EIO=3&transport=websocket"

    private static var options: SocketIOOptions {
        var options = SocketIOOptions()
        options.engine.allowEIO3 = true
        return options
    }

    /// Packets as a payload of text.
    private static func payload(_ packets: String...) -> ByteBuffer {
        ByteBuffer(string: packets.map { "\($0.utf16.count):\($0)" }.joined())
    }

    /// Opens a session by polling, which is in the main namespace at once, and returns its target.
    private static func connect(_ connection: RawConnection, _ query: String = "") async throws -> String {
        let open = try await connection.request("GET", polling + query)
        try #require(open.status == 200)
        let sid = try #require(open.body.firstMatch(of: /"sid\\?":\\?"([^"\\]+)/)?.1)
        let target = polling + query + "&sid=\(sid)"
        try #require(try await connection.request("GET", target).body.contains("2:40"))
        return target
    }

    // MARK: Opening

    @Test("A client of revision 3 is refused with code 5 unless `allowEIO3` is on")
    func refused() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let answer = try await connection.request("GET", Self.polling)
                #expect(answer.status == 400)
                #expect(answer.body == #"{"code":5,"message":"Unsupported protocol version"}"#)
            }
        }
    }

    @Test("By polling: the handshake, the main namespace without asking, messages, a ping with its pong, the end")
    func byPolling() async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawConnection.with(server.address) { connection in
                let open = try await connection.request("GET", Self.polling)
                #expect(open.headers["content-type"] == ["text/plain; charset=UTF-8"])
                let handshake = try #require(open.body.wholeMatch(of: /(\d+):(0\{"sid":"([^"]+)",(.+)\})/))
                #expect(Int(handshake.1) == handshake.2.utf16.count)
                #expect(
                    handshake.4
                        == #""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000"#)
                let target = Self.polling + "&sid=\(handshake.3)"
                #expect(try await connection.request("GET", target).body == "2:40")

                let events = Self.payload(#"42["echo","안녕"]"#, "2")
                #expect(try await connection.request("POST", target, body: events).body == "ok")
                #expect(try await connection.request("GET", target).body == #"15:42["echo","안녕"]1:3"#)

                let headers: HTTPHeaders = ["content-type": "application/octet-stream"]
                let emoji = #"42["echo","😀"]"#
                let bytes = ByteBuffer(bytes: [0, 1, 7, 255] + Array(emoji.utf8))
                #expect(try await connection.request("POST", target, headers: headers, body: bytes).body == "ok")
                let answer = try await connection.request("GET", target)
                #expect(answer.headers["content-type"] == ["application/octet-stream"])
                #expect(answer.body == String(buffer: bytes))

                #expect(try await connection.request("POST", target, body: ByteBuffer(string: "1:1")).body == "ok")
                #expect(await server.nextReason() == "transport close")
            }
        }
    }

    @Test("By WebSocket: binary messages have their type in front, both ways")
    func byWebSocket() async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawWebSocket.with(server.address, Self.webSocket) { socket in
                #expect(try await socket.nextText().hasPrefix(#"0{"sid":""#))
                #expect(try await socket.nextText() == "40")
                try await socket.expectEcho()
                try await Self.expectBinaryEcho(socket)
                try await socket.send("2")
                #expect(try await socket.nextText() == "3")
                try await socket.send("1")
                #expect(await server.nextReason() == "transport close")
            }
        }
    }

    private static func expectBinaryEcho(_ socket: RawWebSocket) async throws {
        let event = #"451-["echo",{"_placeholder":true,"num":0}]"#
        try await socket.send(event)
        try await socket.send([4, 0, 255, 4])
        #expect(try await socket.nextText() == event)
        guard case .binary(let bytes)? = try await socket.next() else {
            Issue.record("expected bytes")
            return
        }
        #expect(bytes == ByteBuffer(bytes: [4, 0, 255, 4]))
    }

    @Test("From polling to WebSocket: what waited comes behind the probe, then binary messages with their type")
    func upgrade() async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawConnection.with(server.address) { connection in
                let open = try await connection.request("GET", Self.polling)
                let sid = try #require(open.body.firstMatch(of: /"sid":"([^"]+)"/)?.1)
                try await RawWebSocket.with(server.address, Self.webSocket + "&sid=\(sid)") { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    try await socket.send("5")
                    #expect(try await socket.nextText() == "40")
                    try await Self.expectBinaryEcho(socket)
                }
            }
        }
    }

    @Test("A client that wants base64 gets no bytes, by either transport; so does one of revision 4 by WebSocket")
    func base64() async throws {
        let event = #"451-["echo",{"_placeholder":true,"num":0}]"#
        try await TestServer.run(options: Self.options) { server in
            try await RawWebSocket.with(server.address, Self.webSocket + "&b64=1") { socket in
                _ = try await socket.nextText()
                #expect(try await socket.nextText() == "40")
                try await socket.send(event)
                try await socket.send("b4AP8E")
                #expect(try await socket.nextText() == event)
                #expect(try await socket.nextText() == "b4AP8E")
            }
            try await RawWebSocket.with(server.address, "/socket.io/?EIO=4&transport=websocket&b64=1") { socket in
                try await socket.connect()
                try await socket.send(event)
                try await socket.send("bAP8E")
                #expect(try await socket.nextText() == event)
                #expect(try await socket.nextText() == "bAP8E")
            }
            try await RawConnection.with(server.address) { connection in
                let target = try await Self.connect(connection, "&b64=1")
                let payload = Self.payload("4" + event.dropFirst(), "b4AP8E")
                #expect(try await connection.request("POST", target, body: payload).body == "ok")
                #expect(try await connection.request("GET", target).body == String(buffer: payload))
            }
        }
    }

    // MARK: JSONP

    @Test("By JSONP: payloads come as a call of the client's function, and go as a form")
    func jsonp() async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawConnection.with(server.address) { connection in
                let page: HTTPHeaders = ["referer": "http://\(RawConnection.host)/page?a"]
                let open = try await connection.request("GET", Self.polling + "&j=3", headers: page)
                #expect(open.headers["content-type"] == ["text/javascript; charset=UTF-8"])
                #expect(open.headers["x-content-type-options"] == ["nosniff"])
                let program = /___eio\[3\]\("\d+:0\{\\"sid\\":\\"([^"\\]+)\\".+\}"\);/
                let sid = try #require(open.body.wholeMatch(of: program)?.1)
                let target = Self.polling + "&j=3&sid=\(sid)"
                #expect(try await connection.request("GET", target).body == #"___eio[3]("2:40");"#)
                let headers: HTTPHeaders = ["content-type": "application/x-www-form-urlencoded"]
                let form = ByteBuffer(string: "d=14%3A42%5B%22echo%22%2C%22%3C%22%5D")
                let answer = try await connection.request("POST", target, headers: headers, body: form)
                #expect(answer.body == "ok")
                #expect(
                    try await connection.request("GET", target).body
                        == #"___eio[3]("14:42[\"echo\",\"\u003c\"]");"#)
                let wrong = try await connection.request(
                    "POST", target, headers: headers, body: ByteBuffer(string: "e=1"))
                #expect(wrong.status == 400)
                #expect(await server.nextReason() == "parse error")
            }
        }
    }

    @Test("A JSONP index that is no number is refused", arguments: ["", "a", "0]%3Balert(1)", "-1"])
    func jsonpIndex(_ index: String) async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawConnection.with(server.address) { connection in
                let answer = try await connection.request("GET", Self.polling + "&j=\(index)")
                #expect(answer.status == 400)
                #expect(answer.body == #"{"code":3,"message":"Bad request"}"#)
            }
        }
    }

    @Test("Pages of other origins get no session by JSONP unless the server names them; nor do those that hide")
    func jsonpOrigins() async throws {
        func status(_ cors: CORS, _ headers: HTTPHeaders) async throws -> Int {
            var options = Self.options
            options.engine.cors = cors
            let io = SocketIOServer(host: "127.0.0.1", options: options)
            return try await io.withListening { address in
                try await RawConnection.with(address) { connection in
                    try await connection.request("GET", Self.polling + "&j=0", headers: headers).status
                }
            }
        }
        let foreign: HTTPHeaders = ["referer": "https://example.com/page", "sec-fetch-site": "cross-site"]
        #expect(try await status(.sameOrigin, foreign) == 403)
        #expect(try await status(.sameOrigin, [:]) == 403)
        #expect(try await status(.sameOrigin, ["referer": "nonsense"]) == 403)
        #expect(try await status(.sameOrigin, ["sec-fetch-site": "same-origin"]) == 200)
        #expect(try await status(.origins(["https://example.com"]), foreign) == 200)
        #expect(try await status(.origins(["https://example.org"]), foreign) == 403)
        #expect(try await status(.any, [:]) == 200)
    }

    // MARK: Faults

    @Test(
        "A payload of revision 3 that does not keep to its lengths ends the session with a parse error",
        arguments: [
            "", "4", ":4", "-1:4", "1e0:4", "2:4", "99999999999999999999:4", "2:4😀", "12345678901234567890", "1:7",
            "1:b",
            "2:401:", "13:42[\"connect\"]",
        ])
    func malformedText(_ payload: String) async throws {
        try await expectEnd(ByteBuffer(string: payload), reason: "parse error")
    }

    @Test(
        "A payload of bytes that does not keep to its lengths ends the session with a parse error",
        arguments: [
            [], [0], [0, 1], [0, 255], [2, 1, 255, 0x34], [0, 10, 255, 0x34], [0, 9, 9, 9, 255, 0x34],
            [1, 1, 255, 0x34],
            [0, 2, 255, 0x34, 0xFF], [0, 0, 255], [1, 2, 255, 4, 0],
        ] as [[UInt8]])
    func malformedBytes(_ payload: [UInt8]) async throws {
        let headers: HTTPHeaders = ["content-type": "application/octet-stream"]
        try await expectEnd(ByteBuffer(bytes: payload), headers: headers, reason: "parse error")
    }

    @Test("A length that never ends, as long as a payload may be, ends the session with a parse error")
    func endlessLength() async throws {
        try await expectEnd(ByteBuffer(repeating: UInt8(ascii: "1"), count: 1_000_000), reason: "parse error")
        let headers: HTTPHeaders = ["content-type": "application/octet-stream"]
        try await expectEnd(ByteBuffer(repeating: 1, count: 1_000_000), headers: headers, reason: "parse error")
    }

    @Test("A pong of the client's, which only servers send in revision 3, ends the session")
    func pong() async throws {
        try await expectEnd(ByteBuffer(string: "1:3"), reason: "transport error")
    }

    private func expectEnd(_ payload: ByteBuffer, headers: HTTPHeaders = [:], reason: String) async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawConnection.with(server.address) { connection in
                let target = try await Self.connect(connection)
                _ = try await connection.request("POST", target, headers: headers, body: payload)
                #expect(await server.nextReason() == reason)
                #expect(try await connection.request("GET", target).body == RequestErrorTests.unknownSession)
            }
        }
    }

    @Test(
        "A binary frame that is no message ends the session with a parse error",
        arguments: [[], [0x34, 1], [2], [7, 1], [255], [4, 1]] as [[UInt8]])
    func malformedFrame(_ frame: [UInt8]) async throws {
        try await TestServer.run(options: Self.options) { server in
            try await RawWebSocket.with(server.address, Self.webSocket) { socket in
                _ = try await socket.nextText()
                #expect(try await socket.nextText() == "40")
                try await socket.send(frame)
                #expect(try await socket.closeCode() == .normal)
                #expect(await server.nextReason() == "parse error")
            }
        }
    }

    @Test("A client that does not ping in time is gone: ping timeout", arguments: [true, false])
    func pingTimeout(_ byWebSocket: Bool) async throws {
        var options = Self.options
        // Long enough for the client that is to be served after this one.
        options.engine.pingInterval = .milliseconds(1_500)
        options.engine.pingTimeout = .milliseconds(500)
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection { socket in socket.onDisconnect { ended.yield($0.rawValue) } }
        try await io.withListening { address in
            var reason: String?
            if byWebSocket {
                reason = try await RawWebSocket.with(address, Self.webSocket) { _ in await reasons.first { _ in true } }
            } else {
                reason = try await RawConnection.with(address) { connection in
                    _ = try await connection.request("GET", Self.polling)
                    return await reasons.first { _ in true }
                }
            }
            #expect(reason == "ping timeout")
        }
    }
}
