import JunctionTransport
import NIOCore
public import SocketIOProtocol

/// Sends events to one client with flags, which combine in any order.
///
/// ```swift
/// socket.timeout(.seconds(5)).compress(false).emit("photo", jpeg) { (answer: Result<String, SocketIOError>) in … }
/// socket.volatile.to("game").emit("position", x, y)
/// ```
public struct Emitter: Sendable {
    let socket: Socket
    private var flags: EmitFlags = []
    private var timeout: Duration?
    /// See ``keepingLatest(_:)``.
    var latestKey: String?

    init(socket: Socket) { self.socket = socket }

    // MARK: Flags

    /// Drops the event when it cannot leave at once; see ``Socket/volatile``.
    public var volatile: Emitter { with { $0.flags.insert(.volatile) } }

    /// Whether the transport may compress the event; see ``Socket/compress(_:)``.
    public func compress(_ compress: Bool) -> Emitter {
        with { if compress { $0.flags.remove(.uncompressed) } else { $0.flags.insert(.uncompressed) } }
    }

    /// Gives the acknowledgement a time limit.
    public func timeout(_ duration: Duration) -> Emitter { with { $0.timeout = duration } }

    private func with(_ change: (inout Emitter) -> Void) -> Emitter {
        var copy = self
        change(&copy)
        return copy
    }

    // MARK: Sending

    /// Sends an event; see `Socket.emit`.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        if latestKey != nil { return emitLatest(EventPacket(event, repeat each arguments), flags) }
        socket.emit(event, repeat each arguments, flags: flags)
    }

    /// Sends an event with dynamic arguments.
    public func emit(_ event: String, arguments: [SocketIOValue]) {
        if latestKey != nil { return emitLatest(EventPacket(name: event, arguments: arguments), flags) }
        if socket.namespace.recovers {
            return socket.emit(EventPacket(name: event, arguments: arguments), flags: flags)
        }
        socket.send(flags: flags) { parser, buffer in
            try parser.encodeEvent(event, arguments: arguments, namespace: socket.namespace.name, into: &buffer)
        }
    }

    /// Sends an event of the name `message`.
    public func send<each Argument: Encodable & Sendable>(_ arguments: repeat each Argument) {
        emit("message", repeat each arguments)
    }

    // MARK: With acknowledgement

    /// Sends an event and calls `ack` once, on the socket's event loop, with the client's acknowledgement.
    ///
    /// ```swift
    /// socket.timeout(.seconds(5)).emit("question", 7) { (answer: Result<String, SocketIOError>) in
    ///     if case .success(let text) = answer { print(text) }
    /// }
    /// ```
    ///
    /// Of several values that the client acknowledges with, those beyond the ones asked for are ignored. It fails with a
    /// ``SocketIOError``: `timeout`, `disconnected`, `dropped` (a volatile event), `invalidAnswer`, `notEncodable`,
    /// `reservedEvent`, `tooManyPendingAcks`. An answer that comes later is ignored.
    public func emit<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        ack: @escaping @Sendable (Result<Reply, SocketIOError>) -> Void
    ) {
        call(event, repeat each arguments) { result in
            ack(result.decoded { try $0.next() })
        }
    }

    /// Sends an event and calls `ack` once with the several values of the client's acknowledgement, or none.
    ///
    /// ```swift
    /// socket.emit("divide", 17, 5) { (answer: Result<(Int, Int), SocketIOError>) in … }
    /// ```
    @_disfavoredOverload
    public func emit<each Argument: Encodable & Sendable, each Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        ack: @escaping @Sendable (Result<(repeat each Reply), SocketIOError>) -> Void
    ) {
        call(event, repeat each arguments) { result in
            ack(result.decoded { try $0.decode(repeat (each Reply).self) })
        }
    }

    /// Sends an event and suspends until the client acknowledges it.
    ///
    /// - Throws: ``SocketIOError``, as `emit` with `ack` fails with it; `CancellationError` when the task is cancelled.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> Reply {
        try await answer(to: event, repeat each arguments).decoded { try $0.next() }.get()
    }

    /// Sends an event and suspends until the client acknowledges it with several values.
    @_disfavoredOverload
    public func emitWithAck<each Argument: Encodable & Sendable, each Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> (repeat each Reply) {
        try await answer(to: event, repeat each arguments).decoded { try $0.decode(repeat (each Reply).self) }.get()
    }

    /// Sends an event and suspends until the client acknowledges it, with whatever.
    @_disfavoredOverload
    public func emitWithAck<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws {
        _ = try await answer(to: event, repeat each arguments).get()
    }

    private func call<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        answer: @escaping @Sendable (Result<EventArguments, SocketIOError>) -> Void
    ) {
        socket.executeInOrder {
            guard let core = socket.core else { return answer(.failure(.disconnected)) }
            _ = core.sendExpectingAck(event, flags: flags, timeout: timeout.map(TimeAmount.init), resume: answer) {
                try $0.encodeEvent(event, repeat each arguments, namespace: socket.namespace.name, id: $2, into: &$1)
            }
        }
    }

    private func answer<each Argument: Encodable & Sendable>(
        to event: String, _ arguments: repeat each Argument
    ) async throws -> Result<EventArguments, SocketIOError> {
        // Only on the socket's loop, where the call and its cancellation arrive in either order.
        let call = NIOLoopBoundBox.makeBoxSendingValue(AckCall.new, eventLoop: socket.executor.eventLoop)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                socket.executeInOrder {
                    guard let core = socket.core else { return continuation.resume(returning: .failure(.disconnected)) }
                    if case .cancelled = call.value { return continuation.resume(throwing: CancellationError()) }
                    let id = core.sendExpectingAck(
                        event, flags: flags, timeout: timeout.map(TimeAmount.init),
                        resume: { result in
                            if case .cancelled = call.value {
                                continuation.resume(throwing: CancellationError())
                            } else {
                                continuation.resume(returning: result)
                            }
                        }
                    ) {
                        try $0.encodeEvent(
                            event, repeat each arguments, namespace: socket.namespace.name, id: $2, into: &$1)
                    }
                    if let id { call.value = .waiting(id) }
                }
            }
        } onCancel: {
            socket.executor.execute {
                let state = call.value
                call.value = .cancelled
                if case .waiting(let id) = state { socket.core?.cancelAck(id) }
            }
        }
    }
}

extension Emitter: AudienceChoosing {
    /// Everybody else in the namespace, with these flags.
    public var broadcast: BroadcastOperator {
        var broadcast = BroadcastOperator(namespace: socket.namespace, sender: socket, flags: flags)
        broadcast.timeout = timeout
        broadcast.latestKey = latestKey
        return broadcast
    }
}

/// How far a call that waits for an acknowledgement has come.
private enum AckCall {
    case new
    case waiting(UInt64)
    case cancelled
}

extension Result where Success == EventArguments, Failure == SocketIOError {
    fileprivate func decoded<Reply>(
        _ decode: (inout EventArguments) throws -> Reply
    ) -> Result<Reply, SocketIOError> {
        flatMap { arguments in
            var arguments = arguments
            do { return .success(try decode(&arguments)) } catch { return .failure(.invalidAnswer(error)) }
        }
    }
}
