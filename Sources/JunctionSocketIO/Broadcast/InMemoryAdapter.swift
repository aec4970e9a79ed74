import JunctionTransport
package import Logging
import NIOCore
import SocketIOProtocol
import Synchronization

/// The sockets of this server in one namespace, and the adapter of a single server.
///
/// Each event loop has an index of its own sockets. A broadcast hops once to each loop that has some and writes the same buffer
/// to every member there, without locks.
package final class InMemoryAdapter: Adapter {
    /// The namespace's name.
    package let namespace: String
    package let logger: Logger
    /// The listeners of this server for what others tell it.
    package let serverSideListeners = ServerSideListeners()

    /// Keeps events and sessions for clients that come back; nil where that is off.
    // Proof of safety: set once, before anybody else has the adapter.
    private(set) nonisolated(unsafe) var recovery: RecoveryJournal?

    private struct Shard: Sendable {
        let executor: LoopExecutor
        let index: NIOLoopBound<RoomIndex>
    }

    private struct State {
        var shards: [Shard] = []
        var observer: RoomObserver?
    }

    /// In which format clients get packets.
    private let parser: SocketIOParser
    private let state = Mutex(State())
    private let broadcastCount = Atomic<UInt64>(0)

    init(namespace: String, parser: SocketIOParser, logger: Logger) {
        self.namespace = namespace
        self.parser = parser
        self.logger = logger
    }

    /// Has events and sessions kept. Called once, before the adapter is used.
    func recover(_ options: ConnectionStateRecovery, engine: EngineIOOptions) {
        recovery = RecoveryJournal(
            namespace: namespace, parser: parser, options: options, engine: engine, logger: logger
        ) { [weak self] delivery, executor in self?.deliver(delivery, on: executor) }
    }

    /// Returns when what was sent last is kept.
    package func close() async { await recovery?.committed() }

    // MARK: One socket, on its loop

    /// A socket connected.
    func add(_ core: SocketCore) {
        let executor = core.socket.executor
        let known = state.withLock { $0.shards.first { $0.executor === executor }?.index }
        if let known { return known.value.add(core) }
        let index = RoomIndex()
        let shard = Shard(executor: executor, index: NIOLoopBound(index, eventLoop: executor.eventLoop))
        let observer = state.withLock { state in
            state.shards.append(shard)
            return state.observer
        }
        index.observer = observer
        index.add(core)
    }

    /// A socket is over; it leaves all rooms.
    func remove(_ core: SocketCore) {
        guard let index = core.membership.index else { return }
        index.remove(core)
        guard index.members.isEmpty else { return }
        let executor = core.socket.executor
        state.withLock { $0.shards.removeAll { $0.executor === executor } }
    }

    /// What is joined before the socket is connected counts from then on.
    func join(_ core: SocketCore, _ rooms: Set<String>) {
        if let index = core.membership.index {
            index.join(core, rooms)
            core.recovery?.roomsChanged()
            return
        }
        guard !core.isOver else { return }
        for room in rooms where room != core.socket.id { core.membership.rooms[room] = 0 }
    }

    func leave(_ core: SocketCore, _ room: String) {
        if let index = core.membership.index {
            index.leave(core, room)
            core.recovery?.roomsChanged()
            return
        }
        core.membership.rooms[room] = nil
    }

    // MARK: Broadcasts

    package func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags) {
        do {
            if let recovery { return try recovery.broadcast(packet, to: audience, flags: flags) }
            deliver(try encode(packet), to: audience, flags: flags)
        } catch {
            logger.error("broadcast not sent", metadata: ["namespace": "\(namespace)", "error": "\(error)"])
        }
    }

    /// Encodes a packet for the clients.
    package func encode(_ packet: EventPacket) throws -> EncodedMessage {
        try EncodedMessage(parser, key: packet.latestKey) { parser, buffer in
            try parser.encodeEvent(
                packet.name, arguments: packet.arguments, namespace: namespace, id: packet.id, into: &buffer)
        }
    }

    /// Delivers an encoded packet to the sockets of this server.
    ///
    /// - Parameter inOrder: behind all that was delivered so before, also when called on a loop which could act at once: two
    ///   calls, one after another, reach every socket in that order.
    package func deliver(_ message: EncodedMessage, to audience: Audience, flags: EmitFlags, inOrder: Bool = false) {
        if let recovery { return recovery.deliver(message, to: audience, flags: flags) }
        let work: @Sendable (RoomIndex) -> Void = { index in
            index.forEach(in: audience) { $0.send(message, flags: flags) }
        }
        guard inOrder else { return forEachShard(work) }
        for shard in shards {
            shard.executor.eventLoop.execute { shard.executor.turn { work(shard.index.value) } }
        }
    }

    package func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags, replies: BroadcastReplies) {
        var packet = packet
        let id = nextBroadcastID()
        packet.id = id
        let message: EncodedMessage
        do {
            message = try encode(packet)
        } catch {
            return replies.fail(error)
        }
        gather { index in
            var count = 0
            index.forEach(in: audience) { core in
                count += 1
                core.send(message, flags: flags, ackID: id, to: replies)
            }
            return count
        } then: { counts in
            replies.serverReached(clients: counts.reduce(0, +))
        }
        replies.whenOver { [weak self] outcome in
            // Who has not answered need not any more.
            if case .failure = outcome { self?.forEachShard { index in index.members.forEach { $0.cancelAck(id) } } }
        }
    }

    /// One number for all clients, so that all get the same bytes. Apart from those that a socket gives its own calls, and
    /// within 31 bits, which is all that some clients can read.
    private func nextBroadcastID() -> UInt64 {
        let half: UInt64 = 1 << 30
        return half | (broadcastCount.wrappingAdd(1, ordering: .relaxed).oldValue & (half - 1))
    }

    // MARK: Sockets

    package func fetchSockets(in audience: Audience, flags: EmitFlags) async -> [SocketDescription] {
        await collect { index in
            var sockets: [SocketDescription] = []
            index.forEach(in: audience) { sockets.append(SocketDescription($0)) }
            return sockets
        }.flatMap { $0 }
    }

    package func join(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        change(audience) { core in self.join(core, rooms) }
    }

    package func leave(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        change(audience) { core in for room in rooms { self.leave(core, room) } }
    }

    package func disconnect(_ audience: Audience, close: Bool, flags: EmitFlags) {
        change(audience) { core in core.disconnect(close: close) }
    }

    /// The sockets of this server that `audience` means.
    package func sockets(in audience: Audience) async -> [Socket] {
        await collect { index in
            var sockets: [Socket] = []
            index.forEach(in: audience) { sockets.append($0.socket) }
            return sockets
        }.flatMap { $0 }
    }

    /// The rooms of this server and the identifiers of who is in them.
    package func rooms() async -> [String: Set<String>] {
        await collect(\.contents).reduce(into: [:]) { $0.merge($1) { $0.union($1) } }
    }

    /// Collected first: what changes sockets changes the index.
    private func change(_ audience: Audience, _ body: @escaping @Sendable (SocketCore) -> Void) {
        forEachShard { index in
            var sockets: [SocketCore] = []
            index.forEach(in: audience) { sockets.append($0) }
            for core in sockets { body(core) }
        }
    }

    // MARK: Events of rooms

    /// Tells `listener` what happens in rooms from now on.
    func observeRooms(_ listener: @escaping @Sendable (RoomEvent) -> Void) {
        let (observer, shards) = state.withLock { state -> (RoomObserver, [Shard]) in
            if let observer = state.observer { return (observer, []) }
            let observer = RoomObserver()
            state.observer = observer
            return (observer, state.shards)
        }
        observer.add(listener)
        for shard in shards {
            shard.executor.execute {
                let index = shard.index.value
                guard index.observer == nil else { return }
                observer.knows(index.contents)
                index.observer = observer
            }
        }
    }

    // MARK: Event loops

    private var shards: [Shard] { state.withLock { $0.shards } }

    private func forEachShard(_ body: @escaping @Sendable (RoomIndex) -> Void) {
        for shard in shards {
            hop(to: shard.executor) { body(shard.index.value) }
        }
    }

    /// Runs `body` on a loop, behind the events that wait to be kept.
    private func hop(to executor: LoopExecutor, _ body: @escaping @Sendable () -> Void) {
        if let recovery { recovery.run(on: executor, body) } else { executor.execute(body) }
    }

    /// What comes out of a loop's inbox. Called on that loop.
    private func deliver(_ delivery: RecoveryJournal.Delivery, on executor: LoopExecutor) {
        switch delivery {
        case .run(let body): body()
        case .message(let message, let audience, let flags, let sequence):
            guard let index = state.withLock({ $0.shards.first { $0.executor === executor }?.index }) else { return }
            index.value.forEach(in: audience) { core in
                if sequence > 0, core.recovery?.takes(sequence) == false { return }
                core.send(message, flags: flags)
            }
        }
    }

    private func collect<Part: Sendable>(_ body: @escaping @Sendable (RoomIndex) -> Part) async -> [Part] {
        await withUnsafeContinuation { continuation in
            gather(body) { continuation.resume(returning: $0) }
        }
    }

    /// Calls `body` on each loop, and `then` with all results when the last of them is there.
    private func gather<Part: Sendable>(
        _ body: @escaping @Sendable (RoomIndex) -> Part, then: @escaping @Sendable ([Part]) -> Void
    ) {
        let shards = shards
        guard !shards.isEmpty else { return then([]) }
        let gathering = Gathering<Part>()
        for shard in shards {
            hop(to: shard.executor) {
                if let parts = gathering.add(body(shard.index.value), of: shards.count) { then(parts) }
            }
        }
    }

    /// What some loops have answered.
    private final class Gathering<Part: Sendable>: Sendable {
        private let parts = Mutex<[Part]>([])

        /// All parts, for whoever adds the last.
        func add(_ part: Part, of count: Int) -> [Part]? {
            parts.withLock { parts in
                parts.append(part)
                return parts.count == count ? parts : nil
            }
        }
    }
}
