import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOHTTP1

/// Applies ``CORS`` to requests (Fetch standard, "CORS protocol").
struct OriginPolicy {
    let cors: CORS

    /// What the policy says of a request.
    enum Verdict {
        /// Go on, and add these fields to every answer.
        case allow(HTTPHeaders)
        /// Not from this origin.
        case deny
    }

    func check(_ request: HTTPRequest) -> Verdict {
        let headers = request.head.headers
        guard let origin = headers.first(name: "origin") else { return .allow([:]) }
        var fields: HTTPHeaders = [:]
        switch cors.origins {
        case .any:
            fields.add(name: "access-control-allow-origin", value: "*")
        case .list(let origins) where origins.contains(origin):
            fields.add(name: "access-control-allow-origin", value: origin)
            fields.add(name: "vary", value: "Origin")
        case .list, .sameOrigin:
            // Same-origin requests need no permission from the server.
            return WebSocketServer.sameOrigin(origin, headers.first(name: "host")) ? .allow([:]) : .deny
        }
        if cors.credentials { fields.add(name: "access-control-allow-credentials", value: "true") }
        return .allow(fields)
    }

    /// The answer to a preflight request (OPTIONS).
    func preflight(_ request: HTTPRequest, allowed: HTTPHeaders) -> HTTPResponse {
        var fields = allowed
        if !allowed.isEmpty {
            fields.add(name: "access-control-allow-methods", value: "GET,POST")
            if let wanted = request.head.headers.first(name: "access-control-request-headers") {
                fields.add(name: "access-control-allow-headers", value: wanted)
                fields.add(name: "vary", value: "Access-Control-Request-Headers")
            }
        }
        return HTTPResponse(status: .noContent, headers: fields)
    }
}
