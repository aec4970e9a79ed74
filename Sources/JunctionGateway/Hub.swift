import JunctionCore
import JunctionSocketIO
import Logging
import NIOCore
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where everybody hears everybody: what one peer says reaches every other peer of every transport.
///
/// TCP and UDP peers give a way to write to them when they join; Socket.IO peers are reached by one broadcast, encoded once.
final class Hub: Sendable {
    private struct Member {
        let event: PeerEvent
        /// `nil` for a Socket.IO peer.
        let write: (@Sendable (ByteBuffer) -> Void)?
    }

    private struct State {
        var members: [String: Member] = [:]
        var made: [TransportKind: Int] = [:]
    }

    private let io: SocketIOServer
    private let logger: Logger
    private let state = Mutex(State())

    init(io: SocketIOServer, logger: Logger) {
        self.io = io
        self.logger = logger
    }

    /// A name for a peer that has none of its own: `tcp-1`, `udp-7`.
    func makeID(_ transport: TransportKind) -> String {
        let number = state.withLock { state in
            state.made[transport, default: 0] += 1
            return state.made[transport] ?? 0
        }
        return "\(transport.rawValue)-\(number)"
    }

    /// Everybody who is there.
    var peers: [PeerEvent] { state.withLock { $0.members.values.map(\.event) } }

    /// A peer came.
    func join(_ peer: Peer, write: (@Sendable (ByteBuffer) -> Void)?) {
        let event = PeerEvent(peer, since: Date())
        state.withLock { $0.members[peer.id] = Member(event: event, write: write) }
        logger.info("peer joined", metadata: Self.metadata(of: peer))
        io.except(peer.id).emit("peer:join", event)
    }

    /// A peer is gone.
    func leave(_ peer: Peer, reason: String) {
        guard state.withLock({ $0.members.removeValue(forKey: peer.id) }) != nil else { return }
        var metadata = Self.metadata(of: peer)
        metadata["reason"] = "\(reason)"
        logger.info("peer left", metadata: metadata)
        io.except(peer.id).emit("peer:leave", PeerLeaveEvent(id: peer.id, reason: reason))
    }

    /// A peer says something to all the others.
    func publish(_ message: HubMessage) {
        let writers = state.withLock { state in
            state.members.compactMap { id, member in id == message.from.id ? nil : member.write }
        }
        for write in writers { write(message.bytes) }
        io.except(message.from.id).emit("message", MessageEvent(message))
    }

    private static func metadata(of peer: Peer) -> Logger.Metadata {
        ["peer": "\(peer.id)", "transport": "\(peer.transport.rawValue)", "address": "\(peer.address)"]
    }
}
