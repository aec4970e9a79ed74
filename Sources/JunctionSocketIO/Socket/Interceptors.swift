import SocketIOProtocol

/// What sees every event that comes before the event's own handlers do, whatever its name. A socket has none while nobody
/// asked for it.
struct Interceptors: Sendable {
    /// Looks at events and may change or refuse them.
    enum Middleware: Sendable {
        case inline(@Sendable (inout IncomingEvent) throws -> Void)
        case asynchronous(@Sendable (inout IncomingEvent) async throws -> Void)
    }

    var any = ListenerList<EventHandler>()
    var middleware: [Middleware] = []

    var isEmpty: Bool { any.isEmpty && middleware.isEmpty }

    /// All of them run at once on the loop.
    var isInline: Bool {
        any.entries.allSatisfy { $0.handler.isInline }
            && middleware.allSatisfy { if case .inline = $0 { true } else { false } }
    }
}

extension SocketCore {
    func changeInterceptors(_ body: (inout Interceptors) -> Void) {
        var changed = interceptors ?? Interceptors()
        body(&changed)
        interceptors = changed.isEmpty ? nil : changed
    }

    /// Shows the event to interceptors that all run at once; `nil` when one of them refused it.
    func intercept(_ event: IncomingEvent, by interceptors: Interceptors) -> IncomingEvent? {
        for entry in interceptors.any.entries {
            guard case .inline(let handler) = entry.handler else { continue }
            do { try handler(event) } catch { failed(event, error) }
        }
        var changed = event
        do {
            for case .inline(let middleware) in interceptors.middleware { try middleware(&changed) }
            return changed
        } catch {
            failed(event, error)
            return nil
        }
    }

    /// Shows the event to interceptors of which some are asynchronous; `nil` when one of them refused it.
    static func intercept(
        _ event: IncomingEvent, by interceptors: Interceptors, of socket: Socket
    ) async -> IncomingEvent? {
        for entry in interceptors.any.entries {
            do {
                switch entry.handler {
                case .inline(let handler): try handler(event)
                case .asynchronous(let handler): try await handler(event)
                }
            } catch {
                socket.core?.failed(event, error)
            }
        }
        var changed = event
        do {
            for middleware in interceptors.middleware {
                switch middleware {
                case .inline(let middleware): try middleware(&changed)
                case .asynchronous(let middleware): try await middleware(&changed)
                }
            }
            return changed
        } catch {
            socket.core?.failed(event, error)
            return nil
        }
    }
}

extension Socket {
    /// Calls `middleware` for each event of the client, in the order of registration, behind the catch-all handlers and
    /// before the event's own. It sees the event and may change it; when it returns, the next one has its turn.
    ///
    /// ```swift
    /// socket.use { event in
    ///     guard allowed.contains(event.name) else { throw EventError("forbidden", "not for you") }
    /// }
    /// ```
    ///
    /// A thrown error ends the event there; ``SocketIOServer/onError(_:)`` says what follows. It runs on the socket's event
    /// loop and must not block.
    public func use(_ middleware: @escaping @Sendable (inout IncomingEvent) throws -> Void) {
        withCore { core in core.changeInterceptors { $0.middleware.append(.inline(middleware)) } }
    }

    /// Calls `middleware` for each event of the client, in the socket's task; later events wait for it.
    @_disfavoredOverload
    public func use(_ middleware: @escaping @Sendable (inout IncomingEvent) async throws -> Void) {
        withCore { core in core.changeInterceptors { $0.middleware.append(.asynchronous(middleware)) } }
    }
}
