import JunctionUDP
import NIOCore
import TestSupport
import Testing

@Suite("Connected UDP socket", .timeLimit(.minutes(5)))
struct ConnectedSocketTests {
    @Test("a bound socket connects, hears its peer alone, disconnects, and hears everybody at the same address")
    func connectAndDisconnect() async throws {
        let (socket, peer, stranger) = (
            try await UDPSocket.local(), try await UDPSocket.local(), try await UDPSocket.local()
        )
        let address = try #require(socket.localAddress)
        #expect(socket.remoteAddress == nil)
        try await socket.connect(to: try #require(peer.localAddress))
        #expect(socket.remoteAddress == peer.localAddress)
        #expect(socket.localAddress == address)
        try await stranger.send("from a stranger", to: address)
        try await peer.send("from the peer", to: address)
        #expect(try await socket.receiveText() == "from the peer")
        try await socket.send("without an address")
        #expect(try await peer.receiveText() == "without an address")
        try await socket.send("with the peer's address", to: peer.localAddress)
        #expect(try await peer.receiveText() == "with the peer's address")

        try await socket.disconnect()
        #expect(socket.remoteAddress == nil)
        #expect(socket.localAddress == address)
        try await stranger.send("from a stranger", to: address)
        #expect(try await socket.receiveText() == "from a stranger")
        try await socket.send("to the stranger", to: stranger.localAddress)
        #expect(try await stranger.receiveText() == "to the stranger")
        for socket in [socket, peer, stranger] { socket.close() }
    }

    @Test("a socket for every address has it again after it was connected")
    func wildcard() async throws {
        let peer = try await UDPSocket.local()
        let socket = try await UDPSocket.bind(host: "0.0.0.0")
        let address = try #require(socket.localAddress)
        try await socket.connect(toHost: "127.0.0.1", port: try #require(peer.localAddress?.port))
        #expect(socket.localAddress?.ipAddress == "127.0.0.1")
        try await socket.disconnect()
        #expect(socket.localAddress == address)
        try await peer.send("hello", to: try SocketAddress(ipAddress: "127.0.0.1", port: try #require(address.port)))
        #expect(try await socket.receiveText() == "hello")
        socket.close()
        peer.close()
    }

    @Test("an IPv6 socket connects to an IPv4 peer")
    func dualStack() async throws {
        let peer = try await UDPSocket.local()
        let address = try #require(peer.localAddress)
        let socket = try await UDPSocket.bind(host: "::")
        try await socket.connect(to: address)
        try await socket.send("hello", to: address)
        let datagram = try #require(try await peer.receive())
        try await peer.send("back", to: datagram.sender)
        #expect(try await socket.receiveText() == "back")
        socket.close()
        peer.close()
    }

    @Test("says plainly that it has a peer, has another peer, or has none")
    func states() async throws {
        let (socket, peer) = (try await UDPSocket.local(), try await UDPSocket.local())
        let address = try #require(peer.localAddress)
        #expect(await networkError { try await socket.disconnect() }?.code == .notConnected)
        try await socket.connect(to: address)
        #expect(await networkError { try await socket.connect(to: address) }?.code == .alreadyConnected)
        let other = await networkError { try await socket.send("hello", to: socket.localAddress) }
        #expect(other?.code == .alreadyConnected)
        try await socket.disconnect()
        #expect(await networkError { try await socket.send("hello") }?.code == .notConnected)
        try await socket.connect(to: address)
        try await socket.send("connected again")
        #expect(try await peer.receiveText() == "connected again")
        socket.close()
        peer.close()
    }

    @Test("a refusal is the error of the next send, and the one after it is sent")
    func refusedSend() async throws {
        let peer = try await UDPSocket.local()
        let port = try #require(peer.localAddress?.port)
        peer.close()
        _ = try await peer.receive()
        try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
            try await socket.connect(toHost: "127.0.0.1", port: port)
            // Loopback answers within the call.
            try await socket.send("nobody")
            let error = await networkError { try await socket.send("not sent") }
            #expect(error?.code == .connectionRefused)
            let late = try await UDPSocket.bind(host: "127.0.0.1", port: port)
            try await socket.send("sent")
            #expect(try await late.receiveText() == "sent")
            try await late.send("answer", to: socket.localAddress)
            #expect(try await socket.receiveText() == "answer")
            #expect(await socket.failedSends == 1)
            late.close()
        }
    }

    @Test("refusals without end do not end the socket, whether it sends or receives")
    func refusedAgainAndAgain() async throws {
        let peer = try await UDPSocket.local()
        let port = try #require(peer.localAddress?.port)
        peer.close()
        _ = try await peer.receive()
        let socket = try await UDPSocket.connect(host: "127.0.0.1", port: port)
        for _ in 0..<200 { socket.queue("nobody") }
        for _ in 0..<20 {
            try await sendOnceSent("nobody", on: socket)  // the answer is there when this returns
            #expect(await networkError { _ = try await socket.receive() }?.code == .connectionRefused)
        }
        let late = try await UDPSocket.bind(host: "127.0.0.1", port: port)
        try await sendOnceSent("at last", on: socket)
        #expect(try await late.receiveText() == "at last")
        socket.close()
        late.close()
    }

    /// Sends until a send has not to report the refusal of an earlier one.
    private func sendOnceSent(_ text: String, on socket: UDPSocket) async throws {
        while true {
            do {
                return try await socket.send(text)
            } catch let error as NetworkError where error.code == .connectionRefused {}
        }
    }

    @Test("a closed socket neither connects nor disconnects")
    func closed() async throws {
        let socket = try await UDPSocket.local()
        let address = try #require(socket.localAddress)
        socket.close()
        #expect(await networkError { try await socket.connect(to: address) }?.code == .brokenPipe)
        #expect(await networkError { try await socket.disconnect() }?.code == .brokenPipe)
    }
}
