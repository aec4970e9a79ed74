import SocketIOProtocol

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

// Typed handlers: the arguments are decoded, what is returned is the acknowledgement. Those of inline handlers are decoded where
// the call takes them: a tuple of them would be copied.
extension EventHandler {
    static func inlineVoid<each Argument: Decodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) throws -> Void
    ) -> EventHandler {
        .inline { event in
            var place = event.arguments.cursor
            try handler(repeat try event.argument((each Argument).self, at: &place))
            event.acknowledge()
        }
    }

    static func inlineReply<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) throws -> Reply
    ) -> EventHandler {
        .inline { event in
            var place = event.arguments.cursor
            event.acknowledge(try handler(repeat try event.argument((each Argument).self, at: &place)))
        }
    }

    static func inlineReplies<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) throws -> (repeat each Reply)
    ) -> EventHandler {
        .inline { event in
            let arguments = try event.decode(repeat (each Argument).self)
            let replies = try handler(repeat each arguments)
            event.acknowledge(repeat each replies)
        }
    }

    static func asyncVoid<each Argument: Decodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) -> EventHandler {
        .asynchronous { event in
            let arguments = try event.decode(repeat (each Argument).self)
            try await handler(repeat each arguments)
            event.acknowledge()
        }
    }

    static func asyncReply<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) -> EventHandler {
        .asynchronous { event in
            let arguments = try event.decode(repeat (each Argument).self)
            event.acknowledge(try await handler(repeat each arguments))
        }
    }

    static func asyncReplies<each Argument: Decodable & Sendable, each Reply: Encodable & Sendable>(
        _ handler: @escaping @Sendable (repeat each Argument) async throws -> (repeat each Reply)
    ) -> EventHandler {
        .asynchronous { event in
            let arguments = try event.decode(repeat (each Argument).self)
            let replies = try await handler(repeat each arguments)
            event.acknowledge(repeat each replies)
        }
    }
}
