import EngineIOProtocol
import Synchronization

/// The answer to a request while middleware looks at it; see ``EngineIOServer/use(_:)``.
public struct EngineResponse: Sendable {
    /// Fields that the answer will have, whatever it is.
    public var headers: ResponseHeaders
    /// How the middleware ended the request, if it did.
    private(set) var ending: (status: Int, body: String)?

    init(headers: ResponseHeaders) { self.headers = headers }

    /// Answers the request with `status`: neither further middleware nor the server sees it.
    public mutating func end(status: Int, body: String = "") {
        ending = (status, body)
    }
}

/// Why a server refused a request; see ``EngineIOServer/onConnectionError(_:)``.
public struct EngineConnectionError: Sendable, CustomStringConvertible {
    /// 0 transport unknown, 1 session unknown, 2 bad handshake method, 3 bad request, 4 forbidden, 5 unsupported protocol
    /// version.
    public let code: Int
    /// The code in words: `Session ID unknown`.
    public let message: String
    /// What exactly was wrong, by the names that the JavaScript server gives it, such as `sid`, `transport`, `method`,
    /// `protocol`, `message` (an application's own words) and `name` (`TRANSPORT_MISMATCH`, `MIDDLEWARE_FAILURE` …).
    public let context: [String: String]
    /// The request that was refused.
    public let request: RequestInfo

    /// Code, words and context.
    public var description: String {
        let details = context.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        return "\(code): \(message)" + (details.isEmpty ? "" : " (\(details))")
    }

    init(_ error: EngineRequestError, context: [String: String], request: RequestInfo) {
        self.code = error.code.rawValue
        self.message = EngineRequestError(error.code).message
        self.context = context.merging(Self.context(of: error, request)) { given, _ in given }
        self.request = request
    }

    private static func context(of error: EngineRequestError, _ request: RequestInfo) -> [String: String] {
        switch error.code {
        case .unknownTransport: request.query("transport").map { ["transport": $0] } ?? [:]
        case .unknownSession: error.detail.map { ["sid": $0] } ?? [:]
        case .badHandshakeMethod: ["method": request.method]
        case .badRequest: error.detail.map { ["name": $0] } ?? [:]
        case .forbidden:
            error.detail.map { ["name": $0] }
                ?? (error == EngineRequestError(.forbidden) ? [:] : ["message": error.message])
        // Whatever is not revision 4 is taken for revision 3.
        case .unsupportedProtocolVersion: ["protocol": "3"]
        }
    }
}

/// What an application added to an Engine.IO server. Immutable: a request keeps to what there was when it came.
final class EngineHooks: Sendable {
    let middleware: [EngineIOServer.Middleware]
    let initialHeaders: [EngineIOServer.HeadersHandler]
    let headers: [EngineIOServer.HeadersHandler]
    let connectionErrors: [EngineIOServer.ConnectionErrorHandler]

    init(
        middleware: [EngineIOServer.Middleware] = [], initialHeaders: [EngineIOServer.HeadersHandler] = [],
        headers: [EngineIOServer.HeadersHandler] = [], connectionErrors: [EngineIOServer.ConnectionErrorHandler] = []
    ) {
        self.middleware = middleware
        self.initialHeaders = initialHeaders
        self.headers = headers
        self.connectionErrors = connectionErrors
    }

    /// Has the application look at the fields of an answer.
    func apply(to fields: inout ResponseHeaders, isInitial: Bool, _ request: @autoclosure () -> RequestInfo) {
        guard !headers.isEmpty || (isInitial && !initialHeaders.isEmpty) else { return }
        let request = request()
        if isInitial {
            for handler in initialHeaders { handler(&fields, request) }
        }
        for handler in headers { handler(&fields, request) }
    }
}

/// The hooks of a server, of which most have none: to ask costs a look at a flag then.
final class EngineHookTable: Sendable {
    private let isEmpty = Atomic(true)
    private let hooks = Mutex(EngineHooks())

    var current: EngineHooks? { isEmpty.load(ordering: .acquiring) ? nil : hooks.withLock { $0 } }

    func add(
        middleware: [EngineIOServer.Middleware] = [], initialHeaders: [EngineIOServer.HeadersHandler] = [],
        headers: [EngineIOServer.HeadersHandler] = [], connectionErrors: [EngineIOServer.ConnectionErrorHandler] = []
    ) {
        hooks.withLock { hooks in
            hooks = EngineHooks(
                middleware: hooks.middleware + middleware, initialHeaders: hooks.initialHeaders + initialHeaders,
                headers: hooks.headers + headers, connectionErrors: hooks.connectionErrors + connectionErrors)
        }
        isEmpty.store(false, ordering: .releasing)
    }
}
