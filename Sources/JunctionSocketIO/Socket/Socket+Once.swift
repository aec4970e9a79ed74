import SocketIOProtocol

extension Socket {
    /// Calls `handler` for the next event of that name alone, as
    /// `on` does for each.
    ///
    /// ```swift
    /// socket.once("ready") { () in socket.join("game") }
    /// ```
    ///
    /// It is spent when it has been called, also when the event's arguments were of another type.
    ///
    /// - Returns: what ``off(_:)-(EventListener)`` takes.
    @discardableResult
    public func once<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Void
    ) -> EventListener {
        add(event, once: true, .inlineVoid(handler))
    }

    /// Calls `handler` for the next event of that name; the value that it returns is the acknowledgement.
    @discardableResult
    public func once<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Reply
    ) -> EventListener {
        add(event, once: true, .inlineReply(handler))
    }

    /// Calls `handler` for the next event of that name; the values of the tuple that it returns are the acknowledgement.
    @discardableResult
    public func once<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> (repeat each Reply)
    ) -> EventListener {
        add(event, once: true, .inlineReplies(handler))
    }

    /// Calls `handler` for the next event of that name, in the socket's task.
    @discardableResult @_disfavoredOverload
    public func once<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) -> EventListener {
        add(event, once: true, .asyncVoid(handler))
    }

    /// Calls `handler` for the next event of that name, in the socket's task; the value that it returns is the acknowledgement.
    @discardableResult @_disfavoredOverload
    public func once<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) -> EventListener {
        add(event, once: true, .asyncReply(handler))
    }

    /// Calls `handler` for the next event of that name, in the socket's task; the values of the tuple that it returns are the
    /// acknowledgement.
    @discardableResult @_disfavoredOverload
    public func once<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> (repeat each Reply)
    ) -> EventListener {
        add(event, once: true, .asyncReplies(handler))
    }

    /// Calls `handler` for the next event of that name as it came; it acknowledges itself.
    @discardableResult
    public func once(_ event: String, _ handler: @escaping @Sendable (IncomingEvent) throws -> Void) -> EventListener {
        add(event, once: true, .inline(handler))
    }

    /// Calls `handler` for the next event of that name as it came, in the socket's task; it acknowledges itself.
    @discardableResult @_disfavoredOverload
    public func once(
        _ event: String, _ handler: @escaping @Sendable (IncomingEvent) async throws -> Void
    ) -> EventListener {
        add(event, once: true, .asynchronous(handler))
    }
}
