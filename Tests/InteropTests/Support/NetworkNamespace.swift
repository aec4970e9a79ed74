import Foundation
import Synchronization
import Testing

/// A network namespace with virtual cables to this one: a machine of its own on networks of its own.
///
/// It needs root on Linux. The namespace and its cables have names of their own and are deleted with the scope.
struct NetworkNamespace: Sendable {
    /// One cable.
    struct Link: Sendable {
        /// The interface on this side, and the one in the namespace.
        var here: String
        var there: String
        /// The first three bytes of the network's IPv4 addresses, as text; this side has 1, the namespace 2 and 3.
        var network: String
        /// The network's IPv6 prefix, as text; this side has 1, the namespace 2.
        var prefix: String

        var address: String { "\(network).1" }
        var remote: String { "\(network).2" }
        var otherRemote: String { "\(network).3" }
        var address6: String { "\(prefix)1" }
        var remote6: String { "\(prefix)2" }
    }

    let name: String
    let links: [Link]

    /// Skips the test where namespaces cannot be made.
    static var requirement: ConditionTrait {
        .enabled(if: Peer.ip.executable != nil && geteuid() == 0, "needs root and `ip` to make network namespaces")
    }

    private static let made = Mutex(0)

    /// Makes a namespace, runs the body, and deletes the namespace.
    static func with(
        links count: Int = 1, mtu: Int = 1_500, _ body: @escaping @Sendable (NetworkNamespace) async throws -> Void
    ) async throws {
        let (pid, number) = (
            Int(getpid()),
            made.withLock {
                $0 += 1; return $0
            }
        )
        let links = (0..<count).map { link in
            let third = (number & 127) << 1 | link & 1  // tests run in parallel
            return Link(
                here: "jt\(pid)x\(number)h\(link)", there: "jt\(pid)x\(number)n\(link)",
                network: "10.\(128 + pid % 128).\(third)",
                prefix: "fd6a:\(String(pid & 0xFFFF, radix: 16)):\(number):\(link)::")
        }
        let namespace = NetworkNamespace(name: "junction-\(pid)-\(number)", links: links)
        let result: Result<Void, any Error>
        do {
            try await namespace.make(mtu: mtu)
            result = .success(try await body(namespace))
        } catch {
            result = .failure(error)
        }
        // In a task of its own: this one may have been cancelled.
        await Task { try? await ip("netns", "del", namespace.name) }.value
        try result.get()
    }

    private func make(mtu: Int) async throws {
        try await Self.ip("netns", "add", name)
        try await inside("link", "set", "lo", "up")
        for link in links {
            try await Self.ip(
                "link", "add", link.here, "mtu", "\(mtu)", "type", "veth", "peer", "name", link.there, "mtu", "\(mtu)",
                "netns", name)
            try await Self.ip("addr", "add", "\(link.address)/24", "broadcast", "+", "dev", link.here)
            try await Self.ip("addr", "add", "\(link.address6)/64", "dev", link.here, "nodad")
            for host in [link.remote, link.otherRemote] {
                try await inside("addr", "add", "\(host)/24", "broadcast", "+", "dev", link.there)
            }
            try await inside("addr", "add", "\(link.remote6)/64", "dev", link.there, "nodad")
            try await Self.ip("link", "set", link.here, "up")
            try await inside("link", "set", link.there, "up")
        }
    }

    /// Runs `ip` in the namespace.
    func inside(_ arguments: String...) async throws {
        try await PeerProcess.output(.ip, ["-n", name] + arguments)
    }

    /// Runs a program in the namespace.
    func execute(_ arguments: String...) async throws {
        try await PeerProcess.output(.ip, ["netns", "exec", name] + arguments)
    }

    /// Runs `ip` on this side.
    static func ip(_ arguments: String...) async throws {
        try await PeerProcess.output(.ip, arguments)
    }
}

extension Peer {
    /// The program of iproute2 that makes network namespaces.
    static let ip = Peer(
        name: "ip",
        executable: ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        },
        scriptExtension: nil)
}

extension Peer {
    /// The program of iproute2 that makes networks slow.
    static let trafficControl = Peer(
        name: "tc",
        executable: ["/usr/sbin/tc", "/sbin/tc", "/usr/bin/tc"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        },
        scriptExtension: nil)
}
