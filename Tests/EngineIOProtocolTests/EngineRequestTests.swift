import EngineIOProtocol
import NIOCore
import Testing

@Suite("Engine.IO requests")
struct EngineRequestTests {
    /// Verifies a request against a server where "p" is a polling session and "w" a WebSocket one.
    private func verify(
        _ query: String, method: String = "GET", upgrade: Bool = false,
        transports: Set<EngineTransport> = [.polling, .websocket]
    ) -> Result<EngineRequest.Purpose, EngineRequestError> {
        do throws(EngineRequestError) {
            let request = try EngineRequest(method: method, uri: "/engine.io/" + query, isWebSocketUpgrade: upgrade)
            let sessions: [String: EngineTransport] = ["p": .polling, "w": .websocket]
            return .success(try request.verify(transports: transports) { sessions[$0] })
        } catch {
            return .failure(error)
        }
    }

    private func code(_ result: Result<EngineRequest.Purpose, EngineRequestError>) -> EngineRequestError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test("opens a session by polling or by WebSocket")
    func handshake() {
        #expect(verify("?EIO=4&transport=polling") == .success(.handshake(.polling)))
        #expect(verify("?EIO=4&transport=websocket", upgrade: true) == .success(.handshake(.websocket)))
        #expect(verify("?EIO=4&transport=polling&sid=") == .success(.handshake(.polling)))
    }

    @Test("finds the session of a poll, a payload and an upgrade")
    func session() {
        #expect(verify("?EIO=4&transport=polling&sid=p") == .success(.session("p", .polling)))
        #expect(verify("?EIO=4&transport=polling&sid=p", method: "POST") == .success(.session("p", .polling)))
        #expect(verify("?EIO=4&transport=websocket&sid=p", upgrade: true) == .success(.session("p", .websocket)))
    }

    @Test("refuses as the reference implementation does")
    func refusals() {
        #expect(code(verify("")) == .unknownTransport)
        #expect(code(verify("?EIO=4&transport=abc")) == .unknownTransport)
        #expect(code(verify("?EIO=4&transport=websocket", upgrade: true, transports: [.polling])) == .unknownTransport)
        #expect(code(verify("?EIO=4&transport=polling&sid=zzz")) == .unknownSession)
        #expect(code(verify("?EIO=4&transport=polling&sid=__proto__")) == .unknownSession)
        #expect(code(verify("?EIO=4&transport=polling", method: "POST")) == .badHandshakeMethod)
        #expect(code(verify("?EIO=4&transport=websocket")) == .badRequest, "a handshake without an upgrade")
        #expect(code(verify("?EIO=4&transport=polling&sid=w")) == .badRequest, "another transport")
        #expect(code(verify("?EIO=4&transport=websocket&sid=p")) == .badRequest, "another transport, no upgrade")
        #expect(code(verify("?EIO=4&transport=polling", upgrade: true)) == .badRequest, "polling cannot be upgraded to")
        #expect(code(verify("?transport=polling")) == .unsupportedProtocolVersion)
        #expect(code(verify("?EIO=3&transport=polling")) == .unsupportedProtocolVersion)
    }

    @Test(
        "answers with the numbers and words that clients know",
        arguments: [
            (.unknownTransport, 400, #"{"code":0,"message":"Transport unknown"}"#),
            (.unknownSession, 400, #"{"code":1,"message":"Session ID unknown"}"#),
            (.badHandshakeMethod, 400, #"{"code":2,"message":"Bad handshake method"}"#),
            (.badRequest, 400, #"{"code":3,"message":"Bad request"}"#),
            (.forbidden, 403, #"{"code":4,"message":"Forbidden"}"#),
            (.unsupportedProtocolVersion, 400, #"{"code":5,"message":"Unsupported protocol version"}"#),
        ] as [(EngineRequestError.Code, Int, String)])
    func answers(code: EngineRequestError.Code, status: Int, body: String) {
        let error = EngineRequestError(code)
        #expect(error.httpStatus == status)
        #expect(String(buffer: error.jsonBody) == body)
    }

    @Test("lets the application refuse in its own words")
    func ownWords() {
        let error = EngineRequestError(.forbidden, message: "no \"guests\"\n", detail: "10.0.0.1")
        #expect(String(buffer: error.jsonBody) == #"{"code":4,"message":"no \"guests\"\u000a"}"#)
        #expect(error.description == "4: no \"guests\"\n (10.0.0.1)")
    }

    // MARK: - Query

    private func query(_ uri: String) throws -> EngineQuery {
        try EngineRequest(method: "GET", uri: uri, isWebSocketUpgrade: false).query
    }

    @Test(
        "decodes names and values as the URL standard says",
        arguments: [
            ("?a=1", "1"), ("?b=2&a=1&c", "1"), ("?a=x+y%20z", "x y z"), ("?a=%ED%95%9C", "한"), ("?a=%e4", "\u{FFFD}"),
            ("?a=%", "%"), ("?a=%4", "%4"), ("?a=%4g", "%4g"), ("?a=%%41", "%A"), ("?a=1=2", "1=2"), ("?a", ""),
            ("?a=1&a=2", "2"), ("?%61=1", "1"), ("?&&a=1&&", "1"), ("?a=1#b", "1"), ("?a=?", "?"), ("?a=%2B%26", "+&"),
        ])
    func decoding(uri: String, value: String) throws {
        #expect(try query(uri)["a"] == value)
    }

    @Test("keeps all items in order, the protocol's own too")
    func items() throws {
        let items = try query("/socket.io/?EIO=4&token=a%2Fb&transport=polling&flag").items
        #expect(
            items == [
                .init(name: "EIO", value: "4"), .init(name: "token", value: "a/b"),
                .init(name: "transport", value: "polling"), .init(name: "flag", value: ""),
            ])
        #expect(try query("/socket.io/").items == [])
        #expect(try query("/socket.io/?").items == [])
        #expect(try query("/socket.io/")["EIO"] == nil)
    }

    @Test("reads queries up to the limit")
    func limit() throws {
        let full = "?" + Array(repeating: "a=1", count: EngineQuery.maxItems).joined(separator: "&")
        #expect(try query(full).items.count == EngineQuery.maxItems)
        #expect(throws: EngineRequestError(.badRequest, detail: "more than 1000 query items")) {
            try query(full + "&b=2")
        }
    }
}
