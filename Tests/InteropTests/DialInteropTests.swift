import Foundation
import Testing

/// Connecting where addresses never answer, which the loopback interface cannot show.
@Suite(
    .timeLimit(.minutes(5)), Peer.blackHole.requirement,
    .enabled(if: geteuid() == 0, "needs root, to make a network namespace"))
struct DialInteropTests {
    private func probe(_ arguments: [String], _ body: @escaping @Sendable (PeerProcess) async throws -> Void)
        async throws
    {
        let command = ["black-hole", Peer.built("network-probe"), "race"] + arguments
        try await PeerProcess.run(.blackHole, command, body: body)
    }

    @Test("Where IPv6 is a black hole, the connection opens by IPv4, and the IPv6 attempt is abandoned then")
    func ipv6BlackHole() async throws {
        try await probe(["60000", "127.0.0.1", "fd00:db8::2", "127.0.0.1"]) { probe in
            try await probe.expect("1 fd00:db8::2 started")
            try await probe.expect("2 127.0.0.1 started")
            try await probe.expect("2 127.0.0.1 succeeded")
            try await probe.expect("1 fd00:db8::2 abandoned")
            try await probe.expect("read hello")
            try await probe.expectEnd()
        }
    }

    @Test("Where IPv4 is a black hole, the connection opens by IPv6, after a first IPv6 address that does not answer")
    func ipv4BlackHole() async throws {
        try await probe(["60000", "::1", "198.51.100.2", "fd00:db8::2", "::1"]) { probe in
            try await probe.expect("1 fd00:db8::2 started")
            try await probe.expect("2 198.51.100.2 started")
            try await probe.expect("3 ::1 started")
            try await probe.expect("3 ::1 succeeded")
            try await probe.expect("1 fd00:db8::2 abandoned")
            try await probe.expect("2 198.51.100.2 abandoned")
            try await probe.expect("read hello")
            try await probe.expectEnd()
        }
    }

    @Test("Where nothing answers, one error at the end of the time names every address")
    func allBlackHoles() async throws {
        try await probe(["1000", "127.0.0.1", "198.51.100.2", "fd00:db8::2"]) { probe in
            try await probe.expect("1 fd00:db8::2 started")
            try await probe.expect("2 198.51.100.2 started")
            try await probe.expect("1 fd00:db8::2 failed ETIMEDOUT")
            try await probe.expect("2 198.51.100.2 failed ETIMEDOUT")
            try await probe.expect(#"failed ETIMEDOUT: ["fd00:db8::2", "198.51.100.2"]"#)
            try await probe.expectEnd()
        }
    }
}
