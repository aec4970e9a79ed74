import JunctionUDP
import NIOCore
import Testing

/// UDP against Node's `dgram`.
@Suite(.timeLimit(.minutes(1))) struct UDPInteropTests {
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
