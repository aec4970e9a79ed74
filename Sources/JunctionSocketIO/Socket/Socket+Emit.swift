import JunctionTransport
import NIOCore
public import SocketIOProtocol

extension Socket {
    /// Sends an event to the client, with any number of Codable arguments; `Data` and `ByteBuffer` at any depth travel as
    /// binary.
    ///
    /// Events arrive in the order in which they were sent. What cannot be encoded is logged and not sent.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        emit(event, repeat each arguments, flags: [])
    }

    /// Sends an event with dynamic arguments.
    public func emit(_ event: String, arguments: [SocketIOValue]) {
        if namespace.recovers { return emit(EventPacket(name: event, arguments: arguments), flags: []) }
        send(flags: []) { buffer in
            try SocketIOPacketEncoder.encodeEvent(event, arguments: arguments, namespace: namespace.name, into: &buffer)
        }
    }

    /// For events that are worthless when late: one sent through this is dropped when it cannot leave at once, because the
    /// client is behind or between two polls.
    ///
    /// ```swift
    /// socket.volatile.emit("position", x, y)
    /// ```
    public var volatile: VolatileEmitter { VolatileEmitter(socket: self) }

    /// Sends an event and suspends until the client acknowledges it; waits as long as the client is connected.
    ///
    /// ```swift
    /// let answer: String = try await socket.emitWithAck("question", "tea or coffee?")
    /// ```
    ///
    /// - Throws: ``SocketIOError`` `.disconnected`; `CancellationError` when the task is cancelled; `DecodingError` when the
    ///   answer is of another type.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> Reply {
        try await emitWithAck(event, repeat each arguments, timeout: nil)
    }

    /// Gives acknowledgements a time limit.
    ///
    /// ```swift
    /// let answer: String = try await socket.timeout(.seconds(5)).emitWithAck("question")
    /// ```
    public func timeout(_ duration: Duration) -> TimedEmitter { TimedEmitter(socket: self, timeout: duration) }

    func emit<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, flags: EmitFlags
    ) {
        if namespace.recovers { return emit(EventPacket(event, repeat each arguments), flags: flags) }
        send(flags: flags) { buffer in
            try SocketIOPacketEncoder.encodeEvent(
                event, repeat each arguments, namespace: namespace.name, into: &buffer)
        }
    }

    /// The adapter keeps the event before it delivers it.
    private func emit(_ packet: EventPacket, flags: EmitFlags) {
        if let journal = namespace.local.recovery { return journal.emit(packet, to: self, flags: flags) }
        namespace.adapter.broadcast(packet, to: Audience(rooms: [id]), flags: flags)
    }

    func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, timeout: Duration?
    ) async throws -> Reply {
        // Only on the socket's loop, where the call and its cancellation arrive in either order.
        let call = NIOLoopBoundBox.makeBoxSendingValue(AckCall.new, eventLoop: executor.eventLoop)
        var answer: EventArguments = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ask: @Sendable () -> Void = {
                    guard let core = self.core else { return continuation.resume(throwing: SocketIOError.disconnected) }
                    if case .cancelled = call.value { return continuation.resume(throwing: CancellationError()) }
                    let id = core.sendExpectingAck(
                        timeout: timeout.map(TimeAmount.init), resume: { continuation.resume(with: $0) }
                    ) {
                        try SocketIOPacketEncoder.encodeEvent(
                            event, repeat each arguments, namespace: self.namespace.name, id: $1, into: &$0)
                    }
                    if let id { call.value = .waiting(id) }
                }
                if let journal = namespace.local.recovery {
                    journal.run(on: executor, ask)
                } else {
                    executor.execute(ask)
                }
            }
        } onCancel: {
            executor.execute {
                if case .waiting(let id) = call.value { self.core?.cancelAck(id) }
                call.value = .cancelled
            }
        }
        return try answer.next()
    }

    /// Sends a packet that `encode` writes and whose attachments it returns: on the socket's loop straight into the output,
    /// elsewhere encoded on the caller's thread.
    func send(flags: EmitFlags, _ encode: (inout ByteBuffer) throws -> [ByteBuffer]) {
        if executor.eventLoop.inEventLoop, namespace.local.recovery?.mustWait != true {
            core?.send(flags: flags, encode)
            return
        }
        do {
            var buffer = ByteBuffer()
            let attachments = try encode(&buffer)
            let message = EncodedMessage(text: buffer, attachments: attachments)
            inOrder { $0.send(message, flags: flags) }
        } catch {
            logUnsent(error)
        }
    }
}

/// How far a call that waits for an acknowledgement has come.
private enum AckCall {
    case new
    case waiting(UInt64)
    case cancelled
}

/// Sends events that may be dropped.
public struct VolatileEmitter: Sendable {
    let socket: Socket

    /// Sends an event, or drops it when it cannot leave at once.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        socket.emit(event, repeat each arguments, flags: .volatile)
    }
}

/// Sends events whose acknowledgement has a time limit.
public struct TimedEmitter: Sendable {
    let socket: Socket
    let timeout: Duration

    /// Sends an event and suspends until the client acknowledges it.
    ///
    /// - Throws: ``SocketIOError`` `.timeout` or `.disconnected`; `DecodingError` when the answer is of another type.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> Reply {
        try await socket.emitWithAck(event, repeat each arguments, timeout: timeout)
    }
}
