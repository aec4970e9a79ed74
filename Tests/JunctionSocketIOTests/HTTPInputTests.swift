import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// Bytes that are no HTTP, and HTTP beyond the limits. The connection ends, others go on.
@Suite(.timeLimit(.minutes(5))) struct HTTPInputTests {
    @Test("Noise ends the connection", arguments: 1...20 as ClosedRange<UInt64>)
    func noise(_ seed: UInt64) async throws {
        try await expectEnd(after: .noise(2_000, seed: seed))
    }

    @Test(
        "A broken request is answered with 400, and the connection ends",
        arguments: [
            "GET\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ])
    func brokenRequest(_ request: String) async throws {
        try await expect(400, to: ByteBuffer(string: request))
    }

    @Test("A request with more header fields than allowed is answered with 431, and the connection ends")
    func manyHeaders() async throws {
        let fields = (0..<200).map { "x\($0): 1\r\n" }.joined()
        try await expect(431, to: ByteBuffer(string: "GET / HTTP/1.1\r\n\(fields)\r\n"))
    }

    @Test("A request with a larger header than allowed is answered with 431, and the connection ends")
    func largeHeader() async throws {
        let value = String(repeating: "x", count: 100_000)
        try await expect(431, to: ByteBuffer(string: "GET / HTTP/1.1\r\nx: \(value)\r\n\r\n"))
    }

    @Test("A request line that never ends ends the connection")
    func longTarget() async throws {
        try await expectEnd(after: ByteBuffer(string: "GET /" + String(repeating: "x", count: 1_000_000)))
    }

    @Test("More requests ahead than allowed end the connection")
    func pipelined() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = TestServer.polling(try await TestServer.connect(connection))
                // The first one waits for packets, all others for their turn.
                let poll = String(buffer: RawConnection.bytes("GET", target))
                try await connection.send(String(repeating: poll, count: 20))
                try await connection.expectEnd()
                #expect(await server.nextReason() == "transport error")
            }
        }
    }

    /// Sends the bytes and reads the answer's status.
    private func expect(_ status: Int, to bytes: ByteBuffer) async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                try await connection.send(bytes)
                let answer = try await connection.response()
                #expect(answer.status == status)
                #expect(answer.headers["connection"] == ["close"])
                connection.finish()
                try await connection.expectEnd()
            }
        }
    }

    private func expectEnd(after bytes: ByteBuffer) async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                try await connection.send(bytes)
                connection.finish()
                try await connection.expectEnd()
            }
        }
    }
}
