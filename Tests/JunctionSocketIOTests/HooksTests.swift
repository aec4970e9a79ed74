import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// What an application adds to the way of a request.
@Suite(.timeLimit(.minutes(5))) struct HooksTests {
    struct Failure: Error {}

    // MARK: Header fields

    @Test("Initial headers and headers are set on the handshake by polling, headers alone on what follows")
    func headersByPolling() async throws {
        try await EngineTestServer.run {
            $0.onInitialHeaders { headers, request in headers["x-initial"] = request.method + request.uri }
            $0.onHeaders { headers, request in headers["x-each"] = request.query("transport") }
        } _: { server in
            try await RawConnection.with(server.address) { connection in
                let opened = try await connection.request("GET", EngineTestServer.handshake)
                #expect(opened.headers["x-initial"] == ["GET" + EngineTestServer.handshake])
                #expect(opened.headers["x-each"] == ["polling"])
                let target = EngineTestServer.polling(try EngineTestServer.sid(opened))
                for answer in [
                    try await connection.request("POST", target, body: ByteBuffer(string: "4a")),
                    try await connection.request("GET", target),
                ] {
                    #expect(answer.status == 200)
                    #expect(answer.headers["x-initial"].isEmpty)
                    #expect(answer.headers["x-each"] == ["polling"])
                }
            }
        }
    }

    @Test("Initial headers and headers are set on a handshake by WebSocket, headers alone on an upgrade")
    func headersByWebSocket() async throws {
        try await EngineTestServer.run {
            $0.onInitialHeaders { headers, _ in headers["x-initial"] = "1" }
            $0.onHeaders { headers, _ in headers["x-each"] = "2" }
        } _: { server in
            let opened = try await server.requestWebSocket()
            #expect(opened.status == 101)
            #expect(opened.headers["x-initial"] == ["1"])
            #expect(opened.headers["x-each"] == ["2"])
            try await RawConnection.with(server.address) { polling in
                let sid = try await EngineTestServer.open(polling)
                let upgraded = try await server.requestWebSocket("\(EngineTestServer.webSocket)&sid=\(sid)")
                #expect(upgraded.status == 101)
                #expect(upgraded.headers["x-initial"].isEmpty)
                #expect(upgraded.headers["x-each"] == ["2"])
            }
        }
    }

    @Test("A hook sees the fields that the answer has, changes them, and adds a cookie beside the session's")
    func changedFields() async throws {
        var options = EngineIOOptions()
        options.cookie = SessionCookie()
        try await EngineTestServer.run(options) {
            $0.onInitialHeaders { headers, _ in
                headers["x-was"] = headers["Content-Type"]
                headers["cache-control"] = "private"
                headers["Set-Cookie"] = "mine=1"
            }
        } _: { server in
            let answer = try await server.request()
            #expect(answer.headers["x-was"] == ["text/plain; charset=UTF-8"])
            #expect(answer.headers["cache-control"] == ["private"])
            #expect(answer.headers["set-cookie"].count == 2)
            #expect(answer.headers["set-cookie"].last == "mine=1")
        }
    }

    @Test("Text from outside cannot break out of its field, nor take over what frames the answer")
    func injection() async throws {
        try await EngineTestServer.run {
            $0.onHeaders { headers, request in
                headers["x-name"] = request.query("name")
                headers[request.query("name") ?? ""] = "1"
                headers["Content-Length"] = "1"
                headers["transfer-encoding"] = "chunked"
            }
        } _: { server in
            let answer = try await server.request("GET", EngineTestServer.handshake + "&name=a%0D%0Aset-cookie:b%00")
            #expect(answer.headers["x-name"] == ["a  set-cookie:b "])
            #expect(answer.headers["set-cookie"].isEmpty)
            #expect(answer.headers["transfer-encoding"].isEmpty)
            #expect(answer.headers["content-length"] == [String(answer.body.utf8.count)])
        }
    }

    // MARK: Middleware

    @Test("Middleware runs in order for every request, and its fields are in every answer, refusals included")
    func middleware() async throws {
        try await EngineTestServer.run {
            $0.use { _, response in response.headers["x-order"] = "first" }
            $0.use { _, response in
                await Task.yield()
                response.headers["x-order"] = (response.headers["x-order"] ?? "") + ",second"
            }
        } _: { server in
            #expect(try await server.request().headers["x-order"] == ["first,second"])
            #expect(try await server.requestWebSocket().headers["x-order"] == ["first,second"])
            let refused = try await server.request("GET", EngineTestServer.polling("nobody"))
            #expect(refused.status == 400)
            #expect(refused.headers["x-order"] == ["first,second"])
        }
    }

    @Test(
        "Middleware that ends a request answers it: what follows does not see it", arguments: ["polling", "websocket"])
    func endedByMiddleware(_ transport: String) async throws {
        let seen = Counter()
        try await EngineTestServer.run {
            $0.use { request, response in
                response.headers["x-why"] = "maintenance"
                if request.header("x-let-me-in") == nil { response.end(status: 503, body: "later") }
            }
            $0.use { _, _ in seen.increment() }
        } _: { server in
            let target = "/engine.io/?EIO=4&transport=\(transport)"
            let fields: HTTPHeaders = transport == "websocket" ? RawWebSocket.handshake : [:]
            let answer = try await server.request("GET", target, headers: fields)
            #expect(answer.status == 503)
            #expect(answer.body == "later")
            #expect(answer.headers["x-why"] == ["maintenance"])
            #expect(server.engine.clientsCount == 0)
            #expect(seen.count == 0)
            #expect(try await server.request("GET", target, headers: fields + ["x-let-me-in": "1"]).status < 300)
            #expect(seen.count == 1)
        }
    }

    @Test("Middleware that throws refuses the request with code 3, and the application learns why")
    func failingMiddleware() async throws {
        try await EngineTestServer.run {
            $0.use { _, _ in throw Failure() }
        } _: { server in
            let answer = try await server.request()
            #expect(answer.status == 400)
            #expect(answer.body == RequestErrorTests.badRequest)
            let error = try #require(await server.nextError())
            #expect(error.code == 3)
            #expect(error.context == ["name": "MIDDLEWARE_FAILURE", "error": "Failure()"])
        }
    }

    // MARK: allowRequest

    @Test(
        "A client that allowRequest refuses gets 403 with code 4 and the message", arguments: ["polling", "websocket"])
    func refused(_ transport: String) async throws {
        var options = EngineIOOptions()
        options.allowRequest = { request in
            await Task.yield()
            return request.header("authorization") == "secret" ? .allow : .refuse("Thou shall \"not\" pass")
        }
        try await EngineTestServer.run(options) { server in
            let target = "/engine.io/?EIO=4&transport=\(transport)"
            let fields: HTTPHeaders = transport == "websocket" ? RawWebSocket.handshake : [:]
            let answer = try await server.request("GET", target, headers: fields)
            #expect(answer.status == 403)
            #expect(answer.body == #"{"code":4,"message":"Thou shall \"not\" pass"}"#)
            let error = try #require(await server.nextError())
            #expect(error.code == 4)
            #expect(error.message == "Forbidden")
            #expect(error.context == ["message": "Thou shall \"not\" pass"])
            #expect(server.engine.clientsCount == 0)
            let allowed = try await server.request("GET", target, headers: fields + ["authorization": "secret"])
            #expect(allowed.status < 300)
        }
    }

    @Test("Without a message, and where allowRequest throws, the refusal is Forbidden", arguments: [false, true])
    func forbidden(throwing: Bool) async throws {
        var options = EngineIOOptions()
        options.allowRequest = { _ in
            if throwing { throw Failure() }
            return .refuse()
        }
        try await EngineTestServer.run(options) { server in
            let answer = try await server.request()
            #expect(answer.status == 403)
            #expect(answer.body == OriginTests.forbidden)
        }
    }

    @Test("allowRequest is asked once for a session: its polls, payloads and upgrade are not asked again")
    func askedOnce() async throws {
        let asked = Counter()
        var options = EngineIOOptions()
        options.allowRequest = { _ in
            asked.increment()
            return .allow
        }
        try await EngineTestServer.run(options) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                try await EngineTestServer.expectEcho(sid, connection)
                #expect(try await server.requestWebSocket("\(EngineTestServer.webSocket)&sid=\(sid)").status == 101)
                #expect(asked.count == 1)
            }
        }
    }

    @Test("A client that leaves while it is decided cancels the decision and gets no session")
    func leftWhileDecided() async throws {
        let (cancelled, tell) = AsyncStream.makeStream(of: Void.self)
        let (started, begin) = AsyncStream.makeStream(of: Void.self)
        var options = EngineIOOptions()
        options.allowRequest = { _ in
            await withTaskCancellationHandler {
                begin.yield()
                try? await Task.sleep(for: .seconds(600))  // until it is cancelled
            } onCancel: {
                tell.yield()
            }
            return .allow
        }
        try await EngineTestServer.run(options) { server in
            try await RawConnection.with(server.address) { connection in
                try await connection.send("GET", EngineTestServer.handshake)
                for await _ in started { break }
            }
            for await _ in cancelled { break }
            #expect(server.engine.clientsCount == 0)
        }
    }

    // MARK: generateId

    @Test("An application makes the ids of sessions", arguments: ["polling", "websocket"])
    func ownIDs(_ transport: String) async throws {
        let count = Counter()
        var options = EngineIOOptions()
        options.generateId = { request in
            await Task.yield()
            return (request.query("transport") ?? "") + " \(count.increment())"
        }
        options.cookie = SessionCookie()
        try await EngineTestServer.run(options) { server in
            let target = "/engine.io/?EIO=4&transport=\(transport)"
            let fields: HTTPHeaders = transport == "websocket" ? RawWebSocket.handshake : [:]
            let answer = try await server.request("GET", target, headers: fields)
            #expect(await server.nextSession()?.id == "\(transport) 1")
            #expect(answer.headers.first(name: "set-cookie")?.hasPrefix("io=\(transport)%201; ") == true)
            if transport == "polling" {
                #expect(answer.body.hasPrefix(#"0{"sid":"polling 1""#))
                #expect(
                    try await server.request("POST", EngineTestServer.polling("polling%201"), body: .init(string: "4a"))
                        .body == "ok")
            }
        }
    }

    @Test(
        "A client whose id cannot be made, is empty or is taken is refused with code 3",
        arguments: ["throw", "", "taken"])
    func badIDs(_ id: String) async throws {
        var options = EngineIOOptions()
        options.generateId = { _ in
            if id == "throw" { throw Failure() }
            return id
        }
        try await EngineTestServer.run(options) { server in
            if id == "taken" { #expect(try await server.request().status == 200) }
            let answer = try await server.request()
            #expect(answer.status == 400)
            #expect(answer.body == RequestErrorTests.badRequest)
            #expect(await server.nextError()?.context == ["name": "ID_GENERATION_ERROR"])
            #expect(server.engine.clientsCount == (id == "taken" ? 1 : 0))
        }
    }

    // MARK: connection_error, clientsCount

    struct Refusal: Sendable, CustomTestStringConvertible {
        var method = "GET"
        var query: String
        var headers: HTTPHeaders = [:]
        var code: Int
        var message: String
        var context: [String: String]

        var testDescription: String { "\(method) \(query)" }
    }

    @Test(
        "The application learns of each refused request: code, words, context, request",
        arguments: [
            Refusal(query: "EIO=4", code: 0, message: "Transport unknown", context: [:]),
            Refusal(query: "transport=tobi", code: 0, message: "Transport unknown", context: ["transport": "tobi"]),
            Refusal(
                query: "EIO=4&transport=polling&sid=x", code: 1, message: "Session ID unknown", context: ["sid": "x"]),
            Refusal(
                method: "PUT", query: "EIO=4&transport=polling", code: 2, message: "Bad handshake method",
                context: ["method": "PUT"]),
            Refusal(
                query: "EIO=4&transport=websocket", code: 3, message: "Bad request",
                context: ["name": "TRANSPORT_HANDSHAKE_ERROR"]),
            Refusal(
                query: "EIO=4&transport=websocket", headers: ["connection": "upgrade", "upgrade": "websocket"], code: 3,
                message: "Bad request", context: ["name": "TRANSPORT_HANDSHAKE_ERROR"]),
            Refusal(
                query: "EIO=4&transport=polling", headers: ["origin": "http://evil.test"], code: 4,
                message: "Forbidden",
                context: ["name": "ORIGIN_NOT_ALLOWED", "origin": "http://evil.test"]),
            Refusal(
                query: "EIO=2&transport=polling", code: 5, message: "Unsupported protocol version",
                context: ["protocol": "3"]),
        ])
    func connectionError(_ refusal: Refusal) async throws {
        try await EngineTestServer.run { server in
            let target = "/engine.io/?" + refusal.query
            _ = try await server.request(refusal.method, target, headers: refusal.headers)
            let error = try #require(await server.nextError())
            #expect(error.code == refusal.code)
            #expect(error.message == refusal.message)
            #expect(error.context == refusal.context)
            #expect(error.request.uri == target)
            #expect(error.request.method == refusal.method)
            #expect(error.request.header("host") == RawConnection.host)
        }
    }

    @Test("A poll of a session that has moved to WebSocket is refused, and the application learns of it")
    func mismatch() async throws {
        try await EngineTestServer.run { server in
            try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket in
                #expect(try await socket.nextText().hasPrefix("0{"))
                let sid = try #require(await server.nextSession()?.id)
                for method in ["GET", "POST"] {
                    let answer = try await server.request(method, EngineTestServer.polling(sid))
                    #expect(answer.body == RequestErrorTests.badRequest)
                    #expect(await server.nextError()?.context == ["name": "TRANSPORT_MISMATCH"])
                }
            }
        }
    }

    @Test("clientsCount is the number of sessions, whatever carries them")
    func clientsCount() async throws {
        try await EngineTestServer.run { server in
            #expect(server.engine.clientsCount == 0)
            try await RawConnection.with(server.address) { polling in
                let sid = try await EngineTestServer.open(polling)
                #expect(server.engine.clientsCount == 1)
                try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket async throws in
                    #expect(try await socket.nextText().hasPrefix("0{"))
                    #expect(server.engine.clientsCount == 2)
                }
                #expect(await server.nextReason() == "transport close")
                #expect(server.engine.clientsCount == 1)
                _ = try await polling.request("POST", EngineTestServer.polling(sid), body: ByteBuffer(string: "1"))
                #expect(server.engine.clientsCount == 0)
            }
        }
    }

    // MARK: Cookie

    @Test(
        "The handshake sets the cookie as configured, by polling and by WebSocket",
        arguments: [
            (SessionCookie(), "io", "; Path=/; HttpOnly; SameSite=Lax"),
            (SessionCookie(name: "woot"), "woot", "; Path=/; HttpOnly; SameSite=Lax"),
            (SessionCookie(path: "/custom"), "io", "; Path=/custom; HttpOnly; SameSite=Lax"),
            (SessionCookie(path: nil), "io", "; HttpOnly; SameSite=Lax"),
            (SessionCookie(sameSite: .strict), "io", "; Path=/; HttpOnly; SameSite=Strict"),
            (SessionCookie(httpOnly: false), "io", "; Path=/; SameSite=Lax"),
            (
                SessionCookie(
                    domain: "example.com", secure: true, partitioned: true, sameSite: .crossSite,
                    maxAge: .seconds(90)), "io",
                "; Max-Age=90; Domain=example.com; Path=/; HttpOnly; Secure; Partitioned; SameSite=None"
            ),
            (SessionCookie(path: nil, httpOnly: false, sameSite: nil), "io", ""),
        ] as [(SessionCookie, String, String)])
    func cookie(_ cookie: SessionCookie, _ name: String, _ attributes: String) async throws {
        var options = EngineIOOptions()
        options.cookie = cookie
        try await EngineTestServer.run(options) { server in
            for answer in [try await server.request(), try await server.requestWebSocket()] {
                let session = try #require(await server.nextSession())
                #expect(answer.headers["set-cookie"] == ["\(name)=\(session.id)\(attributes)"])
            }
        }
    }

    @Test("No cookie is set unless the server wants one, and none behind the handshake")
    func noCookie() async throws {
        try await EngineTestServer.run { server async throws in
            #expect(try await server.request().headers["set-cookie"].isEmpty)
        }
        var options = EngineIOOptions()
        options.cookie = SessionCookie()
        try await EngineTestServer.run(options) { server in
            try await RawConnection.with(server.address) { connection in
                let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                let answer = try await connection.request("POST", target, body: ByteBuffer(string: "4a"))
                #expect(answer.headers["set-cookie"].isEmpty)
            }
        }
    }
}
