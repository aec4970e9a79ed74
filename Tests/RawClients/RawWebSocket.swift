package import JunctionTCP
package import JunctionWebSocket
package import NIOCore
package import NIOHTTP1
import Testing

/// A WebSocket client that sends what a test wants, frames of its own making included.
package final class RawWebSocket {
    private let connection: RawConnection
    private var decoder = WebSocketFrameDecoder(role: .client)

    private init(_ connection: RawConnection) { self.connection = connection }

    /// The fields of the opening handshake (RFC 6455, section 1.3, whose key it has).
    package static let handshake: HTTPHeaders = [
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]

    /// Opens a WebSocket connection, and closes the TCP connection when `body` is done.
    package static func with<Result>(
        _ address: SocketAddress, _ target: String = "/socket.io/?EIO=4&transport=websocket",
        tls: ClientTLS? = nil, _ body: (RawWebSocket) async throws -> Result
    ) async throws -> Result {
        try await RawConnection.with(address, tls: tls) { connection in
            try await body(try await upgrade(connection, target))
        }
    }

    /// Makes a WebSocket connection of one that may have been used before.
    package static func upgrade(
        _ connection: RawConnection, _ target: String = "/socket.io/?EIO=4&transport=websocket"
    ) async throws -> RawWebSocket {
        let response = try await connection.request("GET", target, headers: handshake)
        try #require(response.status == 101)
        return RawWebSocket(connection)
    }

    // MARK: Sending

    package func send(_ text: String) async throws { try await send(.text, ByteBuffer(string: text)) }
    package func send(_ bytes: [UInt8]) async throws { try await send(.binary, ByteBuffer(bytes: bytes)) }
    package func send(raw bytes: ByteBuffer) async throws { try await connection.send(bytes) }

    private func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) async throws {
        try await connection.send(Self.frame(opcode, payload))
    }

    /// A frame as a client sends it.
    package static func frame(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, isFinal: Bool = true) -> ByteBuffer {
        var frame = ByteBuffer()
        WebSocketFrameEncoder.write(opcode, payload, maskingKey: 0x37FA_213D, isFinal: isFinal, into: &frame)
        return frame
    }

    /// Ends the write side of the TCP connection.
    package func finish() { connection.finish() }

    // MARK: Receiving

    /// What the server says next; nil when the TCP connection has ended.
    package func next() async throws -> WebSocketEvent? {
        while true {
            if let event = try decoder.next() { return event }
            guard let bytes = try await connection.read() else { return nil }
            decoder.append(bytes)
        }
    }

    /// The next message, which must be text.
    package func nextText() async throws -> String {
        let event = try await next()
        guard case .text(let text)? = event else {
            Issue.record("expected text, got \(event.map { "\($0)" } ?? "the end")")
            throw CancellationError()
        }
        return String(buffer: text)
    }

    /// The next message that is not a ping; pings are answered.
    package func nextPacket() async throws -> String {
        while true {
            let text = try await nextText()
            guard text == "2" else { return text }
            try await send("3")
        }
    }

    /// Waits for the server's close frame, answers it, and waits for the end of the connection. The frame's code, nil
    /// without a frame.
    package func closeCode() async throws -> WebSocketCloseCode? {
        var found: WebSocketCloseCode?
        while let event = try await next() {
            guard case .close(let code, _) = event else { continue }
            found = code
            var answer = ByteBuffer()
            WebSocketFrameEncoder.writeClose(code, maskingKey: 0x37FA_213D, into: &answer)
            // The server may be gone already: after an error it does not wait for the answer.
            try? await connection.send(answer)
        }
        return found
    }

    // MARK: Socket.IO

    /// Reads the Engine.IO handshake, connects to the namespace, reads the confirmation and returns the socket's id.
    @discardableResult
    package func connect(_ namespace: String = "/") async throws -> String {
        #expect(try await nextText().hasPrefix(#"0{"sid":"#))
        return try await join(namespace)
    }

    /// Connects to a namespace, reads the confirmation and returns the socket's id.
    @discardableResult
    package func join(_ namespace: String) async throws -> String {
        let prefix = namespace == "/" ? "40" : "40\(namespace),"
        try await send(prefix)
        let answer = try await nextPacket()
        let id = try #require(answer.wholeMatch(of: /40.*{"sid":"([^"]+)".*}/)?.1, "\(answer) confirms nothing")
        try #require(answer.hasPrefix(prefix))
        return String(id)
    }

    /// Sends an event and awaits the same one back.
    package func expectEcho(_ namespace: String = "/") async throws {
        let event = (namespace == "/" ? "42" : "42\(namespace),") + #"["echo","still here"]"#
        try await send(event)
        #expect(try await nextPacket() == event)
    }
}
