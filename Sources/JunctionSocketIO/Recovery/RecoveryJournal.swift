import DequeModule
import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol
import Synchronization

/// Puts the events of one namespace in one order, has them kept, and delivers them in that order on every event loop.
///
/// With a store in memory an event is kept and delivered at once. Any other store is written to by one task, which commits what
/// has gathered together and then delivers it; until then it waits here, and with it everything that was sent later. So what a
/// client has seen is kept, and nothing overtakes.
///
/// Each loop has an inbox. What is put into all inboxes under one lock comes out of each in the same order; a socket knows the
/// number of the last event that was sent to it, and gets none twice.
final class RecoveryJournal: Sendable {
    let namespace: String
    let options: ConnectionStateRecovery
    let logger: Logger
    let parser: SocketIOParser
    /// The store's log when it is one in memory.
    let memory: InMemoryRecoveryStore.Log?
    let state: Mutex<State>
    /// Delivers on a loop, to the sockets that it has.
    private let deliver: @Sendable (Delivery, LoopExecutor) -> Void
    private let sweeper: RecoverySweeper
    /// Events that are older may go: what a client may have missed that came back at the last moment, after a connection which
    /// was lost long before the server noticed.
    let retention: Int64

    /// What comes out of an inbox.
    enum Delivery: Sendable {
        /// - Parameter sequence: the event's number; 0 for what is not kept.
        case message(EncodedMessage, to: Audience, flags: EmitFlags, sequence: UInt64)
        /// Sends something to one socket of this loop.
        case run(@Sendable () -> Void)
    }

    /// What waits for a store that takes time.
    enum Entry: Sendable {
        /// - Parameter loop: the only one whose sockets it is for; nil for all.
        case event(RecoverableEvent, flags: EmitFlags, loop: LoopExecutor?)
        case message(EncodedMessage, to: Audience, flags: EmitFlags)
        case run(LoopExecutor, @Sendable () -> Void)
        /// Told when all before it is committed.
        case barrier(@Sendable () -> Void)
    }

    struct State {
        /// The format of the clients' packets; events are kept in that of the protocol.
        let parser: SocketIOParser
        /// Known once the store is open.
        var offset: RecoveryOffset?
        /// The number of the last event that has one.
        var lastSequence: UInt64 = 0
        /// The number of the last event that was put into the inboxes.
        var delivered: UInt64 = 0
        /// Events up to this number were delivered unsaved, some of them.
        var gone: UInt64 = 0
        var inboxes: [LoopInbox] = []
        var waiting: [Deque<Delivery>] = []
        /// A drain is on its way to the loop.
        var isScheduled: [Bool] = []
        var writing = Writing()
        var tail = RecoveryTail()
        /// The sockets that are connected, by private identifier.
        var live: [String: Socket] = [:]
        /// Private identifiers whose state is being restored.
        var restoring: Set<String> = []
        var statistics = RecoveryStatistics()
    }

    init(
        namespace: String, parser: SocketIOParser, options: ConnectionStateRecovery, engine: EngineIOOptions,
        logger: Logger, deliver: @escaping @Sendable (Delivery, LoopExecutor) -> Void
    ) {
        self.namespace = namespace
        self.options = options
        self.logger = logger
        self.deliver = deliver
        self.memory = (options.store as? InMemoryRecoveryStore)?.log(namespace)
        let retention =
            options.maxDisconnectionDuration.milliseconds + engine.pingInterval.milliseconds
            + engine.pingTimeout.milliseconds
        self.retention = retention
        self.parser = parser
        var state = State(parser: parser)
        if let store = options.store as? InMemoryRecoveryStore {
            let position = store.open(
                namespace, limits: options.limits, retention: retention, now: options.clock())
            state.offset = RecoveryOffset(tag: position.tag)
            state.lastSequence = position.lastSequence
            state.delivered = position.lastSequence
        }
        state.tail.limits = options.limits
        self.state = Mutex(state)
        self.sweeper = RecoverySweeper(interval: options.sweepInterval)
        sweeper.start { [weak self] in self?.sweep() }
        if memory == nil { beat() }
    }

    deinit {
        let (store, namespace, now) = (options.store, namespace, options.clock())
        if let store = store as? InMemoryRecoveryStore { return store.close(namespace, now: now) }
        if state.withLock({ $0.writing.isOpen }) { Task { await store.close(namespace, now: now) } }
    }

    var maxDisconnection: Int64 { options.maxDisconnectionDuration.milliseconds }

    var statistics: RecoveryStatistics {
        if let memory { count(memory.state.withLock { $0.takeEvicted() }) }
        return state.withLock { $0.statistics }
    }

    // MARK: Publishing

    /// Sends an event to everybody meant; what can be kept is kept.
    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags, on loop: LoopExecutor? = nil) throws
    {
        var buffer = ByteBuffer()
        let attachments = try SocketIOPacketEncoder.encodeEvent(
            packet.name, arguments: packet.arguments, namespace: namespace, id: packet.id, into: &buffer)
        if flags.contains(.volatile) || packet.id != nil {
            pass(EncodedMessage(kept: buffer, attachments, parser), to: audience, flags: flags)
        } else {
            publish(buffer, attachments, to: audience, flags: flags, on: loop)
        }
    }

    /// The same for an event that another server has encoded.
    func deliver(_ message: EncodedMessage, to audience: Audience, flags: EmitFlags) {
        if !flags.contains(.volatile), let (text, attachments) = message.textAndAttachments {
            publish(text, attachments, to: audience, flags: flags)
        } else {
            pass(message, to: audience, flags: flags)
        }
    }

    /// Sends an event to one socket, or to the one that took its place, or keeps it until its client is back.
    func emit(_ packet: EventPacket, to socket: Socket, flags: EmitFlags) {
        // On its loop it is known whether it is connected; then no other loop needs to hear of it.
        let isHere = socket.executor.eventLoop.inEventLoop && socket.core?.isConnected == true
        do {
            try broadcast(
                packet, to: Audience(rooms: [socket.id]), flags: flags, on: isHere ? socket.executor : nil)
        } catch {
            socket.logUnsent(error)
        }
    }

    /// Keeps and delivers an event.
    ///
    /// - Parameters:
    ///   - packet: without an offset.
    ///   - loop: the only one whose sockets it is for; nil for all.
    func publish(
        _ packet: ByteBuffer, _ attachments: [ByteBuffer], to audience: Audience, flags: EmitFlags = [],
        on loop: LoopExecutor? = nil
    ) {
        var event = RecoverableEvent(
            sequence: 0, rooms: audience.rooms, except: audience.except, emittedAt: options.clock(), packet: packet,
            attachments: attachments)
        guard let memory else { return enqueue(.event(event, flags: flags, loop: loop), bytes: event.byteCount) }
        let loops = state.withLock { state -> [LoopExecutor] in
            event = memory.state.withLock { log in
                var event = event
                log.append(numbering: &event)
                return event
            }
            state.lastSequence = event.sequence
            state.delivered = event.sequence
            guard let offset = state.offset else { return [] }
            return state.push(event.delivery(with: offset, state.parser, flags: flags), on: loop)
        }
        wake(Wakes(loops: loops))
    }

    /// Delivers what is not kept, behind what was published before.
    func pass(_ message: EncodedMessage, to audience: Audience, flags: EmitFlags) {
        let delivery = Delivery.message(message, to: audience, flags: flags, sequence: 0)
        if mustWait {
            enqueue(.message(message, to: audience, flags: flags), bytes: message.webSocketFrames.plain.readableBytes)
        } else {
            wake(Wakes(loops: state.withLock { $0.push(delivery, on: nil) }))
        }
    }

    /// Runs `body` on a loop behind what was published before: at once where nothing is.
    func run(on loop: LoopExecutor, _ body: @escaping @Sendable () -> Void) {
        if mustWait { return enqueue(.run(loop, body), bytes: 0) }
        let hasInbox = state.withLock { state -> Bool in
            guard state.inboxes.contains(where: { $0.executor === loop }) else { return false }
            _ = state.push(.run(body), on: loop)
            return true
        }
        loop.execute { if hasInbox { self.drain(loop) } else { body() } }
    }

    /// Something waits for the store; what is sent now has to wait behind it.
    var mustWait: Bool { memory == nil && state.withLock { !$0.writing.isIdle } }

    // MARK: Inboxes

    /// The inbox of a loop, which gets what is published from now on. Called on the loop.
    func inbox(of executor: LoopExecutor) -> LoopInbox {
        state.withLock { state in
            if let inbox = state.inboxes.first(where: { $0.executor === executor }) { return inbox }
            let inbox = LoopInbox(executor, processed: state.delivered)
            state.inboxes.append(inbox)
            state.waiting.append([])
            state.isScheduled.append(false)
            return inbox
        }
    }

    /// Who is to be told when the lock is free.
    struct Wakes {
        /// Loops whose inboxes have something in them.
        var loops: [LoopExecutor] = []
        var told: [@Sendable () -> Void] = []
    }

    /// Has loops empty their inboxes: at once the one that the caller is on.
    func wake(_ wakes: Wakes) {
        for executor in wakes.loops { executor.execute { self.drain(executor) } }
        for told in wakes.told { told() }
    }

    private func drain(_ executor: LoopExecutor) {
        guard let inbox = state.withLock({ $0.inboxes.first { $0.executor === executor } }) else { return }
        // What a delivery causes to be sent comes behind it.
        guard inbox.startDraining() else { return }
        while let next = state.withLock({ $0.pull(inbox) }) {
            for delivery in next {
                deliver(delivery, executor)
                if case .message(_, _, _, let sequence) = delivery, sequence > 0 { inbox.processed = sequence }
            }
        }
        inbox.endDraining()
    }

    /// The number of the last event that the sockets of this loop have been sent. Called on the loop.
    func position(on executor: LoopExecutor) -> UInt64 {
        let inbox = inbox(of: executor)
        return state.withLock { state in
            state.hasNothing(for: inbox) && !inbox.isDraining ? state.delivered : inbox.processed
        }
    }
}

extension RecoveryJournal.State {
    /// Puts something into the inboxes.
    ///
    /// - Returns: the loops to be woken.
    mutating func push(_ delivery: RecoveryJournal.Delivery, on loop: LoopExecutor?) -> [LoopExecutor] {
        var wakes: [LoopExecutor] = []
        for index in inboxes.indices where loop == nil || loop === inboxes[index].executor {
            waiting[index].append(delivery)
            let executor = inboxes[index].executor
            if !isScheduled[index] || executor.eventLoop.inEventLoop { wakes.append(executor) }
            isScheduled[index] = true
        }
        return wakes
    }

    /// Takes what is in an inbox.
    mutating func pull(_ inbox: LoopInbox) -> Deque<RecoveryJournal.Delivery>? {
        guard let index = inboxes.firstIndex(where: { $0 === inbox }) else { return nil }
        guard !waiting[index].isEmpty else {
            isScheduled[index] = false
            return nil
        }
        var taken = Deque<RecoveryJournal.Delivery>()
        swap(&taken, &waiting[index])
        return taken
    }

    func hasNothing(for inbox: LoopInbox) -> Bool {
        inboxes.firstIndex { $0 === inbox }.map { waiting[$0].isEmpty } ?? true
    }
}

extension RecoverableEvent {
    /// With the offset that the client hands in to get what comes behind it.
    func delivery(
        with offset: RecoveryOffset, _ parser: SocketIOParser, flags: EmitFlags
    ) -> RecoveryJournal.Delivery {
        .message(
            EncodedMessage(kept: offset.append(sequence, to: packet), attachments, parser),
            to: Audience(rooms: rooms, except: except), flags: flags, sequence: sequence)
    }

    /// Without an offset, when it could not be kept.
    func unsavedDelivery(_ parser: SocketIOParser, flags: EmitFlags) -> RecoveryJournal.Delivery {
        .message(
            EncodedMessage(kept: packet, attachments, parser), to: Audience(rooms: rooms, except: except),
            flags: flags, sequence: 0)
    }
}

/// What is on its way to the sockets of one loop.
final class LoopInbox: Sendable {
    let executor: LoopExecutor

    // Proof of safety: touched on the loop alone.
    private nonisolated(unsafe) var state: (processed: UInt64, isDraining: Bool)

    init(_ executor: LoopExecutor, processed: UInt64) {
        self.executor = executor
        self.state = (processed, false)
    }

    /// The number of the last event that was delivered.
    var processed: UInt64 {
        get { state.processed }
        set { state.processed = newValue }
    }

    var isDraining: Bool { state.isDraining }

    /// False when that is under way.
    func startDraining() -> Bool {
        defer { state.isDraining = true }
        return !state.isDraining
    }

    func endDraining() { state.isDraining = false }
}
