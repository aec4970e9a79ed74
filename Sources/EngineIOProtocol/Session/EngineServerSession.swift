public import NIOCore

/// One session of an Engine.IO server: which transport carries it, what waits for the next poll, how it upgrades and ends.
///
/// Knows no sockets: events go in, what is to be done comes out. Its owner writes to the transport and answers the polls.
/// Specification: Engine.IO protocol, revision 4, sections "Transports" and "Upgrade"; revision 3 differs in who pings.
public struct EngineServerSession: ~Copyable {
    private enum State {
        case polling(Polling)
        case websocket
        /// Closed by this side; the client learns it with its next poll.
        case closing(queue: [EnginePacket])
        case closed
    }

    private struct Polling {
        var isParked = false
        var queue: [EnginePacket] = []
        var queuedBytes = 0
        var probe = Probe.none

        /// What one poll takes from the queue.
        mutating func dequeue() -> [EnginePacket] {
            let packets = Array(queue.prefix(EngineServerSession.maximumPacketsPerPoll))
            queue.removeFirst(packets.count)
            queuedBytes =
                queue.isEmpty ? 0 : packets.reduce(queuedBytes) { $0 - EnginePayload.encodedLength(of: $1) - 1 }
            return packets
        }
    }

    /// Packets that answer one poll; the next ones wait for the next poll. Python's client refuses more than 16.
    public static let maximumPacketsPerPoll = 16

    private enum Probe {
        case none
        /// A WebSocket connection came. A poll that comes now is kept a little: the client is about to leave polling, and does
        /// so as soon as the poll is answered.
        case connected(pollIsNew: Bool)
    }

    /// The revision that the client speaks.
    public let revision: EngineRevision
    private var state: State

    /// A session that was opened by `transport`.
    public init(transport: EngineTransport, revision: EngineRevision = .four) {
        self.revision = revision
        state = transport == .websocket ? .websocket : .polling(Polling())
    }

    // MARK: State

    /// The transport that carries the session.
    public var transport: EngineTransport {
        if case .websocket = state { .websocket } else { .polling }
    }

    /// Messages can be sent and received.
    public var isOpen: Bool {
        switch state {
        case .polling, .websocket: true
        case .closing, .closed: false
        }
    }

    /// A WebSocket connection carries the session.
    public var isWebSocket: Bool {
        if case .websocket = state { true } else { false }
    }

    /// Bytes that wait for the next poll.
    public var queuedBytes: Int {
        if case .polling(let polling) = state { polling.queuedBytes } else { 0 }
    }

    /// A packet sent now would leave now.
    public var isWritable: Bool {
        switch state {
        case .polling(let polling): polling.isParked
        case .websocket: true
        case .closing, .closed: false
        }
    }

    // MARK: Sending

    /// What to do with packets that are sent.
    public enum SendAction: Sendable, Equatable {
        /// Write it to the WebSocket connection.
        case write
        /// The poll that waits is to be answered at the end of this turn with ``takeQueue()``.
        case answerPollSoon
        /// It waits for the next poll.
        case queued
        /// The session is over.
        case drop
    }

    /// Sends a packet.
    public mutating func send(_ packet: EnginePacket) -> SendAction {
        switch state {
        case .websocket:
            return .write
        case .polling(var polling):
            state = .closed  // one owner of the queue while it grows
            polling.queue.append(packet)
            polling.queuedBytes += EnginePayload.encodedLength(of: packet) + 1
            state = .polling(polling)
            return polling.isParked ? .answerPollSoon : .queued
        case .closing, .closed:
            return .drop
        }
    }

    /// The packets for the poll that waits; `nil` when none waits or there are no packets. The poll is answered then.
    public mutating func takeQueue() -> [EnginePacket]? {
        guard case .polling(var polling) = state, polling.isParked, !polling.queue.isEmpty else { return nil }
        let packets = polling.dequeue()
        polling.isParked = false
        state = .polling(polling)
        return packets
    }

    // MARK: Polling

    /// How to answer a poll.
    public enum PollAction: Sendable, Equatable {
        /// Answer with these packets.
        case answer([EnginePacket])
        /// Keep it until there is something to send.
        case park
        /// Keep it for a moment; then ``releasePoll()``.
        case parkBriefly
        /// Answer with these packets; the session is over with them.
        case answerLast([EnginePacket])
        /// Two polls at once: end the session, answer the first with a close packet, refuse this one.
        case overlap(Closing)
        /// The session cannot be polled (any more).
        case refuse
    }

    /// A poll came (HTTP GET).
    public mutating func pollArrived() -> PollAction {
        switch state {
        case .polling(var polling):
            if polling.isParked {
                state = .closed
                return .overlap(Closing(reason: .transportError, answer: [EnginePacket(.close)]))
            }
            let packets = polling.dequeue()
            guard packets.isEmpty else {
                state = .polling(polling)
                return .answer(packets)
            }
            polling.isParked = true
            guard case .connected = polling.probe else {
                state = .polling(polling)
                return .park
            }
            polling.probe = .connected(pollIsNew: true)
            state = .polling(polling)
            return .parkBriefly
        case .closing(let queue):
            state = .closed
            return .answerLast(queue + [EnginePacket(.close)])
        case .websocket, .closed:
            return .refuse
        }
    }

    /// A poll has been kept for a moment during an upgrade; true when it is to be answered with a noop.
    public mutating func releasePoll() -> Bool {
        guard case .polling(var polling) = state, polling.isParked, case .connected = polling.probe else {
            return false
        }
        polling.isParked = false
        state = .polling(polling)
        return true
    }

    // MARK: Receiving

    /// What a received packet asks for.
    public enum ReceiveAction: Sendable, Equatable {
        /// Nothing.
        case none
        /// Give the message to the application.
        case deliver(EnginePacket.Body)
        /// The answer to a ping came.
        case pong
        /// The client's ping came, and wants a pong (revision 3).
        case ping
        /// The session is over.
        case close(Closing)
    }

    /// A packet came by the transport that carries the session.
    public mutating func receive(_ packet: EnginePacket) -> ReceiveAction {
        guard isOpen else { return .none }
        switch packet.kind {
        case .message:
            return .deliver(packet.body)
        case .pong where revision == .four:
            return .pong
        case .ping where revision == .three:
            return .ping
        case .close:
            return end(.transportClose, answer: EnginePacket(.noop)).map(ReceiveAction.close) ?? .none
        case .ping, .pong:
            // Only the server pings (revision 4), or only the client (revision 3).
            return end(.transportError, answer: EnginePacket(.close)).map(ReceiveAction.close) ?? .none
        case .open, .upgrade, .noop:
            return .none
        }
    }

    // MARK: Upgrading

    /// A WebSocket connection came for this session; false when it is not wanted and is to be closed.
    public mutating func probeArrived() -> Bool {
        guard case .polling(var polling) = state, case .none = polling.probe else { return false }
        polling.probe = .connected(pollIsNew: false)
        state = .polling(polling)
        return true
    }

    /// What a packet on the connection that probes asks for.
    public enum ProbeAction: Sendable, Equatable {
        /// Answer the probe; when `noop`, answer the poll that waits with a noop, so that the client can stop polling.
        case answerProbe(noop: Bool)
        /// The connection carries the session from now on: write these packets to it, and refuse the poll if one waits.
        case upgraded([EnginePacket])
        /// Close the connection; the session stays with polling.
        case abort
    }

    /// A packet came on the connection that probes.
    public mutating func probeReceived(_ packet: EnginePacket) -> ProbeAction {
        guard case .polling(var polling) = state else { return .abort }
        switch packet.kind {
        case .ping where packet.body == .text(Self.probe):
            guard case .connected(pollIsNew: false) = polling.probe, polling.isParked else {
                return .answerProbe(noop: false)
            }
            polling.isParked = false
            state = .polling(polling)
            return .answerProbe(noop: true)
        case .upgrade:
            state = .websocket
            return .upgraded(polling.queue)
        default:
            probeLeft()
            return .abort
        }
    }

    /// The connection that probed is gone, or its time is up.
    public mutating func probeLeft() {
        guard case .polling(var polling) = state else { return }
        polling.probe = .none
        state = .polling(polling)
    }

    /// The body of the probe's ping and pong.
    public static let probe = ByteBuffer(string: "probe")

    // MARK: Ending

    /// The session is over.
    public struct Closing: Sendable, Equatable {
        /// Why.
        public let reason: EngineCloseReason
        /// Answers the poll that waits, if one does.
        public let answer: [EnginePacket]?
    }

    /// What closing by this side asks for.
    public enum CloseAction: Sendable, Equatable {
        /// It is over now.
        case closed(Closing)
        /// The client learns it with its next poll; close for good if none comes in time.
        case awaitPoll
        /// It was over already.
        case none
    }

    /// This side ends the session; what was sent before still reaches the client.
    public mutating func close() -> CloseAction {
        switch state {
        case .polling(let polling) where !polling.isParked:
            state = .closing(queue: polling.queue)
            return .awaitPoll
        case .polling(let polling):
            state = .closed
            return .closed(Closing(reason: .forcedClose, answer: polling.queue + [EnginePacket(.close)]))
        case .websocket:
            state = .closed
            return .closed(Closing(reason: .forcedClose, answer: nil))
        case .closing, .closed:
            return .none
        }
    }

    /// The session ends for `reason`: the transport failed, a timer ran out, a packet was wrong. `nil` when it was over.
    public mutating func end(_ reason: EngineCloseReason, answer: EnginePacket = EnginePacket(.close)) -> Closing? {
        defer { state = .closed }
        switch state {
        case .polling(let polling): return Closing(reason: reason, answer: polling.isParked ? [answer] : nil)
        case .websocket: return Closing(reason: reason, answer: nil)
        case .closing: return Closing(reason: .forcedClose, answer: nil)
        case .closed: return nil
        }
    }
}
