import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// Requests that the server refuses, with the reference server's codes and words.
@Suite(.timeLimit(.minutes(5))) struct RequestErrorTests {
    /// A request and the exact body of its refusal.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var title: String
        var method = "GET"
        var query: String
        var headers: HTTPHeaders = [:]
        var body: String

        var testDescription: String { title }
    }

    static let unknownTransport = #"{"code":0,"message":"Transport unknown"}"#
    static let unknownSession = #"{"code":1,"message":"Session ID unknown"}"#
    static let badHandshakeMethod = #"{"code":2,"message":"Bad handshake method"}"#
    static let badRequest = #"{"code":3,"message":"Bad request"}"#
    static let unsupportedVersion = #"{"code":5,"message":"Unsupported protocol version"}"#

    @Test(
        "A request without a place in the protocol is refused with its code",
        arguments: [
            Refusal(title: "no query", query: "", body: unknownTransport),
            Refusal(title: "no transport", query: "EIO=4", body: unknownTransport),
            Refusal(title: "unknown transport", query: "EIO=4&transport=tobi", body: unknownTransport),
            Refusal(title: "a name of JavaScript's", query: "EIO=4&transport=constructor", body: unknownTransport),
            Refusal(title: "no version", query: "transport=polling", body: unsupportedVersion),
            Refusal(title: "version 3", query: "EIO=3&transport=polling", body: unsupportedVersion),
            Refusal(title: "version 3 of WebSocket", query: "EIO=3&transport=websocket", body: badRequest),
            Refusal(title: "unknown session", query: "EIO=4&transport=polling&sid=nobody", body: unknownSession),
            Refusal(
                title: "unknown session, POST", method: "POST", query: "EIO=4&transport=polling&sid=nobody",
                body: unknownSession),
            Refusal(
                title: "upgrade of an unknown session", query: "EIO=4&transport=websocket&sid=nobody",
                headers: RawWebSocket.handshake, body: unknownSession),
            Refusal(
                title: "handshake by POST", method: "POST", query: "EIO=4&transport=polling", body: badHandshakeMethod),
            Refusal(
                title: "handshake by PUT", method: "PUT", query: "EIO=4&transport=polling", body: badHandshakeMethod),
            Refusal(title: "websocket without an upgrade", query: "EIO=4&transport=websocket", body: badRequest),
            Refusal(
                title: "polling with an upgrade", query: "EIO=4&transport=polling", headers: RawWebSocket.handshake,
                body: badRequest),
            Refusal(
                title: "a WebSocket handshake without a key", query: "EIO=4&transport=websocket",
                headers: ["connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"],
                body: badRequest),
            Refusal(
                title: "too many query items",
                query: "EIO=4&transport=polling" + String(repeating: "&a", count: 1_000), body: badRequest),
        ])
    func refusal(_ refusal: Refusal) async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let answer = try await connection.request(
                    refusal.method, "/socket.io/?\(refusal.query)", headers: refusal.headers)
                #expect(answer.status == 400)
                #expect(answer.headers["content-type"] == ["application/json"])
                #expect(answer.body == refusal.body)
                if refusal.headers.contains(name: "upgrade") {
                    // The server cannot know in which protocol the client would go on.
                    #expect(answer.headers["connection"] == ["close"])
                    try await connection.expectEnd()
                } else {
                    _ = try await TestServer.openSession(connection)
                }
            }
        }
    }

    @Test("A session is refused what it cannot take, and lives on")
    func refusalOfASession() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await TestServer.connect(connection)
                let mismatch = try await connection.request("GET", "/socket.io/?EIO=4&transport=websocket&sid=\(sid)")
                #expect(mismatch.status == 400)
                #expect(mismatch.body == Self.badRequest)
                let method = try await connection.request("DELETE", TestServer.polling(sid))
                #expect(method.status == 400)
                #expect(method.body == Self.badRequest)
                try await TestServer.expectEcho(sid, connection)
            }
        }
    }

    @Test("What is below no mount is not found")
    func notFound() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                for target in ["/", "/socket.iox/?EIO=4&transport=polling", "/%73ocket.io/", "*"] {
                    let answer = try await connection.request("GET", target)
                    #expect(answer.status == 404)
                }
            }
        }
    }
}
