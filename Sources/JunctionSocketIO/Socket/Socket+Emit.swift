import JunctionTransport
import NIOCore
public import SocketIOProtocol

extension Socket {
    /// Sends an event to the client, with any number of Codable arguments; `Data` and `ByteBuffer` at any depth travel as
    /// binary.
    ///
    /// Events arrive in the order in which they were sent. What cannot be encoded is logged and not sent, and so is an event
    /// whose name has a meaning of its own (`connect`, `connect_error`, `disconnect`, `disconnecting`, `newListener`,
    /// `removeListener`).
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        guard executor.eventLoop.inEventLoop, namespace.parser.isDefault, !namespace.recovers, let core,
            core.writesDirectly
        else { return emit(event, repeat each arguments, flags: []) }
        // The usual case, without a closure around the encoding: it would copy the arguments.
        guard var message = core.beginEvent() else { return }
        do {
            var payload = try PayloadWriter(event: event, namespace: namespace.name, into: &message.output)
            repeat try payload.write(each arguments, into: &message.output)
            core.finish(&message, payload)
        } catch {
            core.cancel(&message)
            logUnsent(error)
        }
    }

    /// Sends an event with dynamic arguments.
    public func emit(_ event: String, arguments: [SocketIOValue]) {
        if namespace.recovers { return emit(EventPacket(name: event, arguments: arguments), flags: []) }
        send(flags: []) { parser, buffer in
            try parser.encodeEvent(event, arguments: arguments, namespace: namespace.name, into: &buffer)
        }
    }

    /// Sends an event and hands over the client's acknowledgement; ``Emitter`` says how it can fail.
    ///
    /// ```swift
    /// socket.emit("question", "tea or coffee?") { (answer: Result<String, SocketIOError>) in … }
    /// ```
    public func emit<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        ack: @escaping @Sendable (Result<Reply, SocketIOError>) -> Void
    ) {
        Emitter(socket: self).emit(event, repeat each arguments, ack: ack)
    }

    /// Sends an event and hands over the several values of the client's acknowledgement, or none.
    @_disfavoredOverload
    public func emit<each Argument: Encodable & Sendable, each Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        ack: @escaping @Sendable (Result<(repeat each Reply), SocketIOError>) -> Void
    ) {
        Emitter(socket: self).emit(event, repeat each arguments, ack: ack)
    }

    /// Sends an event and suspends until the client acknowledges it; waits as long as the client is connected.
    ///
    /// ```swift
    /// let answer: String = try await socket.emitWithAck("question", "tea or coffee?")
    /// ```
    ///
    /// - Throws: ``SocketIOError``, as ``Emitter`` says; `CancellationError` when the task is cancelled.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> Reply {
        try await Emitter(socket: self).emitWithAck(event, repeat each arguments)
    }

    /// Sends an event and suspends until the client acknowledges it with several values.
    ///
    /// ```swift
    /// let (quotient, remainder): (Int, Int) = try await socket.emitWithAck("divide", 17, 5)
    /// ```
    @_disfavoredOverload
    public func emitWithAck<each Argument: Encodable & Sendable, each Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> (repeat each Reply) {
        try await Emitter(socket: self).emitWithAck(event, repeat each arguments)
    }

    /// Sends an event and suspends until the client acknowledges it, with whatever.
    @_disfavoredOverload
    public func emitWithAck<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws {
        try await Emitter(socket: self).emitWithAck(event, repeat each arguments)
    }

    /// Sends an event of the name `message`.
    public func send<each Argument: Encodable & Sendable>(_ arguments: repeat each Argument) {
        emit("message", repeat each arguments, flags: [])
    }

    // MARK: Flags

    /// For events that are worthless when late: one sent through this is dropped when it cannot leave at once, because the
    /// client is behind or between two polls.
    ///
    /// ```swift
    /// socket.volatile.emit("position", x, y)
    /// ```
    public var volatile: Emitter { Emitter(socket: self).volatile }

    /// Whether the transport may compress what is sent through this; it may unless told otherwise.
    ///
    /// ```swift
    /// socket.compress(false).emit("photo", jpeg)     // it would only cost time
    /// ```
    public func compress(_ compress: Bool) -> Emitter { Emitter(socket: self).compress(compress) }

    /// Gives acknowledgements a time limit.
    ///
    /// ```swift
    /// let answer: String = try await socket.timeout(.seconds(5)).emitWithAck("question")
    /// ```
    public func timeout(_ duration: Duration) -> Emitter { Emitter(socket: self).timeout(duration) }

    // MARK: Encoding

    func emit<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, flags: EmitFlags
    ) {
        if namespace.recovers { return emit(EventPacket(event, repeat each arguments), flags: flags) }
        send(flags: flags) { parser, buffer in
            try parser.encodeEvent(event, repeat each arguments, namespace: namespace.name, into: &buffer)
        }
    }

    /// The adapter keeps the event before it delivers it.
    func emit(_ packet: EventPacket, flags: EmitFlags) {
        if let journal = namespace.local.recovery { return journal.emit(packet, to: self, flags: flags) }
        namespace.adapter.broadcast(packet, to: Audience(rooms: [id]), flags: flags)
    }

    /// Sends a packet that `encode` writes: on the socket's loop straight into the output,
    /// elsewhere encoded on the caller's thread.
    func send(flags: EmitFlags, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket) {
        if executor.eventLoop.inEventLoop, namespace.local.recovery?.mustWait != true {
            core?.send(flags: flags, encode)
            return
        }
        do {
            let message = try EncodedMessage(namespace.parser, encode)
            inOrder { $0.send(message, flags: flags) }
        } catch {
            logUnsent(error)
        }
    }
}
