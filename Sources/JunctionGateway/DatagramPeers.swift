import JunctionCore
import JunctionTransport
import JunctionUDP
import Logging
import NIOCore
import Synchronization

/// The UDP peers of a hub: whoever has sent a datagram and has not been silent for too long.
///
/// UDP knows no connections, so a peer leaves when nothing has come from it for the idle timeout.
final class DatagramPeers: Sendable {
    private struct Known {
        let peer: Peer
        var lastSeen: ContinuousClock.Instant
    }

    private struct State {
        var known: [SocketAddress: Known] = [:]
        var refused = 0
    }

    private let hub: Hub
    private let idleTimeout: Duration
    private let maximumPeers: Int
    private let logger: Logger
    private let state = Mutex(State())

    init(hub: Hub, idleTimeout: Duration, maximumPeers: Int, logger: Logger) {
        self.hub = hub
        self.idleTimeout = idleTimeout
        self.maximumPeers = maximumPeers
        self.logger = logger
    }

    /// Takes what `socket` receives until it is closed or the task is cancelled.
    func serve(_ socket: UDPSocket) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await Task.sleep(for: self.idleTimeout / 10)
                    self.forgetIdle(now: .now)
                }
            }
            group.addTask {
                for try await datagram in socket.inbound { self.receive(datagram, on: socket, now: .now) }
            }
            defer { group.cancelAll() }
            do {
                try await group.next()
            } catch is CancellationError {}
        }
    }

    /// A datagram came. A sender that is not known yet becomes a peer.
    func receive(_ datagram: Datagram, on socket: UDPSocket, now: ContinuousClock.Instant) {
        guard let (peer, isNew) = note(datagram.sender, now) else { return }
        if isNew { hub.join(peer) { socket.send($0, to: datagram.sender) } }
        hub.publish(HubMessage(from: peer, bytes: datagram.payload))
    }

    private func note(_ sender: SocketAddress, _ now: ContinuousClock.Instant) -> (Peer, isNew: Bool)? {
        let (found, refused) = state.withLock { state -> ((Peer, isNew: Bool)?, Int) in
            if let known = state.known[sender] {
                state.known[sender]?.lastSeen = now
                return ((known.peer, false), 0)
            }
            guard state.known.count < maximumPeers else {
                state.refused += 1
                return (nil, state.refused)
            }
            let peer = Peer(id: hub.makeID(.udp), transport: .udp, address: sender.text)
            state.known[sender] = Known(peer: peer, lastSeen: now)
            return ((peer, true), 0)
        }
        // The first, and then ever more rarely: a flood must not fill the log as well.
        if refused.nonzeroBitCount == 1 {
            logger.warning(
                "too many UDP peers, datagrams dropped",
                metadata: ["peer": "\(sender.text)", "limit": "\(maximumPeers)", "dropped": "\(refused)"])
        }
        return found
    }

    /// Lets go of the peers that have been silent for too long.
    func forgetIdle(now: ContinuousClock.Instant) {
        let gone = state.withLock { state in
            let gone = state.known.filter { $0.value.lastSeen + idleTimeout <= now }
            for address in gone.keys { state.known[address] = nil }
            return gone.values.map(\.peer)
        }
        for peer in gone { hub.leave(peer, reason: "silent for \(idleTimeout.components.seconds) s") }
    }
}
