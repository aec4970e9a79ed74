import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOHTTP1

/// Applies ``CORS`` to requests (Fetch standard, "CORS protocol").
struct OriginPolicy {
    private let cors: CORS
    private let exposedHeaders: String?
    private let methods: String
    private let allowedHeaders: String?
    private let maxAge: String?

    init(cors: CORS) {
        self.cors = cors
        self.exposedHeaders = cors.exposedHeaders.isEmpty ? nil : cors.exposedHeaders.joined(separator: ",")
        self.methods = cors.methods.joined(separator: ",")
        self.allowedHeaders = cors.allowedHeaders?.joined(separator: ",")
        self.maxAge = cors.maxAge.map { String($0.components.seconds) }
    }

    /// What the policy says of a request.
    enum Verdict {
        /// Go on, and add these fields to every answer.
        case allow(HTTPHeaders)
        /// Not from this origin.
        case deny(origin: String)
    }

    func check(_ request: HTTPRequest) -> Verdict {
        guard let origin = request.origin else { return .allow([:]) }
        switch cors.origins {
        case .any where !cors.credentials: return .allow(permission("*"))
        case .any: return .allow(permission(of: origin))
        case .list(let origins) where origins.contains(origin): return .allow(permission(of: origin))
        case .matching(let isAllowed) where isAllowed(origin): return .allow(permission(of: origin))
        case .list, .matching, .sameOrigin:
            // Same-origin requests need no permission from the server.
            let host = request.head.headers.first(name: "host")
            return WebSocketServer.sameOrigin(origin, host) ? .allow([:]) : .deny(origin: origin)
        }
    }

    /// Every origin is allowed.
    var namesAll: Bool { if case .any = cors.origins { true } else { false } }

    /// An origin other than the server's own is allowed by name.
    func names(_ origin: String) -> Bool {
        switch cors.origins {
        case .list(let origins): origins.contains(origin)
        case .matching(let isAllowed): isAllowed(origin)
        case .any, .sameOrigin: false
        }
    }

    private func permission(of origin: String) -> HTTPHeaders {
        var fields = permission(origin)
        fields.add(name: "vary", value: "Origin")
        return fields
    }

    private func permission(_ allowed: String) -> HTTPHeaders {
        var fields: HTTPHeaders = ["access-control-allow-origin": allowed]
        if cors.credentials { fields.add(name: "access-control-allow-credentials", value: "true") }
        if let exposedHeaders { fields.add(name: "access-control-expose-headers", value: exposedHeaders) }
        return fields
    }

    /// The answer to a preflight request (OPTIONS).
    func preflight(_ request: HTTPRequest, allowed: HTTPHeaders) -> HTTPResponse {
        guard !allowed.isEmpty else { return HTTPResponse(status: .noContent) }
        var fields = allowed
        fields.add(name: "access-control-allow-methods", value: methods)
        if let allowedHeaders {
            fields.add(name: "access-control-allow-headers", value: allowedHeaders)
        } else if let wanted = request.head.headers.first(name: "access-control-request-headers") {
            fields.add(name: "access-control-allow-headers", value: wanted)
            fields.add(name: "vary", value: "Access-Control-Request-Headers")
        }
        if let maxAge { fields.add(name: "access-control-max-age", value: maxAge) }
        return HTTPResponse(status: HTTPResponseStatus(statusCode: cors.optionsSuccessStatus), headers: fields)
    }
}
