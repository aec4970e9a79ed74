import NIOCore
import TestSupport
import Testing

@testable import JunctionUDP

/// How datagrams are gathered into messages that the kernel cuts into the same datagrams.
@Suite("Gathering datagrams to send") struct SendRunsTests {
    private func peer(_ number: Int) throws -> PeerKey {
        let host = number % 3 == 0 ? "::1" : number % 3 == 1 ? "127.0.0.1" : "192.0.2.1"
        return try #require(PeerKey(try SocketAddress(ipAddress: host, port: 1_000 + number)))
    }

    /// What the kernel makes of a run: pieces of the segment's size, and what is left.
    private func cut(_ run: SendRuns.Run, of runs: SendRuns) -> [ByteBuffer] {
        var message = ByteBuffer()
        runs.forEachItem(of: run) { message.writeImmutableBuffer($0.payload) }
        guard run.count > 1 else { return [message] }
        var pieces: [ByteBuffer] = []
        while let piece = message.readSlice(length: min(run.segment, message.readableBytes)), piece.readableBytes > 0 {
            pieces.append(piece)
        }
        return pieces
    }

    @Test("each peer gets what was sent to it, in order, whatever is sent to others", arguments: 0..<200)
    func eachPeer(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let peers = try (0..<Int.random(in: 1...90, using: &random)).map(peer)
        let sizes = [0, 1, 64, 64, 64, 64, 100, 1_452, 1_472, 1_473, 9_000, 65_507]
        let usual = sizes.randomElement(using: &random) ?? 64
        var runs = SendRuns(gathers: true)
        for _ in 0..<3 {  // the tables are used again
            var sent: [PeerKey: [ByteBuffer]] = [:]
            for number in 0..<Int.random(in: 0...300, using: &random) {
                let peer = peers[Int.random(in: 0..<peers.count, using: &random)]
                let size = Bool.random(using: &random) ? usual : sizes.randomElement(using: &random) ?? 0
                let payload = ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: size)
                sent[peer, default: []].append(payload)
                runs.add(payload, to: peer)
            }
            if let longest = runs.runs.indices.max(by: { runs.runs[$0].count < runs.runs[$1].count }) {
                if Bool.random(using: &random) { runs.split(run: longest) }
            }
            var arrived: [PeerKey: [ByteBuffer]] = [:]
            for run in runs.runs {
                #expect(run.count <= 64 && (run.count == 1 || run.bytes <= 65_507))
                #expect(run.count == 1 || run.peer.isLoopback || run.segment <= 1_472)
                arrived[run.peer, default: []] += cut(run, of: runs)
            }
            #expect(arrived == sent)
            runs.removeAll()
        }
    }

    @Test("interleaved datagrams of one size to 16 peers make 16 runs")
    func interleaved() throws {
        var runs = SendRuns(gathers: true)
        let peers = try (0..<16).map(peer)
        for _ in 0..<8 {
            for peer in peers.shuffled() { runs.add(ByteBuffer(repeating: 1, count: 64), to: peer) }
        }
        #expect(runs.runs.count == 16)
        #expect(runs.runs.allSatisfy { $0.count == 8 })
    }

    @Test("a shorter datagram ends a run, and a longer one begins another")
    func sizes() throws {
        var runs = SendRuns(gathers: true)
        for size in [100, 100, 50, 100, 200, 0, 200] {
            runs.add(ByteBuffer(repeating: 1, count: size), to: try peer(1))
        }
        #expect(runs.runs.map { Int($0.count) } == [3, 1, 1, 1, 1])
        #expect(runs.runs.map(\.bytes) == [250, 100, 200, 0, 200])
    }

    @Test("a socket that must not gather sends each datagram by itself")
    func withoutGathering() throws {
        var runs = SendRuns(gathers: false)
        for _ in 0..<3 { runs.add(ByteBuffer(repeating: 1, count: 64), to: try peer(1)) }
        #expect(runs.runs.map { Int($0.count) } == [1, 1, 1])
    }

    @Test("sizes that the kernel has refused to cut go by themselves")
    func refusedSize() throws {
        var runs = SendRuns(gathers: true)
        runs.largestSegment = 99
        for size in [100, 100, 99, 99] { runs.add(ByteBuffer(repeating: 1, count: size), to: try peer(1)) }
        #expect(runs.runs.map { Int($0.count) } == [1, 1, 2])
    }

    @Test("an IPv4 peer is the same as an IPv6 socket spells it, and addresses keep port and scope apart")
    func keys() throws {
        let key = try #require(PeerKey(try SocketAddress(ipAddress: "192.0.2.1", port: 7)))
        #expect(key.asIPv6 == PeerKey(try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 7)))
        #expect(key != PeerKey(try SocketAddress(ipAddress: "192.0.2.1", port: 8)))
        #expect(key.isIPv4 && key.asIPv6.isIPv4 && !key.isLoopback)
        let loopbacks = ["127.1.2.3", "::1", "::ffff:127.0.0.1"]
        for text in loopbacks {
            #expect(try #require(PeerKey(try SocketAddress(ipAddress: text, port: 1))).isLoopback)
        }
    }
}
