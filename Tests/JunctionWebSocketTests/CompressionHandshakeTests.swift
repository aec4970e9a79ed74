import NIOCore
import NIOHTTP1
import RawClients
import Testing

@testable import JunctionWebSocket

/// permessage-deflate over real sockets.
@Suite("permessage-deflate: the handshake", .timeLimit(.minutes(5)))
struct CompressionHandshakeTests {
    /// An echo server.
    private func server(_ compression: WebSocketCompression?, maximumMessageSize: Int = 1_000_000) -> WebSocketServer {
        WebSocketServer(
            host: "127.0.0.1", port: 0, maximumMessageSize: maximumMessageSize, perMessageDeflate: compression,
            onMessage: { message, connection in connection.send(message) })
    }

    private func handshake(offering extensions: String...) -> HTTPHeaders {
        var headers = RawWebSocket.handshake
        for value in extensions { headers.add(name: "sec-websocket-extensions", value: value) }
        return headers
    }

    @Test("a server without the option does not answer an offer, and refuses compressed frames")
    func withoutOption() async throws {
        let headers = handshake(offering: "permessage-deflate")
        try await server(nil).withListening { address in
            try await RawConnection.with(address) { connection in
                let response = try await connection.request("GET", "/", headers: headers)
                #expect(response.status == 101)
                #expect(!response.headers.contains(name: "sec-websocket-extensions"))
                try await connection.send(frame(0xC1, ByteBuffer(bytes: [0x00])))
                var client = WebSocketFrameDecoder(role: .client)
                let bytes = try #require(try await connection.read())
                let code = WebSocketError(.reservedBits)
                let decoded = client.decode(bytes)
                #expect(decoded.events == [.close(code: .protocolError, reason: code.message)])
            }
        }
    }

    @Test("a server with the option says what it agrees to, in one field, and to nothing unasked")
    func agreed() async throws {
        let headers = handshake(
            offering: "x-other, permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits")
        try await server(WebSocketCompression()).withListening { address in
            try await RawConnection.with(address) { connection in
                let response = try await connection.request("GET", "/", headers: headers)
                #expect(response.status == 101)
                #expect(
                    response.headers["sec-websocket-extensions"] == [
                        "permessage-deflate; server_no_context_takeover"
                    ])
            }
            try await RawConnection.with(address) { connection in
                let response = try await connection.request("GET", "/", headers: RawWebSocket.handshake)
                #expect(response.status == 101)
                #expect(!response.headers.contains(name: "sec-websocket-extensions"))
            }
        }
    }

    @Test("a header that cannot be read, or is too long, is answered with 400")
    func malformed() async throws {
        let values = ["permessage-deflate;;", String(repeating: "a,", count: 2049)]
        let headers = values.map { handshake(offering: $0) }
        try await server(WebSocketCompression()).withListening { address in
            for headers in headers {
                try await RawConnection.with(address) { connection in
                    let response = try await connection.request("GET", "/", headers: headers)
                    #expect(response.status == 400)
                }
            }
        }
    }

    @Test("messages are echoed compressed over a socket, and a bomb ends its connection with 1009")
    func echo() async throws {
        let headers = handshake(offering: "permessage-deflate")
        try await server(WebSocketCompression(), maximumMessageSize: 100_000).withListening { address in
            try await RawConnection.with(address) { connection in
                #expect(try await connection.request("GET", "/", headers: headers).status == 101)
                let client = CompressingPeer(agreement())
                let text = ByteBuffer(string: String(repeating: "안녕, hello! ", count: 3_000))
                try await connection.send(client.message(.text, text))
                var events: [WebSocketEvent] = []
                while events.isEmpty {
                    let bytes = try #require(try await connection.read())
                    #expect(bytes.readableBytes < 10_000)
                    events = client.decode(bytes).events
                }
                #expect(events == [.text(text)])
                try await connection.send(client.message(.binary, ByteBuffer(repeating: 0, count: 20_000_000)))
                let reason = WebSocketError(.messageTooBig).message
                let bytes = try #require(try await connection.read())
                #expect(client.decode(bytes).events == [.close(code: .messageTooBig, reason: reason)])
            }
        }
    }
}
