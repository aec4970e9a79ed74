import JunctionUDP
import NIOCore
import Testing

/// UDP against Node's `dgram`.
@Suite(.timeLimit(.minutes(5))) struct UDPInteropTests {
    @Test("A UDP server answers Node's client, as a server on Node's dgram does", Peer.node.requirement)
    func serverAndNodeClient() async throws {
        let journal = Journal()
        let server = UDPServer(port: 0) { datagram, socket in
            journal.write("클라이언트로부터 데이터 수신: \(String(buffer: datagram.payload))")
            try await socket.send("Hello Client!", to: datagram.sender)
        }
        try await greet(server, journal)
    }

    @Test("A UDP server with a handler on its event loop answers Node's client", Peer.node.requirement)
    func inlineServerAndNodeClient() async throws {
        let journal = Journal()
        let server = UDPServer(
            port: 0,
            onDatagram: { datagram, socket in
                journal.write("클라이언트로부터 데이터 수신: \(String(buffer: datagram.payload))")
                socket.send("Hello Client!", to: datagram.sender)
            })
        try await greet(server, journal)
    }

    @Test("A UDP socket greets Node's server and reads its answer", Peer.node.requirement)
    func socketAndNodeServer() async throws {
        try await PeerProcess.run(.node, ["dgram-server", "0"]) { server in
            let port = try await server.port()
            try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                try await socket.send("Hello Server!", toHost: "127.0.0.1", port: port)
                var inbound = socket.inbound.makeAsyncIterator()
                let answer = try #require(try await inbound.next())
                #expect(String(buffer: answer.payload) == "Hello Client!")
                #expect(answer.sender.port == port)
            }
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
        }
    }

    @Test("A connected UDP socket talks to Node's server alone", Peer.node.requirement)
    func connectedSocketAndNodeServer() async throws {
        try await PeerProcess.run(.node, ["dgram-server", "0"]) { server in
            let socket = try await UDPSocket.connect(host: "127.0.0.1", port: try await server.port())
            defer { socket.close() }
            try await socket.send("Hello Server!")
            var inbound = socket.inbound.makeAsyncIterator()
            #expect(try await inbound.next()?.payload == ByteBuffer(string: "Hello Client!"))
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
        }
    }

    @Test("Errors have the codes that Node's dgram gives, in the same order", Peer.node.requirement)
    func errorCodes() async throws {
        try await NodeSocket.run("udp4") { node in
            let closed = try await UDPSocket.bind(host: "127.0.0.1")
            let port = try #require(closed.localAddress?.port)
            closed.close()
            for try await _ in closed.inbound {}
            let nobody = try SocketAddress(ipAddress: "127.0.0.1", port: port)
            let everybody = try SocketAddress(ipAddress: "255.255.255.255", port: port)
            let large = String(repeating: "x", count: 65_508)

            _ = try await node.bind("127.0.0.1")
            try await node.tell("send", .text(large), .number(port), "127.0.0.1")
            try await node.process.expect("failed EMSGSIZE")
            try await node.tell("send", "hello", .number(port), "255.255.255.255")
            try await node.process.expect("failed EACCES")
            try await node.tell("disconnect")
            try await node.process.expect("failed ERR_SOCKET_DGRAM_NOT_CONNECTED")
            try await node.tell("connect", .number(port), "127.0.0.1")
            try await node.process.expect("connected")
            try await node.tell("connect", .number(port), "127.0.0.1")
            try await node.process.expect("failed ERR_SOCKET_DGRAM_IS_CONNECTED")
            try await node.tell("write", "hello")
            try await node.process.expect("sent")
            try await node.process.expect("error ECONNREFUSED")
            try await node.call("disconnect")

            let socket = try await UDPSocket.bind(host: "127.0.0.1")
            #expect(await code { try await socket.send(large, to: nobody) } == .messageTooLarge)
            #expect(await code { try await socket.send("hello", to: everybody) } == .permissionDenied)
            #expect(await code { try await socket.disconnect() } == .notConnected)
            try await socket.connect(to: nobody)
            #expect(await code { try await socket.connect(to: nobody) } == .alreadyConnected)
            try await socket.send("hello")
            #expect(await code { for try await _ in socket.inbound {} } == .connectionRefused)
            try await socket.disconnect()
            socket.close()
        }
    }

    private func code(_ body: () async throws -> Void) async -> NetworkError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? NetworkError)?.code
        }
    }

    @Test("A socket connects to Node's, disconnects, and is heard at the same address", Peer.node.requirement)
    func connectToNode() async throws {
        try await NodeSocket.run("udp4") { node in
            let port = try await node.bind("127.0.0.1")
            let socket = try await UDPSocket.bind(host: "127.0.0.1")
            let own = try #require(socket.localAddress?.port)
            for _ in 0..<2 {
                try await socket.connect(toHost: "127.0.0.1", port: port)
                try await socket.send("connected")
                try await node.process.expect("message connected from 127.0.0.1")
                try await socket.disconnect()
                try await node.send("disconnected", to: own, "127.0.0.1")
                var inbound = socket.inbound.makeAsyncIterator()
                #expect(try await inbound.next()?.payload == ByteBuffer(string: "disconnected"))
            }
            socket.close()
        }
    }

    @Test("Sessions answer socat, each by itself", Peer.socat.requirement)
    func sessionsAndSocat() async throws {
        let server = UDPServer(
            host: "127.0.0.1", port: 0,
            onSession: { session in
                var count = 0
                for try await datagram in session.inbound {
                    count += 1
                    try await session.send("\(count): \(String(buffer: datagram.payload))")
                }
            })
        try await server.withListening { address in
            let port = try address.portText
            for _ in 0..<2 {
                try await PeerProcess.run(.socat, ["-", "UDP4:127.0.0.1:\(port)"]) { socat in
                    for number in 1...3 {
                        try await socat.write("hello\n")
                        try await socat.expect("\(number): hello")
                    }
                }
            }
        }
    }

    private func greet(_ server: UDPServer, _ journal: Journal) async throws {
        try await server.withListening { address in
            let port = try address.portText
            #expect(
                try await PeerProcess.output(.node, ["dgram-client", port, "reply"])
                    == ["서버로부터 데이터 수신: Hello Client!"])
            #expect(await journal.nextLine() == "클라이언트로부터 데이터 수신: Hello Server!")
            #expect(try await PeerProcess.output(.node, ["dgram-client", port]) == [])
            #expect(await journal.nextLine() == "클라이언트로부터 데이터 수신: Hello Server!")
        }
    }
}
