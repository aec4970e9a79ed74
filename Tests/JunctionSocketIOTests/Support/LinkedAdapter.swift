import JunctionSocketIO
import SocketIOProtocol
import Synchronization

/// The adapter of a cluster whose servers are all in this process: what an adapter over a network does, without one.
///
/// What crosses over is turned into values, as it would be on a network.
final class LinkedAdapter: Adapter {
    /// What connects the servers.
    final class Link: Sendable {
        private let adapters = Mutex<[LinkedAdapter]>([])

        /// For the options of every server of the cluster.
        var factory: AdapterFactory {
            AdapterFactory { local in
                let adapter = LinkedAdapter(local, self)
                self.adapters.withLock { $0.append(adapter) }
                return adapter
            }
        }

        /// The same namespace on the other servers.
        fileprivate func others(_ adapter: LinkedAdapter) -> [LinkedAdapter] {
            adapters.withLock { $0.filter { $0 !== adapter && $0.local.namespace == adapter.local.namespace } }
        }
    }

    private let local: InMemoryAdapter
    private let link: Link

    private init(_ local: InMemoryAdapter, _ link: Link) {
        self.local = local
        self.link = link
    }

    private func others(_ flags: EmitFlags) -> [LinkedAdapter] { flags.contains(.local) ? [] : link.others(self) }

    private func crossed(_ packet: EventPacket) -> EventPacket? {
        (try? packet.values()).map { EventPacket(name: packet.name, arguments: $0) }
    }

    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags) {
        local.broadcast(packet, to: audience, flags: flags)
        guard let packet = crossed(packet) else { return }
        for other in others(flags) { other.local.broadcast(packet, to: audience, flags: flags) }
    }

    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags, replies: BroadcastReplies) {
        local.broadcast(packet, to: audience, flags: flags, replies: replies)
        guard let packet = crossed(packet) else { return }
        for other in others(flags) {
            other.local.broadcast(packet, to: audience, flags: flags, replies: replies)
        }
    }

    func serverCount() async -> Int { link.others(self).count + 1 }

    func fetchSockets(in audience: Audience, flags: EmitFlags) async -> [SocketDescription] {
        var found = await local.fetchSockets(in: audience, flags: flags)
        for other in others(flags) { found += await other.local.fetchSockets(in: audience, flags: flags) }
        return found
    }

    func join(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        for adapter in [self] + others(flags) { adapter.local.join(rooms, audience: audience, flags: flags) }
    }

    func leave(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        for adapter in [self] + others(flags) { adapter.local.leave(rooms, audience: audience, flags: flags) }
    }

    func disconnect(_ audience: Audience, close: Bool, flags: EmitFlags) {
        for adapter in [self] + others(flags) { adapter.local.disconnect(audience, close: close, flags: flags) }
    }

    func serverSideEmit(_ packet: EventPacket) {
        guard let packet = crossed(packet) else { return }
        for other in link.others(self) {
            Task { _ = try await other.local.serverSideListeners.receive(packet) }
        }
    }

    func serverSideEmitWithAck(_ packet: EventPacket) async throws -> [EventArguments] {
        guard let packet = crossed(packet) else { return [] }
        var answers: [EventArguments] = []
        for other in link.others(self) {
            guard let answer = try await other.local.serverSideListeners.receive(packet) else {
                throw BroadcastError(.timeout, replies: answers)
            }
            answers.append(try answer.decodedArguments())
        }
        return answers
    }
}
