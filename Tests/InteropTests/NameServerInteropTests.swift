import SeatCommands
import Testing

/// Host names, with name servers of the test's own.
@Suite(
    "Host names", .timeLimit(.minutes(5)), PrivateNetwork.requirement, Peer.privateNetwork.requirement,
    Peer.node.requirement)
struct NameServerInteropTests {
    private static let both: [SeatProcess.Kind] = [.node, .ours]

    /// Has the programs of the network ask that name server, for a second at most.
    private func ask(_ server: String, in network: PrivateNetwork) async throws {
        try await network.replace("/etc/resolv.conf", by: "nameserver \(server)\noptions timeout:1 attempts:1\n")
        try await network.replace("/etc/nsswitch.conf", by: "hosts: files dns\n")
    }

    /// A network with `dns-server.js` in it.
    private func withNames(_ body: @escaping @Sendable (PrivateNetwork) async throws -> Void) async throws {
        try await PrivateNetwork.run { network in
            try await ask("127.0.0.1", in: network)
            try await PeerProcess.run(.node, ["dns-server"], through: network.entry) { names in
                try await names.expect("name server")
                try await body(network)
            }
        }
    }

    @Test("A name without an address is not found, and a name server that fails is told apart, as on Node")
    func failures() async throws {
        try await withNames { network in
            try await SeatProcess.run(.node, in: network) { node in
                try await SeatProcess.run(.ours, in: network) { ours in
                    for (name, code, sentence) in [
                        ("unknown.test", "ENOTFOUND", "the host name has no address"),
                        ("empty.test", "ENOTFOUND", "the host name has no address"),
                        ("broken.test", "EAI_AGAIN", "the name server does not answer"),
                    ] {
                        for program in [node, ours] {
                            try await program.connect(SeatCommand(.connect, name, host: name, port: 9))
                            #expect(program.journal(of: name).first == "error \(code)", "\(program.kind.rawValue)")
                        }
                        let remarks = ours.remarks(of: name)
                        #expect(remarks.last?.contains(sentence) == true, "\(remarks)")
                    }
                }
            }
        }
    }

    @Test("A client connects by name, also where the name server has no answer about IPv6, or never gives one")
    func names() async throws {
        try await withNames { network in
            try await SeatProcess.run(.ours, in: network) { program in
                let port = try await program.serve(SeatCommand(.serve, "s"))
                for name in ["here.test", "half.test", "silent.test"] {
                    try await program.connect(
                        SeatCommand(.connect, name, host: name, port: port, script: ["open": "end"]))
                    try await program.waitForEnd(of: name)
                    #expect(program.journal(of: name) == ["open", "end", "close"])
                }
            }
        }
    }

    @Test("A name server that never answers is an error, as on Node, and does not hold a connect beyond its timeout")
    func muteServer() async throws {
        try await withNames { network in
            try await SeatProcess.run(.node, in: network) { node in
                try await SeatProcess.run(.ours, in: network) { ours in
                    for program in [node, ours] {
                        try await program.connect(SeatCommand(.connect, "c", host: "mute.test", port: 9))
                        #expect(program.journal(of: "c").first == "error EAI_AGAIN", "\(program.kind.rawValue)")
                    }
                    var command = SeatCommand(.connect, "d", host: "mute.test", port: 9)
                    command.connectTimeout = 100
                    try await ours.connect(command)
                    #expect(ours.journal(of: "d") == ["error ETIMEDOUT"])
                    #expect(ours.remarks(of: "d").last?.hasSuffix("(the host name was not resolved)") == true)
                }
            }
        }
    }
}
