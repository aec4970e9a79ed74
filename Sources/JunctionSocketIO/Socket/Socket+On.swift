import SocketIOProtocol

extension Socket {
    /// Calls `handler` for each event of that name, with its arguments decoded; arguments that the handler does not take are
    /// ignored, as in JavaScript, and missing ones are `nil` where they are optional.
    ///
    /// ```swift
    /// socket.on("message") { (text: String) in socket.emit("message", text) }
    /// ```
    ///
    /// A handler that is not `async` is called on the socket's event loop and must not block. One that is runs in a task on
    /// that loop, and the socket's next event waits for it: events are handled strictly in their order, one after another,
    /// and the handlers of one event in the order in which they were added. When the client asked for an acknowledgement it
    /// gets an empty one behind the handler. A thrown error, or arguments of another type, end that call alone:
    /// ``SocketIOServer/onError(_:)`` says what follows.
    ///
    /// A name that has a meaning of its own (`connect`, `connect_error`, `disconnect`, `disconnecting`, `newListener`,
    /// `removeListener`) is refused, which is logged: no client can send it. See `onDisconnect`.
    ///
    /// - Returns: what ``off(_:)-(EventListener)`` takes.
    @discardableResult
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Void
    ) -> EventListener {
        add(event, .inlineVoid(handler))
    }

    /// Calls `handler` for each event of that name; the value that it returns is the acknowledgement.
    ///
    /// ```swift
    /// socket.on("sum") { (a: Int, b: Int) in a + b }
    /// ```
    @discardableResult
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Reply
    ) -> EventListener {
        add(event, .inlineReply(handler))
    }

    /// Calls `handler` for each event of that name; the values of the tuple that it returns are the acknowledgement.
    ///
    /// ```swift
    /// socket.on("divide") { (a: Int, b: Int) in (a / b, a % b) }     // (quotient, remainder) => … at the client
    /// ```
    @discardableResult
    public func on<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> (repeat each Reply)
    ) -> EventListener {
        add(event, .inlineReplies(handler))
    }

    /// Calls `handler` for each event of that name, in the socket's task.
    @discardableResult @_disfavoredOverload
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) -> EventListener {
        add(event, .asyncVoid(handler))
    }

    /// Calls `handler` for each event of that name, in the socket's task; the value that it returns is the acknowledgement.
    @discardableResult @_disfavoredOverload
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) -> EventListener {
        add(event, .asyncReply(handler))
    }

    /// Calls `handler` for each event of that name, in the socket's task; the values of the tuple that it returns are the
    /// acknowledgement.
    @discardableResult @_disfavoredOverload
    public func on<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> (repeat each Reply)
    ) -> EventListener {
        add(event, .asyncReplies(handler))
    }

    /// Calls `handler` for each event of that name as it came; it acknowledges itself.
    @discardableResult
    public func on(_ event: String, _ handler: @escaping @Sendable (IncomingEvent) throws -> Void) -> EventListener {
        add(event, .inline(handler))
    }

    /// Calls `handler` for each event of that name as it came, in the socket's task; it acknowledges itself.
    @discardableResult @_disfavoredOverload
    public func on(
        _ event: String, _ handler: @escaping @Sendable (IncomingEvent) async throws -> Void
    ) -> EventListener {
        add(event, .asynchronous(handler))
    }
}
