/// What is called for an event.
enum EventHandler: Sendable {
    /// Called at once on the socket's event loop.
    case inline(@Sendable (IncomingEvent) throws -> Void)
    /// Called in the socket's task.
    case asynchronous(@Sendable (IncomingEvent) async throws -> Void)

    var isInline: Bool {
        if case .inline = self { true } else { false }
    }
}

extension Socket {
    /// Calls `handler` for each event of that name, with its arguments decoded; arguments that the handler does not take are
    /// ignored, as in JavaScript, and missing ones are `nil` where they are optional.
    ///
    /// ```swift
    /// socket.on("message") { (text: String) in socket.emit("message", text) }
    /// ```
    ///
    /// A handler that is not `async` is called on the socket's event loop and must not block. One that is runs in a task on
    /// that loop, and the socket's next event waits for it: events are handled strictly in their order. When the client asked
    /// for an acknowledgement it gets an empty one behind the handler. A thrown error ends that call alone and is logged.
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Void
    ) {
        add(
            event,
            .inline { event in
                let arguments = try event.arguments.decode(repeat (each Argument).self)
                try handler(repeat each arguments)
                event.acknowledge()
            })
    }

    /// Calls `handler` for each event of that name; the value that it returns is the acknowledgement.
    ///
    /// ```swift
    /// socket.on("sum") { (a: Int, b: Int) in a + b }
    /// ```
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) throws -> Reply
    ) {
        add(
            event,
            .inline { event in
                let arguments = try event.arguments.decode(repeat (each Argument).self)
                event.acknowledge(try handler(repeat each arguments))
            })
    }

    /// Calls `handler` for each event of that name, in the socket's task.
    @_disfavoredOverload
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) {
        add(
            event,
            .asynchronous { event in
                let arguments = try event.arguments.decode(repeat (each Argument).self)
                try await handler(repeat each arguments)
                event.acknowledge()
            })
    }

    /// Calls `handler` for each event of that name, in the socket's task; the value that it returns is the acknowledgement.
    @_disfavoredOverload
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) {
        add(
            event,
            .asynchronous { event in
                let arguments = try event.arguments.decode(repeat (each Argument).self)
                event.acknowledge(try await handler(repeat each arguments))
            })
    }

    /// Calls `handler` for each event of that name as it came; it acknowledges itself.
    public func on(_ event: String, _ handler: @escaping @Sendable (IncomingEvent) throws -> Void) {
        add(event, .inline(handler))
    }

    /// Calls `handler` for each event of that name as it came, in the socket's task; it acknowledges itself.
    @_disfavoredOverload
    public func on(_ event: String, _ handler: @escaping @Sendable (IncomingEvent) async throws -> Void) {
        add(event, .asynchronous(handler))
    }

    private func add(_ event: String, _ handler: EventHandler) {
        withCore { $0.handlers[event, default: []].append(handler) }
    }

    /// Calls `handler` once when the socket is no longer connected, behind the events that came before.
    public func onDisconnect(_ handler: @escaping @Sendable (DisconnectReason) -> Void) {
        withCore { $0.onDisconnect.append(handler) }
    }
}
