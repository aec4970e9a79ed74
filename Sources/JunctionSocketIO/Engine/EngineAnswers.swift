import EngineIOProtocol
import JunctionTransport
import NIOCore
import NIOHTTP1

extension EngineSessionCore {
    /// A request to be answered.
    struct Answer {
        let exchange: HTTPExchange
        /// Fields that every answer to it has: permissions, middleware's, the cookie of a new session.
        let headers: HTTPHeaders
        let server: EngineIOServer
        /// The request opened the session.
        var isInitial = false
    }
}

/// How an Engine.IO server answers requests.
extension EngineSessionCore.Answer {
    /// Packets for a poll.
    ///
    /// - Parameter mayCompress: the sender of one of them did not forbid it.
    func respond(_ packets: [EnginePacket], in dialect: EngineDialect, mayCompress: Bool = true) {
        let payload = dialect.encodePayload(packets)
        let body = payload.body
        let response = makeResponse(Self.fields(of: payload.kind), body)
        guard mayCompress, let compression = server.options.httpCompression,
            body.readableBytes >= compression.threshold, let coding
        else { return exchange.respond(response) }
        if body.readableBytes <= Self.inlineCompressionLimit {
            exchange.respond(response.compressed(coding, compression.level))
        } else {
            // Too much work for the event loop. The client polls again only when it has this answer, so the order holds.
            Task.detached { [exchange] in exchange.respond(response.compressed(coding, compression.level)) }
        }
    }

    /// What a client sent was taken.
    func respondOK() { exchange.respond(makeResponse(Self.acceptedFields, Self.accepted)) }

    /// The request is refused with code and message, and the application is told.
    func refuse(_ error: EngineRequestError) { server.refuse(exchange, error, headers) }

    /// The request is answered with code and message: what it asked for is no longer of use.
    func respond(_ error: EngineRequestError) { exchange.respond(error.response(headers)) }

    /// The request is refused without a word, as where two polls overlap.
    func respond(_ status: HTTPResponseStatus) {
        exchange.respond(HTTPResponse(status: status, headers: headers))
    }

    private func makeResponse(_ fields: HTTPHeaders, _ body: ByteBuffer) -> HTTPResponse {
        var all = fields
        if !headers.isEmpty { all.add(contentsOf: headers) }
        if let hooks = server.hooks.current {
            var changed = ResponseHeaders(all)
            hooks.apply(to: &changed, isInitial: isInitial, RequestInfo(exchange.request))
            all = changed.fields
        }
        return HTTPResponse(status: .ok, headers: all, body: body)
    }

    private static func fields(of kind: EngineDialect.Payload.Kind) -> HTTPHeaders {
        switch kind {
        case .text: packetFields
        case .binary: binaryFields
        case .program: programFields
        }
    }

    private var coding: ContentCoding? {
        let accepted = exchange.request.head.headers["accept-encoding"]
        return accepted.isEmpty ? nil : ContentCoding(accepted: accepted.joined(separator: ","))
    }

    /// Bytes up to which an answer is compressed where it is made; it takes a millisecond or two then.
    private static let inlineCompressionLimit = 65_536
    // The same for all answers, so that one is no more than a reference.
    private static let packetFields: HTTPHeaders = [
        "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store",
    ]
    private static let binaryFields: HTTPHeaders = [
        "content-type": EngineDialect.binaryContentType, "cache-control": "no-store",
    ]
    // A program is never to be taken for a page.
    private static let programFields: HTTPHeaders = [
        "content-type": "text/javascript; charset=UTF-8", "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    ]
    // Not text/plain: some browsers would offer a download.
    private static let acceptedFields: HTTPHeaders = ["content-type": "text/html", "cache-control": "no-store"]
    private static let accepted = ByteBuffer(string: "ok")
}

extension EngineRequestError {
    /// The answer that says so.
    func response(_ headers: HTTPHeaders) -> HTTPResponse {
        var headers = headers
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "cache-control", value: "no-store")
        return HTTPResponse(status: HTTPResponseStatus(statusCode: httpStatus), headers: headers, body: jsonBody)
    }
}

extension HTTPResponse {
    /// The same with its body compressed, or as it is where that fails.
    fileprivate func compressed(_ coding: ContentCoding, _ level: Int) -> HTTPResponse {
        guard let body = coding.compress(body, level: level) else { return self }
        var headers = headers
        headers.add(name: "content-encoding", value: coding.rawValue)
        return HTTPResponse(status: status, headers: headers, body: body)
    }
}
