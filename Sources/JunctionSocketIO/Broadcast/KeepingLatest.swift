extension Broadcasting {
    /// For values of which only the newest counts, such as a price or a position: while a client is behind, an event sent through
    /// this takes the place of the one before with the same key that still waits for it.
    ///
    /// ```swift
    /// io.to("traders").keepingLatest("KRW").emit("price", "KRW", 1234.5)
    /// ```
    /// What waits for a client keeps its order: the newer event stands where it was sent. One that is replaced counts in
    /// ``EngineIOServer/droppedMessages``. Clients that are not behind get every event. It works with every
    /// ``SlowConsumerPolicy``; an event that is to be acknowledged is always sent.
    ///
    /// - Parameter key: what the events have in common; one for all namespaces of a client's connection.
    public func keepingLatest(_ key: String) -> BroadcastOperator {
        broadcast.with { $0.latestKey = key }
    }
}

extension Emitter {
    /// For values of which only the newest counts; see ``Broadcasting/keepingLatest(_:)``.
    public func keepingLatest(_ key: String) -> Emitter {
        var copy = self
        copy.latestKey = key
        return copy
    }

    /// Sends an event that later ones may replace.
    func emitLatest(_ packet: EventPacket, _ flags: EmitFlags) {
        var packet = packet
        packet.latestKey = latestKey
        socket.emit(packet, flags: flags.union(.local))
    }
}

extension Socket {
    /// For values of which only the newest counts; see ``Broadcasting/keepingLatest(_:)``.
    ///
    /// ```swift
    /// socket.keepingLatest("position").emit("position", x, y)
    /// ```
    public func keepingLatest(_ key: String) -> Emitter { Emitter(socket: self).keepingLatest(key) }
}
