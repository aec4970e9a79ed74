import EngineIOProtocol
import JunctionTransport
import NIOCore
import NIOHTTP1

extension EngineSessionCore {
    /// A request to be answered, with the fields that every answer to it has.
    struct Answer {
        let exchange: HTTPExchange
        var headers: HTTPHeaders
    }
}

/// How an Engine.IO server answers requests.
extension EngineSessionCore.Answer {
    /// Packets for a poll.
    func respond(_ packets: [EnginePacket], in dialect: EngineDialect) {
        let payload = dialect.encodePayload(packets)
        var answer = self
        // A program is never to be taken for a page.
        if dialect.jsonpIndex != nil { answer.headers.add(name: "x-content-type-options", value: "nosniff") }
        answer.respond(.ok, contentType: payload.contentType, payload.body)
    }

    /// What a client sent was taken.
    func respondOK() {
        // Not text/plain: some browsers would offer a download.
        respond(.ok, contentType: "text/html", ByteBuffer(string: "ok"))
    }

    /// The request is refused, with code and message.
    func respond(_ error: EngineRequestError) {
        respond(HTTPResponseStatus(statusCode: error.httpStatus), contentType: "application/json", error.jsonBody)
    }

    /// The request is refused without a word, as where two polls overlap.
    func respond(_ status: HTTPResponseStatus) {
        exchange.respond(HTTPResponse(status: status, headers: headers))
    }

    /// Calls `action` if the client goes away before the answer.
    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        exchange.executor.execute { exchange.onDisconnect(action) }
    }

    private func respond(_ status: HTTPResponseStatus, contentType: String, _ body: ByteBuffer) {
        var headers = headers
        headers.add(name: "content-type", value: contentType)
        headers.add(name: "cache-control", value: "no-store")
        exchange.respond(HTTPResponse(status: status, headers: headers, body: body))
    }
}
