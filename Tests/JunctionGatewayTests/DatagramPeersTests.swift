import JunctionSocketIO
import JunctionUDP
import Logging
import NIOCore
import Testing

@testable import JunctionGateway

/// Who counts as a UDP peer, and for how long.
@Suite(.timeLimit(.minutes(5))) struct DatagramPeersTests {
    /// Peers of a hub of their own that may be silent for ten seconds, with a socket to answer them by.
    private func withPeers(
        maximum: Int = 10, _ body: @Sendable (DatagramPeers, Hub, UDPSocket) throws -> Void
    ) async throws {
        let hub = Hub(io: SocketIOServer(), logger: .silent)
        let peers = DatagramPeers(hub: hub, idleTimeout: .seconds(10), maximumPeers: maximum, logger: .silent)
        try await UDPSocket.withSocket(host: "127.0.0.1") { try body(peers, hub, $0) }
    }

    private func datagram(from port: Int) throws -> Datagram {
        Datagram(sender: try SocketAddress(ipAddress: "127.0.0.1", port: port), payload: ByteBuffer())
    }

    private func addresses(_ hub: Hub) -> Set<String> { Set(hub.peers.map(\.address)) }

    @Test("A peer that has been silent for the idle timeout leaves, and one that has not stays")
    func idle() async throws {
        try await withPeers { peers, hub, socket in
            let start = ContinuousClock.now
            peers.receive(try datagram(from: 1_000), on: socket, now: start)
            peers.receive(try datagram(from: 2_000), on: socket, now: start + .seconds(1))
            peers.forgetIdle(now: start + .milliseconds(9_999))
            #expect(addresses(hub) == ["127.0.0.1:1000", "127.0.0.1:2000"])
            peers.forgetIdle(now: start + .seconds(10))
            #expect(addresses(hub) == ["127.0.0.1:2000"])
            peers.forgetIdle(now: start + .seconds(11))
            #expect(addresses(hub) == [])
        }
    }

    @Test("Each datagram of a peer gives it another idle timeout")
    func seenAgain() async throws {
        try await withPeers { peers, hub, socket in
            let start = ContinuousClock.now
            peers.receive(try datagram(from: 1_000), on: socket, now: start)
            peers.receive(try datagram(from: 1_000), on: socket, now: start + .seconds(9))
            peers.forgetIdle(now: start + .seconds(18))
            #expect(hub.peers.count == 1)
            peers.forgetIdle(now: start + .seconds(19))
            #expect(hub.peers.isEmpty)
        }
    }

    @Test("A peer that comes back after it has left is a new one")
    func back() async throws {
        try await withPeers { peers, hub, socket in
            let start = ContinuousClock.now
            peers.receive(try datagram(from: 1_000), on: socket, now: start)
            #expect(hub.peers.map(\.id) == ["udp-1"])
            peers.forgetIdle(now: start + .seconds(10))
            peers.receive(try datagram(from: 1_000), on: socket, now: start + .seconds(11))
            #expect(hub.peers.map(\.id) == ["udp-2"])
        }
    }

    @Test("A peer that leaves makes room for another one")
    func room() async throws {
        try await withPeers(maximum: 1) { peers, hub, socket in
            let start = ContinuousClock.now
            peers.receive(try datagram(from: 1_000), on: socket, now: start)
            peers.receive(try datagram(from: 2_000), on: socket, now: start)
            #expect(addresses(hub) == ["127.0.0.1:1000"])
            peers.forgetIdle(now: start + .seconds(10))
            peers.receive(try datagram(from: 2_000), on: socket, now: start + .seconds(10))
            #expect(addresses(hub) == ["127.0.0.1:2000"])
        }
    }
}
