import JunctionTCP
import NIOCore
import Testing

/// TCP against Node's `net` and ncat.
@Suite(.timeLimit(.minutes(5))) struct TCPInteropTests {
    @Test("A TCP server greets Node's client, as a server on Node's net does", Peer.node.requirement)
    func serverAndNodeClient() async throws {
        let journal = Journal()
        try await greetingServer(journal).withListening { address in
            try await greet(by: "net-client", address, journal)
        }
    }

    @Test("A TCP client greets Node's server, as a client on Node's net does", Peer.node.requirement)
    func clientAndNodeServer() async throws {
        try await PeerProcess.run(.node, ["net-server", "0"]) { server in
            let port = try await server.port()
            try await TCPClient.withConnection(port: port) { connection in
                try await server.expect("클라이언트가 연결되었습니다.")
                try await connection.write("Hello Server!")
                var inbound = connection.inbound.makeAsyncIterator()
                #expect(try await inbound.next() == ByteBuffer(string: "Hello Client!"))
                connection.finish()
                #expect(try await inbound.next() == nil)
            }
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
            try await server.expect("클라이언트 연결이 종료되었습니다.")
        }
    }

    @Test("Lines reach the server whole however ncat cuts them, the last one without an end", Peer.ncat.requirement)
    func linesFromNcat() async throws {
        let server = TCPServer(port: 0, framing: .lines()) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
        try await server.withListening { address in
            try await PeerProcess.run(.ncat, ["127.0.0.1", try address.portText]) { ncat in
                try await ncat.write("first\n두 번")
                try await ncat.expect("first")
                try await ncat.write("째\r\n\nthird\nrest")
                try await ncat.expect("두 번째")
                try await ncat.expect("")
                try await ncat.expect("third")
                try await ncat.finishInput()
                try await ncat.expect("rest")
                try await ncat.expectEnd()
            }
        }
    }

    @Test("A server answers a Node client that has ended its side", Peer.node.requirement)
    func halfClosedByNode() async throws {
        let server = TCPServer(port: 0) { connection in
            var question = ByteBuffer()
            for try await part in connection.inbound { question.writeImmutableBuffer(part) }
            try await connection.write("received \(question.readableBytes) bytes")
        }
        try await server.withListening { address in
            let port = try address.portText
            let question = String(repeating: "질", count: 30_000)
            #expect(
                try await PeerProcess.output(.node, ["net-half-close", port, question])
                    == ["answered: received 90000 bytes"])
        }
    }

    @Test("A server answers ncat after the end of its input", Peer.ncat.requirement)
    func halfClosedByNcat() async throws {
        let server = TCPServer(port: 0) { connection in
            var count = 0
            for try await part in connection.inbound { count += part.readableBytes }
            try await connection.write("\(count) bytes in all\n")
        }
        try await server.withListening { address in
            try await PeerProcess.run(.ncat, ["127.0.0.1", try address.portText]) { ncat in
                try await ncat.write("one")
                try await ncat.finishInput()
                try await ncat.expect("3 bytes in all")
                try await ncat.expectEnd()
            }
        }
    }

    @Test("A client that resets its connection fails that one alone; the server goes on", Peer.node.requirement)
    func resetByNode() async throws {
        let journal = Journal()
        try await greetingServer(journal).withListening { address in
            let port = try address.portText
            #expect(try await PeerProcess.output(.node, ["net-reset", port]) == ["reset"])
            #expect(await journal.nextLine() == "클라이언트가 연결되었습니다.")
            #expect(await journal.nextLine() == "클라이언트로부터 데이터 수신: Hello Server!")
            #expect(await journal.nextLine() == "ECONNRESET")
            try await greet(by: "net-client", address, journal)
        }
    }

    /// The seed of all servers: greets whoever sends something.
    private func greetingServer(_ journal: Journal) -> TCPServer {
        TCPServer(port: 0) { connection in
            journal.write("클라이언트가 연결되었습니다.")
            do {
                for try await data in connection.inbound {
                    journal.write("클라이언트로부터 데이터 수신: \(String(buffer: data))")
                    try await connection.write("Hello Client!")
                }
            } catch let error as NetworkError {
                return journal.write(error.code.rawValue)
            }
            journal.write("클라이언트 연결이 종료되었습니다.")
        }
    }

    /// Has Node's client and the greeting server greet each other.
    private func greet(by client: String, _ address: SocketAddress, _ journal: Journal) async throws {
        try await PeerProcess.run(.node, [client, try address.portText]) { client in
            try await client.expect("서버에 연결되었습니다.")
            try await client.expect("서버로부터 데이터 수신: Hello Client!")
            try await client.expect("서버 연결이 종료되었습니다.")
            try await client.expectEnd()
        }
        #expect(await journal.nextLine() == "클라이언트가 연결되었습니다.")
        #expect(await journal.nextLine() == "클라이언트로부터 데이터 수신: Hello Server!")
        #expect(await journal.nextLine() == "클라이언트 연결이 종료되었습니다.")
    }
}
