import JunctionSocketIO
import NIOHTTP1
import RawClients
import Testing

/// Which pages a browser lets in, by polling and by WebSocket alike.
@Suite(.timeLimit(.minutes(5))) struct OriginTests {
    static let handshake = "/socket.io/?EIO=4&transport=polling"
    static let forbidden = #"{"code":4,"message":"Forbidden"}"#

    /// Sends one request to a server with these rules, and expects the well-behaved client to go on.
    private func answer(
        _ cors: CORS, _ method: String = "GET", _ target: String = handshake, headers: HTTPHeaders,
        check: @escaping @Sendable (RawConnection.Response) -> Void
    ) async throws {
        var options = SocketIOOptions()
        options.engine.cors = cors
        try await TestServer.run(options: options) { server in
            try await RawConnection.with(server.address) { connection in
                check(try await connection.request(method, target, headers: headers))
            }
        }
    }

    @Test(
        "A page of an origin that is not named is refused with code 4",
        arguments: [
            "http://evil.test", "https://evil.test", "null", "http://junction.localhost.evil.test",
            "http://junction.localhost:81", "",
        ])
    func refused(_ origin: String) async throws {
        for cors in [CORS.sameOrigin, .origins(["https://app.test"])] {
            try await answer(cors, headers: ["origin": origin]) { answer in
                #expect(answer.status == 403)
                #expect(answer.body == Self.forbidden)
                #expect(!answer.headers.contains(name: "access-control-allow-origin"))
            }
        }
    }

    @Test("A WebSocket from an origin that is not named is refused, although CORS does not cover it")
    func refusedWebSocket() async throws {
        var headers = RawWebSocket.handshake
        headers.add(name: "origin", value: "http://evil.test")
        try await answer(.sameOrigin, "GET", "/socket.io/?EIO=4&transport=websocket", headers: headers) { answer in
            #expect(answer.status == 403)
            #expect(answer.body == Self.forbidden)
        }
    }

    @Test("An upgrade from an origin that is not named is refused, and the session stays with polling")
    func refusedUpgrade() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { polling in
                let sid = try await TestServer.connect(polling)
                var headers = RawWebSocket.handshake
                headers.add(name: "origin", value: "http://evil.test")
                let answer = try await RawConnection.with(server.address) { connection in
                    try await connection.request(
                        "GET", "/socket.io/?EIO=4&transport=websocket&sid=\(sid)", headers: headers)
                }
                #expect(answer.status == 403)
                #expect(answer.body == Self.forbidden)
                try await TestServer.expectEcho(sid, polling)
            }
        }
    }

    @Test("A client without an origin, and a page of the server's own, need no permission")
    func ownOrigin() async throws {
        for headers: HTTPHeaders in [[:], ["origin": "http://\(RawConnection.host)"]] {
            try await answer(.sameOrigin, headers: headers) { answer in
                #expect(answer.status == 200)
                #expect(!answer.headers.contains(name: "access-control-allow-origin"))
            }
        }
    }

    @Test("A page of a named origin is let in, and told so")
    func namedOrigin() async throws {
        let cors = CORS.origins(["https://app.test", "http://other.test"], credentials: true)
        try await answer(cors, headers: ["origin": "https://app.test"]) { answer in
            #expect(answer.status == 200)
            #expect(answer.headers["access-control-allow-origin"] == ["https://app.test"])
            #expect(answer.headers["access-control-allow-credentials"] == ["true"])
            #expect(answer.headers["vary"] == ["Origin"])
        }
    }

    @Test("A refusal carries the permission too, so that the page can read why")
    func permissionOnRefusal() async throws {
        try await answer(
            .any, "GET", "/socket.io/?EIO=4&transport=polling&sid=nobody", headers: ["origin": "https://app.test"]
        ) {
            #expect($0.status == 400)
            #expect($0.body == RequestErrorTests.unknownSession)
            #expect($0.headers["access-control-allow-origin"] == ["*"])
        }
    }

    private static let preflight: HTTPHeaders = [
        "origin": "https://app.test", "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    ]

    @Test("A preflight of a named origin allows the methods and the fields that the page asks for")
    func preflightAllowed() async throws {
        try await answer(.origins(["https://app.test"]), "OPTIONS", Self.handshake, headers: Self.preflight) { answer in
            #expect(answer.status == 204)
            #expect(answer.headers["access-control-allow-origin"] == ["https://app.test"])
            #expect(answer.headers["access-control-allow-methods"] == ["GET,POST"])
            #expect(answer.headers["access-control-allow-headers"] == ["authorization,content-type"])
            #expect(answer.headers["vary"] == ["Origin", "Access-Control-Request-Headers"])
            #expect(answer.body.isEmpty)
        }
    }

    @Test("A preflight of another origin is refused")
    func preflightRefused() async throws {
        try await answer(.sameOrigin, "OPTIONS", Self.handshake, headers: Self.preflight) { answer in
            #expect(answer.status == 403)
            #expect(answer.body == Self.forbidden)
            #expect(!answer.headers.contains(name: "access-control-allow-methods"))
        }
    }
}
