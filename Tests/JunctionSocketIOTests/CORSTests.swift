import JunctionSocketIO
import NIOHTTP1
import RawClients
import Testing

/// What the answers to pages of other origins say beside the origin itself, which `OriginTests` is about.
@Suite(.timeLimit(.minutes(5))) struct CORSTests {
    private func answer(
        _ cors: CORS, _ method: String = "GET", headers: HTTPHeaders,
        check: @escaping @Sendable (RawConnection.Response) -> Void
    ) async throws {
        var options = EngineIOOptions()
        options.cors = cors
        try await EngineTestServer.run(options) { server in
            check(try await server.request(method, EngineTestServer.handshake, headers: headers))
        }
    }

    private static let preflight: HTTPHeaders = [
        "origin": "https://good.test", "access-control-request-method": "PUT",
        "access-control-request-headers": "x-other",
    ]

    @Test("A preflight is answered with methods, fields, credentials and age as configured")
    func everything() async throws {
        var cors = CORS.origins(["https://good.test"], credentials: true)
        cors.methods = ["GET", "PUT", "POST"]
        cors.allowedHeaders = ["my-header", "x-2"]
        cors.exposedHeaders = ["my-exposed-header"]
        cors.maxAge = .seconds(123)
        cors.optionsSuccessStatus = 200
        try await answer(cors, "OPTIONS", headers: Self.preflight) { answer in
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(answer.headers["access-control-allow-origin"] == ["https://good.test"])
            #expect(answer.headers["access-control-allow-methods"] == ["GET,PUT,POST"])
            #expect(answer.headers["access-control-allow-headers"] == ["my-header,x-2"])
            #expect(answer.headers["access-control-expose-headers"] == ["my-exposed-header"])
            #expect(answer.headers["access-control-allow-credentials"] == ["true"])
            #expect(answer.headers["access-control-max-age"] == ["123"])
        }
    }

    @Test("Other answers have the exposed fields and the credentials, and nothing of a preflight")
    func actualRequest() async throws {
        var cors = CORS.origins(["https://good.test"], credentials: true)
        cors.allowedHeaders = ["my-header"]
        cors.exposedHeaders = ["a", "b"]
        cors.maxAge = .seconds(123)
        try await answer(cors, headers: ["origin": "https://good.test"]) { answer in
            #expect(answer.status == 200)
            #expect(answer.headers["access-control-expose-headers"] == ["a,b"])
            #expect(answer.headers["access-control-allow-credentials"] == ["true"])
            for name in ["methods", "headers"] { #expect(answer.headers["access-control-allow-\(name)"].isEmpty) }
            #expect(answer.headers["access-control-max-age"].isEmpty)
        }
    }

    @Test("Any origin with credentials is named in its answer: browsers take no asterisk then")
    func anyWithCredentials() async throws {
        var cors = CORS.any
        cors.credentials = true
        try await answer(cors, headers: ["origin": "https://good.test"]) { answer in
            #expect(answer.headers["access-control-allow-origin"] == ["https://good.test"])
            #expect(answer.headers["vary"] == ["Origin"])
        }
    }

    @Test(
        "A function decides about origins",
        arguments: [("https://a.good.test", 200), ("https://a.evil.test", 403), ("https://good.test.evil.test", 403)])
    func matching(_ origin: String, _ status: Int) async throws {
        let cors = CORS.matching { $0.wholeMatch(of: /https:\/\/[a-z]+\.good\.test/) != nil }
        try await answer(cors, headers: ["origin": origin]) { answer in
            #expect(answer.status == status)
            #expect(answer.headers["access-control-allow-origin"] == (status == 200 ? [origin] : []))
        }
    }

    @Test("The server's own origin, and clients without one, are let in whatever the function says")
    func ownOrigin() async throws {
        for headers: HTTPHeaders in [["origin": "http://\(RawConnection.host)"], [:]] {
            try await answer(.matching { _ in false }, headers: headers) { #expect($0.status == 200) }
        }
    }
}
