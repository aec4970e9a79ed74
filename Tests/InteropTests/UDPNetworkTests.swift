import JunctionUDP
import NIOCore
import Testing

/// UDP between two machines, of which one is a network namespace with Node's `dgram`: groups, broadcasts, and networks that
/// refuse.
@Suite("UDP over a network", NetworkNamespace.requirement, Peer.node.requirement, .timeLimit(.minutes(5)))
struct UDPNetworkTests {
    private func open(_ host: String = "0.0.0.0", reportsDestination: Bool = false) async throws -> UDPSocket {
        var configuration = UDPSocket.Configuration()
        configuration.reportsDestination = reportsDestination
        return try await UDPSocket.bind(host: host, configuration: configuration)
    }

    private func port(_ socket: UDPSocket) throws -> Int { try #require(socket.localAddress?.port) }

    private func receive(_ socket: UDPSocket) async throws -> Datagram {
        var inbound = socket.inbound.makeAsyncIterator()
        return try #require(try await inbound.next())
    }

    private func text(_ socket: UDPSocket) async throws -> String {
        String(buffer: try await receive(socket).payload)
    }

    @Test(
        "A group's member hears it until it leaves, over IPv4 and IPv6",
        arguments: [("239.1.2.3", "udp4"), ("ff05::1:2:3", "udp6")])
    func joinAndLeave(group: String, type: String) async throws {
        try await NetworkNamespace.with { namespace in
            let link = namespace.links[0]
            let isIPv6 = type == "udp6"
            let (address, remote) = isIPv6 ? (link.address6, link.remote6) : (link.address, link.remote)
            try await NodeSocket.run(type, in: namespace) { node in
                _ = try await node.bind(remote)
                try await node.call("setMulticastInterface", .text(isIPv6 ? "::%\(link.there)" : remote))
                let socket = try await open("::")
                let port = try port(socket)
                try await node.send("before", to: port, group)
                try await node.send("alone", to: port, address)
                #expect(try await text(socket) == "alone")
                try await socket.joinGroup(group, on: .name(link.here))
                try await socket.joinGroup(group, on: .name(link.here))
                try await node.send("member", to: port, group)
                #expect(try await text(socket) == "member")
                try await socket.leaveGroup(group, on: .name(link.here))
                try await node.send("after", to: port, group)
                try await node.send("alone again", to: port, address)
                #expect(try await text(socket) == "alone again")
                socket.close()
            }
        }
    }

    @Test("A member of a source's group hears that source alone")
    func sourceSpecific() async throws {
        try await NetworkNamespace.with { namespace in
            let (link, group) = (namespace.links[0], "232.1.2.3")
            try await NodeSocket.run("udp4", in: namespace) { first in
                try await NodeSocket.run("udp4", in: namespace) { second in
                    for (node, address) in [(first, link.remote), (second, link.otherRemote)] {
                        _ = try await node.bind(address)
                        try await node.call("setMulticastInterface", .text(address))
                    }
                    let socket = try await open()
                    let port = try port(socket)
                    try await socket.joinGroup(group, on: .name(link.here), source: link.otherRemote)
                    try await first.send("from another source", to: port, group)
                    try await second.send("from the source", to: port, group)
                    let datagram = try await receive(socket)
                    #expect(String(buffer: datagram.payload) == "from the source")
                    #expect(datagram.sender.ipAddress == link.otherRemote)
                    try await socket.joinGroup(group, on: .name(link.here), source: link.remote)
                    try await first.send("from both sources", to: port, group)
                    #expect(try await text(socket) == "from both sources")
                    try await socket.leaveGroup(group, on: .name(link.here), source: link.otherRemote)
                    try await second.send("from a source that was left", to: port, group)
                    try await first.send("from the other one", to: port, group)
                    #expect(try await text(socket) == "from the other one")
                    socket.close()
                }
            }
        }
    }

    @Test("A member on one interface hears the group there alone, and datagrams tell interface and destination")
    func interfaces() async throws {
        try await NetworkNamespace.with(links: 2) { namespace in
            let group = "239.1.2.4"
            try await NodeSocket.run("udp4", in: namespace) { node in
                _ = try await node.bind("0.0.0.0")
                let socket = try await open(reportsDestination: true)
                let port = try port(socket)
                try await socket.joinGroup(group, on: .address(namespace.links[1].address))
                var indexes: Set<Int> = []
                for link in namespace.links {
                    try await node.call("setMulticastInterface", .text(link.remote))
                    try await node.send("by \(link.there)", to: port, group)
                    try await node.send("to one", to: port, link.address)
                }
                for (expected, destination) in [
                    ("to one", namespace.links[0].address), ("by \(namespace.links[1].there)", group),
                    ("to one", namespace.links[1].address),
                ] {
                    let datagram = try await receive(socket)
                    #expect(String(buffer: datagram.payload) == expected)
                    #expect(datagram.destination?.ipAddress == destination)
                    indexes.insert(try #require(datagram.interfaceIndex))
                }
                #expect(indexes.count == 2)
                socket.close()
            }
        }
    }

    @Test(
        "Sends to a group by the interface that is set, as far as the multicast TTL lets it, and without loopback if that is off"
    )
    func sendToGroup() async throws {
        try await NetworkNamespace.with(links: 2) { namespace in
            let (group, link) = ("239.1.2.5", namespace.links[1])
            try await NodeSocket.run("udp4", in: namespace) { node in
                let port = try await node.bind("0.0.0.0")
                try await node.call("addMembership", .text(group), .text(link.remote))
                let address = try SocketAddress(ipAddress: group, port: port)
                let (socket, member) = (try await open(), try await open())
                try await member.joinGroup(group, on: .name(link.here))
                let here = try SocketAddress(ipAddress: group, port: try self.port(member))

                try await socket.setMulticastInterface(.name(namespace.links[0].here))
                try await socket.send("by the other interface", to: address)
                try await socket.setMulticastInterface(.name(link.here))
                try await socket.setMulticastTTL(0)
                try await socket.send("stays here", to: address)
                try await socket.send("on this machine", to: here)
                #expect(try await text(member) == "on this machine")
                try await socket.setMulticastTTL(1)
                try await socket.setMulticastLoopback(false)
                try await socket.send("not on this machine", to: here)
                try await socket.send("to the network", to: address)
                try await node.process.expect("message to the network from \(link.address)")
                try await socket.setMulticastLoopback(true)
                try await socket.send("on this machine again", to: here)
                #expect(try await text(member) == "on this machine again")
                socket.close()
                member.close()
            }
        }
    }

    @Test("Broadcasts reach the network, and the network's are received and tell so")
    func broadcast() async throws {
        try await NetworkNamespace.with { namespace in
            let link = namespace.links[0]
            let everybody = "\(link.network).255"
            try await NodeSocket.run("udp4", in: namespace) { node in
                let remotePort = try await node.bind("0.0.0.0")
                let socket = try await open(reportsDestination: true)
                let address = try SocketAddress(ipAddress: everybody, port: remotePort)
                await #expect(throws: NetworkError.self) { try await socket.send("not allowed", to: address) }
                try await socket.setBroadcast(true)
                try await socket.send("to everybody", to: address)
                try await node.process.expect("message to everybody from \(link.address)")
                try await node.call("setBroadcast", true)
                try await node.send("from everybody's peer", to: try port(socket), everybody)
                let datagram = try await receive(socket)
                #expect(String(buffer: datagram.payload) == "from everybody's peer")
                #expect(datagram.destination?.ipAddress == everybody)
                socket.close()
            }
        }
    }

    @Test("A connected socket that the network forbids its peer hears so, and lives on")
    func prohibited() async throws {
        try await NetworkNamespace.with { namespace in
            let link = namespace.links[0]
            let behind = "10.127.\(link.network.split(separator: ".")[2]).9"
            try await NetworkNamespace.ip("route", "add", "\(behind)/32", "via", link.remote, "dev", link.here)
            try await namespace.execute("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
            // Routers that may not forward answer with ICMP “communication administratively prohibited”.
            try await namespace.inside("route", "add", "prohibit", "\(behind)/32")
            try await NodeSocket.run("udp4", in: namespace) { node in
                let port = try await node.bind("0.0.0.0")
                let socket = try await open()
                for _ in 0..<3 {
                    try await socket.connect(toHost: behind, port: 9)
                    try await socket.send("forbidden")
                    var inbound = socket.inbound.makeAsyncIterator()
                    let error = await #expect(throws: NetworkError.self) { _ = try await inbound.next() }
                    #expect(error?.code == .hostUnreachable)
                    try await socket.disconnect()
                }
                try await socket.send("allowed", to: try SocketAddress(ipAddress: link.remote, port: port))
                try await node.process.expect("message allowed from \(link.address)")
                try await node.send("back", to: try self.port(socket), link.address)
                #expect(try await text(socket) == "back")
                socket.close()
            }
        }
    }

    @Test("Datagrams that the kernel cannot cut for a network's smaller packets all arrive")
    func smallMTU() async throws {
        try await NetworkNamespace.with(mtu: 1_280) { namespace in
            let link = namespace.links[0]
            try await NodeSocket.run("udp4", in: namespace) { node in
                let address = try SocketAddress(ipAddress: link.remote, port: try await node.bind("0.0.0.0"))
                try await UDPSocket.withSocket(host: "0.0.0.0") { socket in
                    Self.queue(
                        (0..<10).map { ByteBuffer(repeating: UInt8(ascii: "a") + $0, count: 1_400) }, on: socket,
                        address)
                    for number in UInt8(0)..<10 {
                        let letter = Character(UnicodeScalar(UInt8(ascii: "a") + number))
                        try await node.process.expect("message 1400 bytes of \(letter) from \(link.address)")
                    }
                    let statistics = await socket.statistics
                    #expect(statistics.sent == 10 && statistics.failedSends == 0 && statistics.sendMessages == 10)
                }
            }
        }
    }

    @Test(
        "What a slow network has no room for waits, in order, up to a limit, and fails beyond it",
        Peer.trafficControl.requirement, arguments: [false, true])
    func slowNetwork(connected: Bool) async throws {
        try await NetworkNamespace.with { namespace in
            let link = namespace.links[0]
            try await PeerProcess.output(
                .trafficControl,
                ["qdisc", "add", "dev", link.here, "root", "tbf", "rate", "400kbit", "burst", "10kb", "latency", "10s"])
            var configuration = UDPSocket.Configuration()
            configuration.sendBufferSize = 8_192
            configuration.sendQueueLimit = 40_000
            let socket = try await UDPSocket.bind(host: "0.0.0.0", configuration: configuration)
            try await NodeSocket.run("udp4", in: namespace) { node in
                let address = try SocketAddress(ipAddress: link.remote, port: try await node.bind("0.0.0.0"))
                if connected { try await socket.connect(to: address) }
                let letters = (0..<26).map { UInt8(ascii: "a") + $0 }
                // Two rounds of 26,000 bytes: the kernel takes some, this socket keeps 40,000, the rest fails.
                Self.queue(letters.map { ByteBuffer(repeating: $0, count: 1_000) }, on: socket, address)
                #expect(await socket.sendQueueCount > 0)
                let size = await socket.sendQueueSize
                #expect(size > 0 && size % 1_000 == 0)
                try await socket.send("behind them", to: address)  // returns when the kernel has room
                for letter in letters {
                    try await node.process.expect(
                        "message 1000 bytes of \(Character(UnicodeScalar(letter))) from \(link.address)")
                }
                try await node.process.expect("message behind them from \(link.address)")
                #expect(await socket.sendQueueCount == 0)
                #expect(await socket.failedSends == 0)

                Self.queue(
                    (letters + letters + letters).map { ByteBuffer(repeating: $0, count: 1_000) }, on: socket, address)
                let error = await #expect(throws: NetworkError.self) {
                    try await socket.send(ByteBuffer(repeating: 0, count: 1_000), to: address)
                }
                #expect(error?.code == .noBufferSpace)
                let statistics = await socket.statistics
                #expect(statistics.failedSends > 1)
                #expect(await socket.sendQueueSize <= 40_000)
                socket.close()
                let closed = await socket.statistics
                #expect(closed.sent + closed.failedSends == 27 + 78 + 1)
                #expect(await socket.sendQueueCount == 0)
            }
        }
    }

    private static func queue(_ payloads: [ByteBuffer], on socket: UDPSocket, _ address: SocketAddress) {
        for payload in payloads { socket.send(payload, to: address) }
    }
}
