import JunctionTransport

extension Socket {
    /// Calls `handler` when the socket is about to leave: it is still in its rooms, which the handler gets, its own among
    /// them. Called at once on the socket's event loop, also while an asynchronous handler of an earlier event is at work;
    /// it must not block.
    ///
    /// ```swift
    /// socket.onDisconnecting { reason, rooms in
    ///     for room in rooms { socket.to(room).emit("left", socket.id) }
    /// }
    /// ```
    ///
    /// - Returns: what ``off(_:)-(EventListener)`` takes.
    @discardableResult
    public func onDisconnecting(
        _ handler: @escaping @Sendable (_ reason: DisconnectReason, _ rooms: Set<String>) -> Void
    ) -> EventListener {
        let entry = ListenerList.Entry(listener: EventListener(.disconnecting), handler: handler)
        withCore { $0.onDisconnecting.append(entry) }
        return entry.listener
    }

    /// Calls `handler` once when the socket is no longer connected and has left its rooms, behind the events that came
    /// before.
    ///
    /// - Returns: what ``off(_:)-(EventListener)`` takes.
    @discardableResult
    public func onDisconnect(_ handler: @escaping @Sendable (DisconnectReason) -> Void) -> EventListener {
        addOnDisconnect(.inline(handler))
    }

    /// Calls `handler` once when the socket is no longer connected, in the socket's task, behind the events that came
    /// before.
    @discardableResult @_disfavoredOverload
    public func onDisconnect(_ handler: @escaping @Sendable (DisconnectReason) async -> Void) -> EventListener {
        addOnDisconnect(.asynchronous(handler))
    }

    private func addOnDisconnect(_ handler: DisconnectHandler) -> EventListener {
        let entry = ListenerList.Entry(listener: EventListener(.disconnect), handler: handler)
        withCore { $0.onDisconnect.append(entry) }
        return entry.listener
    }

    /// Takes the socket out of all rooms but its own.
    public func leaveAll() {
        inOrder { core in
            for room in core.membership.rooms.keys { core.socket.namespace.local.leave(core, room) }
        }
    }

    /// Disconnects the socket from its namespace. Events of the client that no handler has seen yet are dropped.
    ///
    /// - Parameter close: closes the connection under it, and with it the client's sockets in other namespaces.
    public func disconnect(close: Bool = false) {
        inOrder { $0.disconnect(close: close) }
    }
}

/// What is called when a socket is no longer connected.
enum DisconnectHandler: Sendable {
    case inline(@Sendable (DisconnectReason) -> Void)
    case asynchronous(@Sendable (DisconnectReason) async -> Void)

    var isInline: Bool {
        if case .inline = self { true } else { false }
    }
}
