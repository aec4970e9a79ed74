import JunctionUDP
import NIOCore
import TestSupport
import Testing

@Suite("Options of a UDP socket", .timeLimit(.minutes(5)))
struct OptionTests {
    @Test("keeps what is set, over IPv4 and IPv6", arguments: ["127.0.0.1", "::1", "::"])
    func roundTrip(host: String) async throws {
        try await UDPSocket.withSocket(host: host) { socket in
            #expect(try await socket.multicastTTL == 1)
            try await socket.setTTL(17)
            try await socket.setMulticastTTL(5)
            try await socket.setMulticastLoopback(false)
            try await socket.setMulticastInterface(.name("lo"))
            try await socket.setMulticastInterface(nil)
            try await socket.setBroadcast(true)
            #expect(try await socket.ttl == 17)
            #expect(try await socket.multicastTTL == 5)
        }
    }

    @Test("has the buffers that it was opened with, and that it is given")
    func buffers() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.receiveBufferSize = 50_000
        configuration.sendBufferSize = 60_000
        let socket = try await UDPSocket.local(configuration)
        // Linux counts its own part as well.
        let opened = [try await socket.receiveBufferSize, try await socket.sendBufferSize]
        #expect(opened == [50_000, 60_000] || opened == [100_000, 120_000])
        try await socket.setReceiveBufferSize(70_000)
        try await socket.setSendBufferSize(80_000)
        let set = [try await socket.receiveBufferSize, try await socket.sendBufferSize]
        #expect(set == [70_000, 80_000] || set == [140_000, 160_000])
        socket.close()
    }

    @Test("refuses values that make no sense, and all of them when it is closed")
    func refuses() async throws {
        let socket = try await UDPSocket.local()
        for (error, code): (NetworkError?, NetworkError.Code) in [
            (await networkError { try await socket.setTTL(0) }, .invalidArgument),
            (await networkError { try await socket.setTTL(256) }, .invalidArgument),
            (await networkError { try await socket.setMulticastTTL(-1) }, .invalidArgument),
            (await networkError { try await socket.setReceiveBufferSize(0) }, .invalidArgument),
            (await networkError { try await socket.setMulticastInterface(.name("no such")) }, .addressNotAvailable),
            (await networkError { try await socket.joinGroup("127.0.0.1") }, .invalidAddress),
            (await networkError { try await socket.joinGroup("no group") }, .invalidAddress),
            (await networkError { try await socket.joinGroup("232.1.1.1", source: "::1") }, .invalidAddress),
            (await networkError { try await socket.joinGroup("224.0.0.200", on: .index(0)) }, .addressNotAvailable),
            (await networkError { try await socket.leaveGroup("224.0.0.200", on: .name("lo")) }, .addressNotAvailable),
        ] {
            #expect(error?.code == code)
        }
        socket.close()
        #expect(await networkError { try await socket.setTTL(1) }?.code == .brokenPipe)
        #expect(await networkError { _ = try await socket.ttl }?.code == .brokenPipe)
        #expect(await networkError { try await socket.joinGroup("224.0.0.200") }?.code == .brokenPipe)
    }

    @Test("joining a group twice changes nothing, and leaving it once leaves it")
    func joinTwice() async throws {
        let socket = try await UDPSocket.bind(host: "0.0.0.0")
        for source in [nil, "127.0.0.1"] {
            let group = source == nil ? "239.255.7.7" : "232.7.7.7"
            try await socket.joinGroup(group, on: .name("lo"), source: source)
            try await socket.joinGroup(group, on: .name("lo"), source: source)
            try await socket.joinGroup(group, on: .address("127.0.0.1"), source: source)
            try await socket.leaveGroup(group, on: .name("lo"), source: source)
            let again = await networkError { try await socket.leaveGroup(group, on: .name("lo"), source: source) }
            #expect(again?.code == .addressNotAvailable)
        }
        socket.close()
    }

    @Test("a broadcast without the option is refused, and the socket lives on")
    func broadcastRefused() async throws {
        let (socket, peer) = (try await UDPSocket.local(), try await UDPSocket.local())
        let everybody = try SocketAddress(ipAddress: "255.255.255.255", port: 9)
        let error = await networkError { try await socket.send("hello", to: everybody) }
        #expect(error?.code == .permissionDenied)
        try await socket.send("still here", to: peer.localAddress)
        #expect(try await peer.receiveText() == "still here")
        #expect(await socket.failedSends == 1)
        socket.close()
        peer.close()
    }
}
