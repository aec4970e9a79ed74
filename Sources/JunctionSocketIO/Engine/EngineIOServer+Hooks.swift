import EngineIOProtocol
import JunctionTransport
import Logging
import NIOCore
import NIOHTTP1

/// What an application may add to the way of a request. Add it before the server runs; what is added later concerns requests
/// that come later. What is not added costs nothing.
extension EngineIOServer {
    /// Looks at each request before the server does, and at the answer that it will get.
    public typealias Middleware = @Sendable (RequestInfo, inout EngineResponse) async throws -> Void
    /// Looks at the header fields of an answer. Called on an event loop; it must not block.
    public typealias HeadersHandler = @Sendable (_ headers: inout ResponseHeaders, _ request: RequestInfo) -> Void
    /// Learns of a request that was refused. Called on an event loop; it must not block.
    public typealias ConnectionErrorHandler = @Sendable (EngineConnectionError) -> Void

    /// Calls `middleware` for every HTTP request (handshake, poll, payload, upgrade) that the origin check lets through, in the
    /// order of registration. It can add header fields, end the request with a status of its own, or throw: then the request is
    /// refused with code 3, and `connection_error` has the context `MIDDLEWARE_FAILURE`. It runs in a task on the connection's
    /// event loop, which is cancelled when the client goes away; the request waits for it.
    ///
    /// ```swift
    /// io.engine.use { request, response in
    ///     response.headers["x-content-type-options"] = "nosniff"
    ///     if request.header("x-api-key") != key { response.end(status: 401) }
    /// }
    /// ```
    public func use(_ middleware: @escaping Middleware) { hooks.add(middleware: [middleware]) }

    /// Calls `handler` for the answer that opens a session, by polling or by WebSocket, once in its life.
    public func onInitialHeaders(_ handler: @escaping HeadersHandler) { hooks.add(initialHeaders: [handler]) }

    /// Calls `handler` for the answer to every request of a session: handshake, polls, payloads and upgrade. For the one that
    /// opens it, ``onInitialHeaders(_:)`` comes first. Refusals are not among them.
    public func onHeaders(_ handler: @escaping HeadersHandler) { hooks.add(headers: [handler]) }

    /// Calls `handler` for every request that is refused, with the reference's code, words and context.
    ///
    /// ```swift
    /// io.engine.onConnectionError { error in
    ///     print(error.code, error.message, error.context, error.request.address)
    /// }
    /// ```
    public func onConnectionError(_ handler: @escaping ConnectionErrorHandler) {
        hooks.add(connectionErrors: [handler])
    }

    // MARK: Calling them

    /// Runs the middleware and then `next`, on the connection's loop, with the fields that every answer has from then on.
    func run(
        _ middleware: [Middleware], _ exchange: HTTPExchange, _ headers: HTTPHeaders,
        next: @escaping @Sendable (HTTPHeaders) -> Void
    ) {
        let info = RequestInfo(exchange.request)
        inTask(exchange) {
            var response = EngineResponse(headers: ResponseHeaders(headers))
            for middleware in middleware {
                do {
                    try await middleware(info, &response)
                } catch {
                    return self.refuse(
                        exchange, EngineRequestError(.badRequest, detail: "MIDDLEWARE_FAILURE"),
                        response.headers.fields, context: ["error": "\(error)"])
                }
                if let ending = response.ending {
                    return exchange.respond(
                        HTTPResponse(
                            status: HTTPResponseStatus(statusCode: ending.status), headers: response.headers.fields,
                            body: ByteBuffer(string: ending.body)))
                }
            }
            if exchange.isWaiting { next(response.headers.fields) }
        }
    }

    /// Asks ``EngineIOOptions/allowRequest``.
    func admit(_ info: RequestInfo) async throws(EngineRequestError) {
        guard let allowRequest = options.allowRequest else { return }
        do {
            guard case .refuse(let message) = try await allowRequest(info) else { return }
            throw EngineRequestError(.forbidden, message: message)
        } catch let error as EngineRequestError {
            throw error
        } catch {
            logger.warning("allowRequest failed", metadata: ["error": "\(error)"])
            throw EngineRequestError(.forbidden)
        }
    }

    /// Asks ``EngineIOOptions/generateId``.
    func makeID(_ info: RequestInfo) async throws(EngineRequestError) -> String {
        guard let generateId = options.generateId else { return SessionID.make() }
        do {
            let id = try await generateId(info)
            if !id.isEmpty { return id }
        } catch {
            logger.warning("generateId failed", metadata: ["error": "\(error)"])
        }
        throw EngineRequestError(.badRequest, detail: Self.idGenerationError)
    }

    static let idGenerationError = "ID_GENERATION_ERROR"

    /// Runs `body` in a task on the connection's loop, which is cancelled when the client goes away.
    func inTask(_ exchange: HTTPExchange, _ body: @escaping @Sendable () async -> Void) {
        let task = Task(executorPreference: exchange.executor) { await body() }
        exchange.onDisconnect { task.cancel() }
    }

    /// Tells the application of a refusal.
    func report(_ error: EngineRequestError, _ request: HTTPRequest, context: [String: String] = [:]) {
        logger.debug("request refused", metadata: ["error": "\(error)", "uri": "\(request.head.uri)"])
        guard let handlers = hooks.current?.connectionErrors, !handlers.isEmpty else { return }
        let report = EngineConnectionError(error, context: context, request: RequestInfo(request))
        for handler in handlers { handler(report) }
    }
}
