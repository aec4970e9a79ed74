import Foundation
import Testing

/// A network namespace and a mount namespace of a test's own, which end with it; see `private-network.sh`.
///
/// Programs that run in it see its network interfaces, its addresses and routes, its firewall, and the files that were mounted
/// there, and nobody else does.
struct PrivateNetwork: Sendable {
    /// What starts a program in it.
    let entry: [String]
    /// The process that holds it, by which others move interfaces into it.
    let process: String
    private let shell: PeerProcess

    /// Needs root.
    static let requirement: ConditionTrait = .enabled(if: geteuid() == 0, "needs root, to make a network namespace")

    /// Makes a namespace in which the loopback interface works.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable (PrivateNetwork) async throws -> Value
    ) async throws -> Value {
        try await PeerProcess.run(.privateNetwork, ["private-network"], deadline: .seconds(45)) { shell in
            let process = try await shell.nextLine()
            let namespace = PrivateNetwork(
                entry: [
                    "/usr/bin/nsenter", "--net=/proc/\(process)/ns/net", "--mount=/proc/\(process)/ns/mnt", "--",
                ], process: process, shell: shell)
            try await namespace.run("ip link set lo up")
            return try await body(namespace)
        }
    }

    /// Makes two namespaces with a cable between them: interface `near` here with the addresses 198.51.100.1 and fe80::1,
    /// `far` there with 198.51.100.2 and fe80::2. Each knows where the other is without asking.
    static func runPair<Value: Sendable>(
        _ body: @escaping @Sendable (_ near: PrivateNetwork, _ far: PrivateNetwork) async throws -> Value
    ) async throws -> Value {
        try await run { near in
            try await run { far in
                try await near.run(
                    """
                    ip link add near address 02:00:00:00:00:01 type veth \
                    peer name far address 02:00:00:00:00:02 netns \(far.process)
                    """)
                try await near.setUp("near", 1, neighbour: 2)
                try await far.setUp("far", 2, neighbour: 1)
                return try await body(near, far)
            }
        }
    }

    private func setUp(_ interface: String, _ number: Int, neighbour: Int) async throws {
        try await run("ip link set \(interface) up")
        try await run("ip address add 198.51.100.\(number)/24 dev \(interface)")
        try await run("ip address add fe80::\(number)/64 dev \(interface) nodad")
        for address in ["198.51.100.\(neighbour)", "fe80::\(neighbour)"] {
            try await run("ip neighbour add \(address) lladdr 02:00:00:00:00:0\(neighbour) dev \(interface)")
        }
    }

    /// Runs a line of shell commands there, which must succeed.
    func run(_ line: String) async throws {
        try await shell.write(line + "\n")
        var output: [String] = []
        while true {
            switch try await shell.nextLine() {
            case "done": return
            case "failed": throw PeerFailure(reason: "“\(line)” failed", output: output)
            case let text: output.append(text)
            }
        }
    }

    /// Puts a text in the place of a file, for the programs that run there.
    func replace(_ file: String, by text: String) async throws {
        let quoted = text.replacing("\n", with: "\\n")
        try await run("file=$(mktemp) && printf '\(quoted)' > $file && mount --bind $file \(file); rm $file")
    }

    /// Has the firewall answer TCP packets with a reset that come in and match the rule: `tcp dport 80`.
    func resetPackets(matching rule: String) async throws {
        try await run("nft add table inet test")
        try await run("nft 'add chain inet test input { type filter hook input priority 0; }'")
        try await run("nft add rule inet test input \(rule) reject with tcp reset")
    }
}
