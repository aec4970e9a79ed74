import JunctionUDP
import NIOCore
import TestSupport
import Testing

@Suite("UDP socket", .timeLimit(.minutes(5)))
struct UDPSocketTests {
    @Test("sends datagrams and receives them with their sender")
    func sendAndReceive() async throws {
        let (first, second) = (try await UDPSocket.local(), try await UDPSocket.local())
        try await first.send("hello", to: second.localAddress)
        let datagram = try #require(try await second.receive())
        #expect(String(buffer: datagram.payload) == "hello")
        #expect(datagram.sender == first.localAddress)
        try await second.send("back", to: datagram.sender)
        #expect(try await first.receiveText() == "back")
        first.close()
        second.close()
    }

    @Test(
        "sends to a host by name at an address that it can reach",
        arguments: [
            // `localhost` may be ::1 as well, which the IPv4 socket cannot reach; the socket for both can reach either.
            ("127.0.0.1", "localhost", "127.0.0.1"), ("::", "127.0.0.1", "127.0.0.1"), ("::", "::1", "::1"),
        ])
    func byName(local: String, name: String, remote: String) async throws {
        let receiver = try await UDPSocket.bind(host: remote)
        let port = try #require(receiver.localAddress?.port)
        try await UDPSocket.withSocket(host: local) { socket in
            try await socket.send("hello", toHost: name, port: port)
        }
        #expect(try await receiver.receiveText() == "hello")
        receiver.close()
    }

    @Test(
        "says plainly that it cannot reach a host by name",
        arguments: [
            ("nowhere.invalid", 3_000, NetworkError.Code.hostNotFound), ("::1", 3_000, .hostNotFound),
            ("localhost", 65_536, .invalidPort), ("localhost", -1, .invalidPort),
        ])
    func unreachableName(name: String, port: Int, code: NetworkError.Code) async throws {
        try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
            let error = await networkError { try await socket.send("hello", toHost: name, port: port) }
            #expect(error?.code == code)
        }
    }

    @Test("keeps datagrams whole and apart, whatever their size", arguments: [0, 1, 512, 1_472, 9_000, 65_507])
    func sizes(size: Int) async throws {
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local())
        let payload = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })
        let address = try #require(receiver.localAddress)
        for _ in 0..<2 {
            try await sender.send(payload, to: address)
            let datagram = try #require(try await receiver.receive())
            #expect(datagram.payload == payload)
        }
        sender.close()
        receiver.close()
    }

    @Test("cuts off what is larger than the receiver allows")
    func maximumSize() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.maximumDatagramSize = 8
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local(configuration))
        let address = try #require(receiver.localAddress)
        try await sender.send("0123456789", to: address)
        try await sender.send("next", to: address)
        #expect(try await receiver.receiveText() == "01234567")
        #expect(try await receiver.receiveText() == "next")
        sender.close()
        receiver.close()
    }

    @Test("keeps the order and loses nothing while the reader keeps up")
    func order() async throws {
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local())
        let address = try #require(receiver.localAddress)
        for number in 0..<500 {
            try await sender.send("\(number)", to: address)
            #expect(try await receiver.receiveText() == "\(number)")
        }
        #expect(await receiver.dropped == 0)
        sender.close()
        receiver.close()
    }

    // MARK: Errors

    @Test("refuses a datagram that is too large, and lives on")
    func tooLarge() async throws {
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local())
        let address = try #require(receiver.localAddress)
        let error = await networkError { try await sender.send(ByteBuffer(repeating: 0, count: 65_508), to: address) }
        #expect(error?.code == .messageTooLarge)
        #expect(
            error?.message
                == "send 65508 bytes to 127.0.0.1:\(try #require(address.port)): the datagram is larger than the protocol allows"
        )
        try await sender.send("smaller", to: address)
        #expect(try await receiver.receiveText() == "smaller")
        sender.close()
        receiver.close()
    }

    @Test("needs an address when it is not connected")
    func noAddress() async throws {
        let socket = try await UDPSocket.local()
        let error = await networkError { try await socket.send("hello") }
        #expect(error?.code == .notConnected)
        #expect(error?.message == "send: the socket is not connected, so it needs an address")
        socket.close()
    }

    @Test("says plainly that a port is taken, and that a host has no address")
    func binding() async throws {
        let socket = try await UDPSocket.local()
        let port = try #require(socket.localAddress?.port)
        let taken = await networkError { _ = try await UDPSocket.bind(host: "127.0.0.1", port: port) }
        #expect(
            taken?.description == "EADDRINUSE: listen on 127.0.0.1:\(port): another program listens there already")
        let unknown = await networkError { try await socket.send("hello", toHost: "nowhere.invalid", port: 1) }
        #expect(unknown?.description == "ENOTFOUND: send to nowhere.invalid:1: the host name has no address")
        socket.close()
    }

    @Test("a connected socket hears that nobody listens, and lives on")
    func refused() async throws {
        let peer = try await UDPSocket.local()
        let address = try #require(peer.localAddress)
        let port = try #require(address.port)
        peer.close()
        let closed = try await peer.receive()
        #expect(closed == nil)

        let socket = try await UDPSocket.connect(host: "127.0.0.1", port: port)
        try await socket.send("anybody there?")
        let error = await networkError { _ = try await socket.receive() }
        #expect(error?.code == .connectionRefused)

        let late = try await UDPSocket.bind(host: "127.0.0.1", port: port)
        try await socket.send("and now?")
        #expect(try await late.receiveText() == "and now?")
        try await late.send("yes", to: socket.localAddress)
        #expect(try await socket.receiveText() == "yes")
        socket.close()
        late.close()
    }

    @Test("a connected socket hears its peer alone")
    func connected() async throws {
        let (peer, stranger) = (try await UDPSocket.local(), try await UDPSocket.local())
        let port = try #require(peer.localAddress?.port)
        let socket = try await UDPSocket.connect(host: "127.0.0.1", port: port)
        #expect(socket.remoteAddress == peer.localAddress)
        let address = try #require(socket.localAddress)
        try await stranger.send("from a stranger", to: address)
        try await peer.send("from the peer", to: address)
        #expect(try await socket.receiveText() == "from the peer")
        for socket in [peer, stranger, socket] { socket.close() }
    }

    // MARK: Reading and closing

    @Test("drops the oldest and counts when the reader is behind")
    func overflow() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.queueLimit = 4
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local(configuration))
        let address = try #require(receiver.localAddress)
        for number in 0..<20 { try await sender.send("\(number)", to: address) }
        // The loopback interface delivers in the call, so the counter reaches its end without a reader.
        while await receiver.dropped < 16 { await Task.yield() }
        for number in 16..<20 { #expect(try await receiver.receiveText() == "\(number)") }
        #expect(await receiver.dropped == 16)
        try await sender.send("next", to: address)
        #expect(try await receiver.receiveText() == "next")
        sender.close()
        receiver.close()
    }

    @Test("closing ends the sequence behind what has come")
    func close() async throws {
        let socket = try await UDPSocket.local()
        try await socket.send("to myself", to: socket.localAddress)
        #expect(try await socket.receiveText() == "to myself")
        async let waiting = socket.receive()
        socket.close()
        #expect(try await waiting == nil)
        #expect(try await socket.receive() == nil)
    }

    @Test("sending on a closed socket fails, and queued sends count as failed")
    func sendAfterClose() async throws {
        let socket = try await UDPSocket.local()
        let address = try #require(socket.localAddress)
        socket.close()
        let error = await networkError { try await socket.send("late", to: address) }
        #expect(error?.code == .brokenPipe)
        queue("late", on: socket, to: address)
        #expect(await socket.failedSends == 2)
    }

    /// Calls the form of `send` that does not wait.
    private func queue(_ text: String, on socket: UDPSocket, to address: SocketAddress) {
        socket.send(text, to: address)
    }

    @Test("sends that do not wait arrive in order")
    func queued() async throws {
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local())
        let address = try #require(receiver.localAddress)
        for number in 0..<50 { queue("\(number)", on: sender, to: address) }
        for number in 0..<50 { #expect(try await receiver.receiveText() == "\(number)") }
        #expect(await sender.failedSends == 0)
        sender.close()
        receiver.close()
    }

    @Test("a second reader is refused, and the first goes on waiting")
    func twoReaders() async throws {
        try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
            async let first = socket.receiveText()
            await Task.yield()  // the first task waits when this one goes on
            let error = await networkError { _ = try await socket.receive() }
            #expect(error?.code == .invalidState)
            #expect(error?.message == "a socket has one reader at a time")
            try await socket.send("for the first", to: socket.localAddress)
            #expect(try await first == "for the first")
        }
    }

    @Test("a reader that is cancelled leaves the next datagram to the next reader")
    func cancelledReader() async throws {
        let socket = try await UDPSocket.local()
        let first = Task { try await socket.receiveText() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await socket.send("for the second", to: socket.localAddress)
        #expect(try await socket.receiveText() == "for the second")
        socket.close()
    }

    @Test("a scope closes its socket when it returns and when it throws")
    func scope() async throws {
        struct Failure: Error {}
        let socket = try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { $0 }
        #expect(try await socket.receive() == nil)
        let leaked = Box<UDPSocket>()
        await #expect(throws: Failure.self) {
            try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                leaked.put(socket)
                throw Failure()
            }
        }
        #expect(try await leaked.take()?.receive() == nil)
    }
}
