import EngineIOProtocol
import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOHTTP1

/// Requests that leave HTTP for WebSocket: to open a session, or to carry one from now on.
extension EngineIOServer {
    /// Opens the session by the WebSocket connection that the request becomes.
    func open(
        _ session: EngineSession, byWebSocket exchange: HTTPExchange, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        do {
            let link = try accept(exchange, headers, for: session, isInitial: true)
            session.withCore { $0.open(by: link) }
        } catch {
            session.withCore { $0.end(.transportError) }
            throw EngineRequestError(.badRequest, detail: Self.transportHandshakeError)
        }
        announce(session)
    }

    /// A WebSocket connection for a session that polls.
    func upgrade(
        _ session: EngineSession, _ exchange: HTTPExchange, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        let link: WebSocketLink
        do {
            link = try accept(exchange, headers, for: session, isInitial: false)
        } catch {
            throw EngineRequestError(.badRequest, detail: Self.transportHandshakeError)
        }
        session.withCore { core in
            // As the JavaScript server: accepted and closed, which `WebSocket` in a browser can tell from a failed request.
            if !core.probe(by: link) { link.close(.normal) }
        }
    }

    private static let transportHandshakeError = "TRANSPORT_HANDSHAKE_ERROR"

    private func accept(
        _ exchange: HTTPExchange, _ headers: HTTPHeaders, for session: EngineSession, isInitial: Bool
    ) throws -> WebSocketLink {
        let handler = WebSocketHandler(
            executor: exchange.executor, limits: WebSocketFrameLimits(maxMessageBytes: options.maxHttpBufferSize),
            maximumBufferedBytes: options.maximumBufferedBytes)
        let link = WebSocketLink(
            handler: handler, on: exchange.executor, session: session.core, on: session.executor)
        handler.delegate = link
        do {
            try WebSocketUpgrade.accept(
                exchange, headers: changed(headers, exchange, isInitial: isInitial),
                compression: options.perMessageDeflate, handler: handler)
        } catch {
            handler.delegate = nil  // it holds the handler
            throw error
        }
        return link
    }

    /// The fields as the application wants them.
    private func changed(_ headers: HTTPHeaders, _ exchange: HTTPExchange, isInitial: Bool) -> HTTPHeaders {
        guard let hooks = hooks.current else { return headers }
        var fields = ResponseHeaders(headers)
        hooks.apply(to: &fields, isInitial: isInitial, RequestInfo(exchange.request))
        return fields.fields
    }
}
