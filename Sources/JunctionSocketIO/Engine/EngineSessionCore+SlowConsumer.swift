import EngineIOProtocol
import JunctionCore
import JunctionTransport
import JunctionWebSocket
import NIOCore

/// What waits in a session whose client is behind.
final class SessionBacklog {
    /// Something to be sent.
    enum Held {
        case message(EncodedMessage, compress: Bool)
        /// A binary message of its own.
        case binary(ByteBuffer, compress: Bool)
    }

    @exclusivity(unchecked) var queue: Backlog<Held>

    init(limits: BacklogLimits?) { queue = Backlog(limits: limits) }

    /// The queue that a session has from the beginning; `nil` where messages wait in the transport.
    init?(_ policy: SlowConsumerPolicy) {
        guard case .dropOldest(let limits) = policy.kind else { return nil }
        queue = Backlog(limits: limits)
    }
}

/// Sending to a client that may be behind; see ``SlowConsumerPolicy``.
extension EngineSessionCore {
    /// Bytes that a transport is given before it is asked again whether it takes more.
    private static let step = 65_536

    // MARK: Sending

    /// Sends a message now, or has it wait.
    ///
    /// - Parameter isDroppable: false for what the protocol depends on.
    func hold(_ message: EncodedMessage, compress: Bool, isDroppable: Bool) {
        hold(
            .message(message, compress: compress), bytes: message.webSocketFrames.plain.readableBytes, key: message.key,
            isDroppable: isDroppable)
    }

    /// The same for a binary message of its own.
    func hold(binary bytes: ByteBuffer, compress: Bool, isDroppable: Bool) {
        hold(.binary(bytes, compress: compress), bytes: bytes.readableBytes, key: nil, isDroppable: isDroppable)
    }

    /// The same for a text message that `body` writes.
    func holdText<Result>(
        compress: Bool, isDroppable: Bool, _ body: (inout ByteBuffer) throws -> Result
    ) throws -> Result {
        var text = ByteBuffer()
        let result = try body(&text)
        hold(EncodedMessage(text: text), compress: compress, isDroppable: isDroppable)
        return result
    }

    private func hold(_ held: SessionBacklog.Held, bytes: Int, key: String?, isDroppable: Bool) {
        guard machine.isOpen else { return }
        if takesNow { return transmit(held) }
        let backlog = backlog ?? SessionBacklog(limits: nil)
        self.backlog = backlog
        noteDropped(
            backlog.queue.append(.init(message: held, bytes: bytes, key: key, isDroppable: isDroppable)))
        if backlog.queue.bytes > server.options.maximumBufferedBytes { end(.transportError) }
    }

    private func transmit(_ held: SessionBacklog.Held) {
        switch held {
        case .message(let message, let compress): transmit(message, compress: compress)
        case .binary(let bytes, let compress): transmit(binary: bytes, compress: compress)
        }
    }

    /// Nothing waits, and the transport takes what is sent now.
    var takesNow: Bool { backlog?.queue.isEmpty ?? true && hasRoom }

    private var hasRoom: Bool {
        guard machine.isWebSocket else { return machine.isWritable && machine.queuedBytes < Self.step }
        guard let localSocket else { return webSocket?.isWritable ?? false }
        // What this turn wrote has not been offered to the kernel yet.
        if localSocket.pendingBytes >= Self.step { localSocket.flushNow() }
        return localSocket.isWritable
    }

    // MARK: Going on

    /// The transport takes more, or another has taken its place.
    func releaseBacklog() {
        guard backlog != nil else { return }
        release { $0.hasRoom }
    }

    /// A poll has come, which takes what waits.
    func releaseBacklogForPoll() {
        guard backlog != nil, !machine.isWebSocket else { return }
        release { $0.machine.queuedBytes < Self.step }
    }

    /// Hands everything to the transport: the session ends, and what was sent before still reaches the client.
    func flushBacklog() {
        guard backlog != nil else { return }
        release { _ in true }
    }

    private func release(while hasRoom: (EngineSessionCore) -> Bool) {
        while machine.isOpen, hasRoom(self), let entry = backlog?.queue.popFirst() { transmit(entry.message) }
        // Made for one message that was to be replaced by later ones.
        if let queue = backlog?.queue, queue.isEmpty, queue.limits == nil { backlog = nil }
    }

    // MARK: Being waited for

    /// Something waits for the client beyond what a transport is given in any case.
    var isBehind: Bool {
        if let backlog, !backlog.queue.isEmpty { return true }
        return machine.isWebSocket ? !hasRoom : machine.queuedBytes >= Self.step
    }

    /// The client has taken something.
    func tellIfCaughtUp() {
        guard isAwaited, !isBehind else { return }
        isAwaited = false
        delegate?.caughtUp()
    }

    // MARK: Counting

    private func noteDropped(_ count: Int) {
        guard count > 0 else { return }
        droppedMessages += count
        for _ in 0..<count { server.losses.note(Self.tooSlow, peer: id) }
    }

    private static let tooSlow = NetworkError(.peerTooSlow, "the client reads too slowly")
}
