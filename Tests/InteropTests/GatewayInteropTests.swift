import JunctionTCP
import JunctionUDP
import NIOCore
import Subprocess
import Testing

/// The program `junction` with the clients that its first line names.
@Suite(.serialized, .timeLimit(.minutes(5))) struct GatewayInteropTests {
    @Test("The program says where it listens, and how to reach it")
    func announcement() async throws {
        try await PeerProcess.run(.junction, ["--port", "0"]) { junction in
            let port = try await junction.expect(prefix: "Junction listens on 127.0.0.1, port ").dropLast()
            try await junction.expect("  TCP        ncat 127.0.0.1 \(port)")
            try await junction.expect("  UDP        ncat -u 127.0.0.1 \(port)")
            try await junction.expect(#"  Socket.IO  io("http://127.0.0.1:\#(port)")"#)
            try await junction.expect("  Web page   http://127.0.0.1:\(port)/")
            try await junction.expect("Stop it with Ctrl-C.")
        }
    }

    @Test(
        "ncat by TCP, ncat by UDP and python-socketio hear each other",
        Peer.ncat.requirement, Peer.python.requirement)
    func everybody() async throws {
        try await GatewayClients.run { clients in
            try await clients.tcp.write("하나\n")
            try await clients.web.expect(#"tcp: "하나""#)
            try await clients.web.write(#"", 둘\n""# + "\n")
            try await clients.tcp.expect(", 둘")
            try await clients.udp.expect("하나, 둘")  // two datagrams, of which the second one ends a line
            try await clients.udp.write("셋\n")
            try await clients.tcp.expect("셋")
            try await clients.web.expect(#"udp: "셋\n""#)
            try await clients.web.write(#"{"넷": [4, null]}"# + "\n")
            try await clients.tcp.expect(#"{"넷":[4,null]}"#)

            try await clients.tcp.finishInput()
            try await clients.tcp.expectEnd()
            try await clients.web.expect("left tcp: closed by the peer")
        }
    }

    @Test(
        "A signal ends the program when its clients have been told",
        Peer.ncat.requirement, Peer.socat.requirement, Peer.python.requirement,
        arguments: [Signal.terminate, .interrupt])
    func signal(_ signal: Signal) async throws {
        try await GatewayClients.run { clients in
            // One that ends with its connection: ncat waits for the end of its input, too.
            try await PeerProcess.run(.socat, ["-", "TCP:127.0.0.1:\(clients.port)"]) { socat in
                try await socat.write("hello\n")
                try await clients.web.expect("joined tcp")
                try await clients.web.expect(#"tcp: "hello""#)
                try clients.junction.send(signal)
                // What python-socketio calls a WebSocket connection that the server has closed.
                try await clients.web.expect("disconnected: transport error")
                try await clients.web.expectEnd()
                try await socat.expectEnd()
                try await clients.tcp.expect("hello")
                try await clients.tcp.finishInput()
                try await clients.tcp.expectEnd()
                try await clients.junction.expectEnd()
            }
        }
    }

    @Test("A port that another program has on TCP ends the program with one sentence")
    func takenOnTCP() async throws {
        try await TCPServer(host: "127.0.0.1", port: 0) { _ in }.withListening { address in
            try await expectTaken(try address.portText)
        }
    }

    @Test("A port that another program has on UDP ends the program with one sentence")
    func takenOnUDP() async throws {
        let socket = try await UDPSocket.bind(host: "127.0.0.1")
        defer { socket.close() }
        try await expectTaken(try #require(socket.localAddress).portText)
    }

    private func expectTaken(_ port: String) async throws {
        try await PeerProcess.run(.junction, ["--port", port]) { junction in
            try await junction.expect(
                "Error: listen on 127.0.0.1:\(port): another program listens there already. "
                    + "Stop it, or choose another port with --port.")
            try await junction.expectEnd(status: 1)
        }
    }
}
