import SeatCommands
import Testing

/// Networks that fail, in namespaces of their own. What Node sees there is seen here.
@Suite(
    "TCP on a network that fails", .timeLimit(.minutes(5)), PrivateNetwork.requirement,
    Peer.privateNetwork.requirement, Peer.node.requirement)
struct NetworkFaultInteropTests {
    private static let both: [SeatProcess.Kind] = [.node, .ours]

    /// Connects in vain, and returns the journal, and what this package says in a sentence.
    private func failure(
        of kind: SeatProcess.Kind, in network: PrivateNetwork, to host: String, port: Int = 9, within limit: Int? = nil
    ) async throws -> (code: String?, sentence: String?) {
        try await SeatProcess.run(kind, in: network) { program in
            var command = SeatCommand(.connect, "c", host: host, port: port)
            command.connectTimeout = limit
            try await program.connect(command)
            #expect(!program.journal(of: "c").contains("open"))
            return (program.journal(of: "c").first, program.remarks(of: "c").last)
        }
    }

    // MARK: Peers that vanish

    @Test("A peer that is cut off is found by keep-alive probes; the server lives on")
    func keepAlive() async throws {
        try await PrivateNetwork.runPair { near, far in
            try await SeatProcess.run(.ours, in: near) { server in
                try await SeatProcess.run(.node, in: far) { client in
                    var command = SeatCommand(.serve, "s", host: "198.51.100.1")
                    command.keepAlive = [1, 1, 1]
                    let port = try await server.serve(command)
                    try await client.connect(SeatCommand(.connect, "c", host: "198.51.100.1", port: port))
                    try await server.wait(for: "s1", event: "open")
                    try await far.run("ip link set far down")
                    try await server.waitForEnd(of: "s1")
                    #expect(server.journal(of: "s1") == ["open", "error ETIMEDOUT", "close after error"])
                    try await expectService(by: server, port: port)
                }
            }
        }
    }

    @Test("A peer that is cut off while it is written to fails the write at the write timeout; the server lives on")
    func writeTimeout() async throws {
        try await PrivateNetwork.runPair { near, far in
            try await SeatProcess.run(.ours, in: near) { server in
                try await SeatProcess.run(.node, in: far) { client in
                    var command = SeatCommand(.serve, "s", host: "198.51.100.1", script: ["go": "write 8000000"])
                    command.writeTimeout = 500
                    let port = try await server.serve(command)
                    try await client.connect(SeatCommand(.connect, "c", host: "198.51.100.1", port: port))
                    try await server.wait(for: "s1", event: "open")
                    try await far.run("ip link set far down")
                    try await server.signal("go")
                    try await server.waitForEnd(of: "s1")
                    #expect(server.journal(of: "s1") == ["open", "error ETIMEDOUT", "close after error"])
                    let remarks = server.remarks(of: "s1")
                    #expect(remarks.last?.contains("the peer has taken nothing for 500 ms") == true, "\(remarks)")
                    try await expectService(by: server, port: port)
                }
            }
        }
    }

    private func expectService(by server: SeatProcess, port: Int) async throws {
        let next = SeatCommand(.connect, "next", host: "198.51.100.1", port: port, script: ["open": "end"])
        try await server.connect(next)
        try await server.waitForEnd(of: "next")
        #expect(server.journal(of: "next") == ["open", "end", "close"])
    }

    // MARK: No way

    @Test("Where there is no route, a connect fails at once, as on Node's net, and says so", arguments: both)
    func noRoute(kind: SeatProcess.Kind) async throws {
        try await PrivateNetwork.run { network in
            try await network.run("ip route add unreachable 203.0.113.0/25")
            try await network.run("ip route add prohibit 203.0.113.128/25")
            for (host, code, sentence) in [
                ("198.51.100.9", "ENETUNREACH", "no route to the network"),
                ("2001:db8::9", "ENETUNREACH", "no route to the network"),
                ("203.0.113.9", "EHOSTUNREACH", "no route to the host"),
                ("203.0.113.200", "EACCES", "permission denied"),
            ] {
                let failure = try await failure(of: kind, in: network, to: host)
                #expect(failure.code == "error \(code)", "\(host)")
                let target = host.contains(":") ? "[\(host)]:9" : "\(host):9"
                if kind == .ours { #expect(failure.sentence == "connect to \(target): \(sentence)") }
            }
        }
    }

    @Test("A router that knows no way to the host fails a connect, as on Node's net, and says so", arguments: both)
    func routerRefuses(kind: SeatProcess.Kind) async throws {
        try await PrivateNetwork.runPair { near, far in
            try await near.run("ip route add default via 198.51.100.2")
            try await far.run("echo 1 > /proc/sys/net/ipv4/ip_forward")
            try await far.run("ip route add unreachable 203.0.113.0/24")
            let failure = try await failure(of: kind, in: near, to: "203.0.113.9")
            #expect(failure.code == "error EHOSTUNREACH")
            if kind == .ours { #expect(failure.sentence == "connect to 203.0.113.9:9: no route to the host") }
        }
    }

    // MARK: A firewall that resets

    @Test(
        "A firewall that answers with a reset refuses a connect, and breaks an open connection, as on Node's net",
        Peer.nft.requirement, arguments: both)
    func firewall(kind: SeatProcess.Kind) async throws {
        try await PrivateNetwork.run { network in
            try await SeatProcess.run(kind, in: network) { program in
                let port = try await program.serve(SeatCommand(.serve, "s", script: ["answer": "write 5"]))
                let other = try await program.serve(SeatCommand(.serve, "t"))
                for (name, port) in [("a", port), ("b", other)] {
                    try await program.connect(SeatCommand(.connect, name, port: port, script: ["ask": "write 5"]))
                }
                try await program.wait(for: "s1", event: "open")
                try await program.wait(for: "t1", event: "open")
                // Of one connection the server's packets are answered with a reset, of the other the client's.
                try await network.resetPackets(matching: "tcp sport \(port)")
                try await network.resetPackets(matching: "tcp dport \(other)")
                try await program.signal("answer")
                try await program.waitForEnd(of: "s1")
                try await program.signal("ask")
                try await program.waitForEnd(of: "b")
                for seat in ["s1", "b"] {
                    #expect(program.journal(of: seat) == ["open", "error ECONNRESET", "close after error"], "\(seat)")
                }
                try await program.connect(SeatCommand(.connect, "c", port: other))
                #expect(program.journal(of: "c").first == "error ECONNREFUSED")
            }
        }
    }

    // MARK: Addresses

    @Test("A client connects from the address and the port that it chooses, as on Node's net", arguments: both)
    func localAddress(kind: SeatProcess.Kind) async throws {
        try await PrivateNetwork.runPair { near, far in
            for host in [11, 12] { try await near.run("ip address add 198.51.100.\(host)/24 dev near") }
            try await far.run("ip neighbour add 198.51.100.12 lladdr 02:00:00:00:00:01 dev far")
            try await SeatProcess.run(.node, in: far) { server in
                try await SeatProcess.run(kind, in: near) { client in
                    let port = try await server.serve(SeatCommand(.serve, "s", host: "198.51.100.2"))
                    var command = SeatCommand(.connect, "c", host: "198.51.100.2", port: port, script: ["open": "end"])
                    command.localAddress = "198.51.100.12"
                    command.localPort = 40_000
                    try await client.connect(command)
                    try await server.waitForEnd(of: "s1")
                    #expect(server.remarks(of: "s1") == ["from 198.51.100.12:40000 to 198.51.100.2:\(port)"])
                    #expect(server.journal(of: "s1") == ["open", "end", "close"])
                }
            }
        }
    }

    @Test(
        "A server and a client meet at a link-local IPv6 address with a zone, whoever of them is Node",
        arguments: both, both)
    func linkLocal(server: SeatProcess.Kind, client: SeatProcess.Kind) async throws {
        try await PrivateNetwork.runPair { near, far in
            try await SeatProcess.run(server, in: near) { server in
                try await SeatProcess.run(client, in: far) { client in
                    let port = try await server.serve(SeatCommand(.serve, "s", host: "fe80::1%near"))
                    var command = SeatCommand(.connect, "c", host: "fe80::1%far", port: port, script: ["open": "end"])
                    command.localAddress = "fe80::2%far"
                    try await client.connect(command)
                    try await client.waitForEnd(of: "c")
                    try await server.waitForEnd(of: "s1")
                    #expect(client.journal(of: "c") == ["open", "end", "close"])
                    #expect(server.journal(of: "s1") == ["open", "end", "close"])
                }
            }
        }
    }

    @Test("A zone that is no interface is an error that names it, of a server and of a client")
    func unknownZone() async throws {
        try await PrivateNetwork.run { network in
            try await SeatProcess.run(.ours, in: network) { program in
                try await program.send(SeatCommand(.serve, "s", host: "fe80::1%nowhere", port: 9))
                try await program.send(SeatCommand(.connect, "c", host: "fe80::1%nowhere", port: 9))
                for (seat, action) in [("s", "listen on"), ("c", "connect to")] {
                    try await program.waitForEnd(of: seat)
                    #expect(program.journal(of: seat) == ["error ERR_INVALID_ADDRESS"])
                    let sentence = "\(action) [fe80::1%nowhere]:9: \"nowhere\" is no network interface"
                    #expect(program.remarks(of: seat) == [sentence])
                }
            }
        }
    }
}
