import EngineIOProtocol
import JunctionTransport
import JunctionWebSocket
import Logging
import NIOCore
import NIOHTTP1

/// The way of a request: origin, client files, middleware, then the protocol.
extension EngineIOServer {
    func handle(_ exchange: HTTPExchange) {
        let headers: HTTPHeaders
        switch originPolicy.check(exchange.request) {
        case .allow(let fields):
            headers = fields
        case .deny(let origin):
            let error = EngineRequestError(.forbidden, detail: "ORIGIN_NOT_ALLOWED")
            return refuse(exchange, error, [:], context: ["origin": origin])
        }
        if exchange.request.head.method == .OPTIONS {
            return exchange.respond(originPolicy.preflight(exchange.request, allowed: headers))
        }
        if let clientFiles, let answer = clientFiles.files.answer(to: exchange.request, below: clientFiles.path) {
            return exchange.respond(answer.adding(headers))
        }
        if let middleware = hooks.current?.middleware, !middleware.isEmpty {
            run(middleware, exchange, headers) { self.serve(exchange, $0) }
        } else {
            serve(exchange, headers)
        }
    }

    func refuse(
        _ exchange: HTTPExchange, _ error: EngineRequestError, _ headers: HTTPHeaders, context: [String: String] = [:]
    ) {
        report(error, exchange.request, context: context)
        exchange.respond(error.response(headers))
    }

    private func serve(_ exchange: HTTPExchange, _ headers: HTTPHeaders) {
        do {
            try route(exchange, headers)
        } catch {
            refuse(exchange, error, headers)
        }
    }

    private func route(_ exchange: HTTPExchange, _ headers: HTTPHeaders) throws(EngineRequestError) {
        let asksForWebSocket = exchange.request.asksForWebSocket
        let head = exchange.request.head
        let request = try EngineRequest(
            method: head.method.rawValue, uri: head.uri, isWebSocketUpgrade: asksForWebSocket)
        // One look-up serves the check and the use: the session may end in between.
        let session = request.sid.flatMap(find)
        // Whether the session still polls is known on its own loop: it refuses what does not fit there.
        let purpose = try request.verify(transports: transports, allowsRevision3: options.allowEIO3) { _ in
            session.flatMap { _ in request.transport }
        }
        switch (purpose, session) {
        case (.handshake(let transport), _):
            try open(exchange, request, transport, headers)
        case (.session, let session?) where asksForWebSocket:
            try upgrade(session, exchange, headers)
        case (.session(_, .websocket), _):
            throw EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH")
        case (.session, let session?):
            let answer = EngineSessionCore.Answer(exchange: exchange, headers: headers, server: self)
            switch head.method {
            case .GET: session.take(answer) { $0.get($1) }
            case .POST: session.take(answer) { $0.post($1) }
            default: throw EngineRequestError(.badRequest, detail: "METHOD_NOT_ALLOWED")
            }
        case (.session(let sid, _), nil):
            throw EngineRequestError(.unknownSession, detail: sid)
        }
    }

    // MARK: Opening a session

    /// Opens a session, when the application lets the client in and has made an id where it wants to.
    private func open(
        _ exchange: HTTPExchange, _ request: EngineRequest, _ transport: EngineTransport, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        let info = RequestInfo(exchange.request)
        let dialect = try request.dialect()
        guard dialect.jsonpIndex == nil || originPolicy.allowsProgram(for: exchange.request) else {
            throw EngineRequestError(.forbidden, detail: "ORIGIN_NOT_ALLOWED")
        }
        guard options.allowRequest != nil || options.generateId != nil else {
            return try open(SessionID.make(), exchange, info, transport, dialect, headers)
        }
        inTask(exchange) {
            do throws(EngineRequestError) {
                try await self.admit(info)
                let id = try await self.makeID(info)
                guard exchange.isWaiting else { return }
                try self.open(id, exchange, info, transport, dialect, headers)
            } catch {
                self.refuse(exchange, error, headers)
            }
        }
    }

    private func open(
        _ id: String, _ exchange: HTTPExchange, _ request: RequestInfo, _ transport: EngineTransport,
        _ dialect: EngineDialect, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        let session = try makeSession(id, request, transport, dialect, on: exchange.executor)
        var headers = headers
        if let cookie { headers.add(name: "set-cookie", value: cookie.field(id)) }
        switch transport {
        case .polling:
            let answer = EngineSessionCore.Answer(exchange: exchange, headers: headers, server: self, isInitial: true)
            session.withCore { core in
                core.open(by: nil)
                core.get(answer)
            }
            announce(session)
        case .websocket:
            try open(session, byWebSocket: exchange, headers)
        }
    }
}

extension EngineSession {
    /// Hands a request to the session: at once where its connection is on the session's loop, which is the usual case.
    fileprivate func take(
        _ answer: EngineSessionCore.Answer,
        _ serve: @escaping @Sendable (EngineSessionCore, EngineSessionCore.Answer) -> Void
    ) {
        if answer.exchange.executor === executor {
            executor.turn { serve(core.value, answer) }
        } else {
            withCore { serve($0, answer) }
        }
    }
}

extension HTTPResponse {
    /// The same with more fields.
    fileprivate func adding(_ fields: HTTPHeaders) -> HTTPResponse {
        var response = self
        response.headers.add(contentsOf: fields)
        return response
    }
}
