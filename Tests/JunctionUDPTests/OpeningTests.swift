import JunctionUDP
import NIOCore
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("Opening a UDP socket", .timeLimit(.minutes(5)))
struct OpeningTests {
    private func any(_ family: UDPSocket.Family, ipv6Only: Bool = false) async throws -> UDPSocket {
        var configuration = UDPSocket.Configuration()
        configuration.family = family
        configuration.ipv6Only = ipv6Only
        return try await UDPSocket.bind(configuration: configuration)
    }

    private func loopback(_ host: String, _ socket: UDPSocket) throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: try #require(socket.localAddress?.port))
    }

    @Test("is bound to every address of its family: IPv4, IPv6, or both")
    func families() async throws {
        #expect(try await any(.ipv4).localAddress?.ipAddress == "0.0.0.0")
        #expect(try await any(.ipv6).localAddress?.ipAddress == "::")
        let (both, six) = (try await any(.automatic), try await any(.ipv6, ipv6Only: true))
        let sender = try await UDPSocket.local()
        try await sender.send("to both", to: try loopback("127.0.0.1", both))
        let datagram = try #require(try await both.receive())
        #expect(datagram.sender.ipAddress == "::ffff:127.0.0.1")
        try await both.send("back", to: sender.localAddress)
        #expect(try await sender.receiveText() == "back")

        try await UDPSocket.withSocket(host: "::1") { other in
            try await sender.send("not received", to: try loopback("127.0.0.1", six))
            try await other.send("received", to: try loopback("::1", six))
            #expect(try await six.receiveText() == "received")
        }
        for socket in [both, six, sender] { socket.close() }
    }

    @Test("an IPv4 socket is not bound to an IPv6 address, nor the other way round")
    func wrongFamily() async throws {
        for (family, host) in [(UDPSocket.Family.ipv4, "::1"), (.ipv6, "127.0.0.1")] {
            var configuration = UDPSocket.Configuration()
            configuration.family = family
            let error = await networkError { _ = try await UDPSocket.bind(host: host, configuration: configuration) }
            #expect(error?.code == .hostNotFound)
        }
    }

    @Test("sockets share a port if all of them ask for it, and each sender keeps to one of them")
    func sharedPort() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.reusePort = true
        let first = try await UDPSocket.local(configuration)
        let port = try #require(first.localAddress?.port)
        let second = try await UDPSocket.bind(host: "127.0.0.1", port: port, configuration: configuration)
        let refused = await networkError { _ = try await UDPSocket.bind(host: "127.0.0.1", port: port) }
        #expect(refused?.code == .addressInUse)
        var senders: [UDPSocket] = []
        for _ in 0..<32 {
            let sender = try await UDPSocket.local()
            for _ in 0..<3 { try await sender.send("hello", to: first.localAddress) }
            senders.append(sender)
        }
        var seen: [[SocketAddress: Int]] = []
        for socket in [first, second] {
            while await first.statistics.received + second.statistics.received < 96 { await Task.yield() }
            var count: [SocketAddress: Int] = [:]
            for _ in 0..<(await socket.statistics.received) {
                count[try #require(await socket.receive()).sender, default: 0] += 1
            }
            seen.append(count)
        }
        #expect(seen.allSatisfy { !$0.isEmpty && $0.values.allSatisfy { $0 == 3 } })
        for socket in senders + [first, second] { socket.close() }
    }

    @Test("a group's port can be shared with reuseAddress")
    func sharedAddress() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.reuseAddress = true
        let first = try await UDPSocket.bind(host: "0.0.0.0", configuration: configuration)
        let port = try #require(first.localAddress?.port)
        let second = try await UDPSocket.bind(host: "0.0.0.0", port: port, configuration: configuration)
        #expect(second.localAddress?.port == port)
        first.close()
        second.close()
    }

    @Test("takes over a descriptor, bound or connected, and closes it")
    func adopting() async throws {
        let peer = try await UDPSocket.local()
        let bound = try await UDPSocket.adopting(descriptor: try openLoopbackSocket())
        try await peer.send("hello", to: bound.localAddress)
        #expect(try await bound.receiveText() == "hello")

        let descriptor = try openLoopbackSocket()
        try #require(peer.localAddress).withSockAddr { _ = connect(descriptor, $0, socklen_t($1)) }
        let connected = try await UDPSocket.adopting(descriptor: descriptor)
        #expect(connected.remoteAddress == peer.localAddress)
        try await connected.send("by the connection")
        #expect(try await peer.receiveText() == "by the connection")
        try await peer.send("back", to: connected.localAddress)
        #expect(try await connected.receiveText() == "back")
        connected.close()
        #expect(try await connected.receive() == nil)
        bound.close()
        peer.close()
    }

    @Test("takes over no descriptor but a UDP socket's")
    func notASocket() async throws {
        var pipes: [CInt] = [0, 0]
        try #require(pipe(&pipes) == 0)
        let error = await networkError { _ = try await UDPSocket.adopting(descriptor: pipes[0]) }
        #expect(error?.message.hasPrefix("adopt the descriptor \(pipes[0])") == true)
        close(pipes[1])
        #if canImport(Darwin)
            let stream = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let stream = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #endif
        #expect(await networkError { _ = try await UDPSocket.adopting(descriptor: stream) }?.code == .invalidArgument)
    }

    @Test("asks the resolver that it was given, for sending, connecting and binding")
    func resolver() async throws {
        let peer = try await UDPSocket.local()
        let port = try #require(peer.localAddress?.port)
        var configuration = UDPSocket.Configuration()
        configuration.resolver = StaticHostResolver(["sensor": ["127.0.0.1"], "six": ["::1"]])
        let socket = try await UDPSocket.bind(host: "sensor", configuration: configuration)
        #expect(socket.localAddress?.ipAddress == "127.0.0.1")
        try await socket.send("to a name", toHost: "sensor", port: port)
        #expect(try await peer.receiveText() == "to a name")
        #expect(
            await networkError { try await socket.send("no IPv4", toHost: "six", port: port) }?.code == .hostNotFound)
        let unknown = await networkError { try await socket.send("unknown", toHost: "localhost", port: port) }
        #expect(unknown?.code == .hostNotFound)
        let connected = try await UDPSocket.connect(host: "SENSOR", port: port, configuration: configuration)
        try await connected.send("connected by a name")
        #expect(try await peer.receiveText() == "connected by a name")
        for socket in [peer, socket, connected] { socket.close() }
    }

    @Test("a server with a socket for each event loop answers every sender, in order")
    func socketPerEventLoop() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.socketPerEventLoop = true
        let server = UDPServer(
            host: "127.0.0.1", port: 0, configuration: configuration,
            onDatagram: { datagram, socket in socket.send(datagram.payload, to: datagram.sender) })
        try await server.withListening { address in
            for _ in 0..<16 {
                try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
                    for number in 0..<5 { try await socket.send("\(number)", to: address) }
                    for number in 0..<5 { #expect(try await socket.receiveText() == "\(number)") }
                }
            }
        }
    }
}
