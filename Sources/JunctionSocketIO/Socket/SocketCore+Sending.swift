import JunctionTransport
import NIOCore
import SocketIOProtocol

/// Events to the client, and its acknowledgements.
extension SocketCore {
    /// The client owes this socket an answer.
    var awaitsAnswer: Bool { !acks.isEmpty }

    /// Messages of the session that were dropped because the client was behind.
    var droppedMessages: Int { session.droppedMessages }

    /// A message sent now would leave now.
    var isWritable: Bool { session.isWritable }

    /// Ends the wait once the client is not behind, or the socket is disconnected: at once where that is so.
    func take(_ wait: CatchUpWait) {
        guard isConnected else { return wait.end(.failure(SocketIOError.disconnected)) }
        guard session.isBehind else { return wait.end(.success(())) }
        waiting.append(wait)
        session.isAwaited = true
    }

    /// Nobody waits in that place any more.
    func drop(_ wait: CatchUpWait) { waiting.removeAll { $0 === wait } }

    /// The client has caught up.
    func caughtUp() {
        let ended = waiting
        waiting = []
        for wait in ended { wait.end(.success(())) }
    }

    /// Sends a packet that `encode` writes.
    func send(flags: EmitFlags, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket) {
        if outgoing != nil { return sendShown(flags: flags, encode) }
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable) else { return }
        do {
            if session.backlog != nil { return session.send(try EncodedMessage(options.parser, encode), flags) }
            try session.send(options.parser, compress: !flags.contains(.uncompressed), encode)
        } catch {
            socket.logUnsent(error)
        }
    }

    /// Whether events may be written straight into the connection's output: nobody looks at them, or keeps them, before.
    var writesDirectly: Bool { outgoing == nil && session.backlog == nil }

    /// Begins an event that is written into what this returns, in the same turn; `nil` once the socket is disconnected.
    func beginEvent() -> EngineSessionCore.TextMessage? {
        isConnected ? session.beginText() : nil
    }

    /// Sends the event.
    func finish(_ message: inout EngineSessionCore.TextMessage, _ payload: borrowing PayloadWriter) {
        let attachments = payload.finish(&message.output)
        session.finish(&message)
        for attachment in attachments { session.send(binary: attachment) }
    }

    /// Takes the event back.
    func cancel(_ message: inout EngineSessionCore.TextMessage) { session.cancel(&message) }

    /// Sends a packet that was encoded before.
    func send(_ message: EncodedMessage, flags: EmitFlags) {
        if let outgoing, isConnected { showOutgoing(message, to: outgoing) }
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable) else { return }
        session.send(message, flags)
    }

    /// Sends an event that the client is to acknowledge.
    ///
    /// - Returns: the number of the call while it waits, for ``cancelAck(_:)``.
    func sendExpectingAck(
        _ event: String, flags: EmitFlags, timeout: TimeAmount?,
        resume: @escaping (Result<EventArguments, SocketIOError>) -> Void,
        _ encode: (SocketIOParser, inout ByteBuffer, UInt64) throws -> EncodedPacket
    ) -> UInt64? {
        guard isConnected else {
            resume(.failure(.disconnected))
            return nil
        }
        guard !(flags.contains(.volatile) && !session.isWritable) else {
            resume(.failure(.dropped))
            return nil
        }
        var ownID: UInt64?
        let timer = timeout.map { timeout in
            socket.executor.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
                self.socket.executor.turn { if let ownID { self.settle(ownID, .failure(.timeout)) } }
            }
        }
        guard let id = acks.insert(PendingAck(resume: resume, timer: timer)) else {
            timer?.cancel()
            resume(.failure(.tooManyPendingAcks))
            return nil
        }
        ownID = id
        let compress = !flags.contains(.uncompressed)
        do {
            if let outgoing {
                let message = try EncodedMessage(options.parser) { try encode($0, &$1, id) }
                showOutgoing(message, to: outgoing)
                session.send(message, compress: compress)
            } else {
                try session.send(options.parser, compress: compress) { try encode($0, &$1, id) }
            }
            client.readOn()
            return id
        } catch {
            settle(id, .failure(.unsent(event, error)))
            return nil
        }
    }

    /// Sends a packet that was encoded before and that the client is to acknowledge with the number in it.
    func send(_ message: EncodedMessage, flags: EmitFlags, ackID: UInt64, to replies: BroadcastReplies) {
        let pending = PendingAck(
            resume: { result in
                if case .success(let reply) = result { replies.received(reply) } else { replies.lostClient() }
            }, timer: nil)
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable), acks.insert(pending, id: ackID) else {
            return replies.lostClient()
        }
        if let outgoing { showOutgoing(message, to: outgoing) }
        session.send(message, flags.union(.mustArrive))
        client.readOn()
    }

    /// An acknowledgement came.
    func receiveAck(_ packet: SocketIOPacket) {
        guard let id = packet.id else { return }
        do {
            settle(id, .success(try EventArguments(packet)))
        } catch {
            settle(id, .failure(.invalidAnswer(error)))
        }
    }

    /// Nobody waits for the acknowledgement any more.
    func cancelAck(_ id: UInt64) {
        settle(id, .failure(.disconnected))
    }

    private func settle(_ id: UInt64, _ result: Result<EventArguments, SocketIOError>) {
        guard let pending = acks.remove(id) else { return }
        pending.timer?.cancel()
        pending.resume(result)
    }
}

extension EngineSessionCore {
    fileprivate func send(_ message: EncodedMessage, _ flags: EmitFlags) {
        send(
            message, compress: !flags.contains(.uncompressed), isDroppable: !flags.contains(.mustArrive))
    }
}

/// How an event is to be sent.
package struct EmitFlags: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Dropped when it cannot leave at once.
    package static let volatile = EmitFlags(rawValue: 1)
    /// To the sockets of this server alone.
    package static let local = EmitFlags(rawValue: 2)
    /// Not compressed, whatever was agreed with the client.
    package static let uncompressed = EmitFlags(rawValue: 4)
    /// Never dropped, however far the client is behind: the protocol depends on it.
    package static let mustArrive = EmitFlags(rawValue: 128)
}
