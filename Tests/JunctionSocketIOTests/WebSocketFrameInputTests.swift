import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Frames against RFC 6455 or the server's limits, on a session: the connection is closed with the code of section 7.4.
@Suite(.timeLimit(.minutes(5))) struct WebSocketFrameInputTests {
    /// Bytes that no client may send, and the code that they are answered with.
    struct Offence: Sendable, CustomTestStringConvertible {
        var title: String
        var code: WebSocketCloseCode
        var bytes: ByteBuffer

        var testDescription: String { title }
    }

    static let maximumSize = 10_000

    @Test(
        "A frame that breaks the protocol or a limit is answered with its code, and the connection ends",
        arguments: [
            Offence(title: "not masked", code: .protocolError, bytes: ByteBuffer(bytes: [0x81, 0x01, 0x34])),
            Offence(
                title: "a reserved bit", code: .protocolError, bytes: ByteBuffer(bytes: [0xC1, 0x81, 0, 0, 0, 0, 0x34])),
            Offence(
                title: "a reserved opcode", code: .protocolError, bytes: ByteBuffer(bytes: [0x83, 0x80, 0, 0, 0, 0])),
            Offence(
                title: "nothing to continue", code: .protocolError,
                bytes: RawWebSocket.frame(.continuation, ByteBuffer(string: "4"))),
            Offence(
                title: "a ping in fragments", code: .protocolError,
                bytes: RawWebSocket.frame(.ping, ByteBuffer(), isFinal: false)),
            Offence(
                title: "a long ping", code: .protocolError,
                bytes: RawWebSocket.frame(.ping, ByteBuffer(repeating: 0, count: 126))),
            Offence(
                title: "a close code that must not be sent", code: .protocolError,
                bytes: RawWebSocket.frame(.close, ByteBuffer(bytes: [0x03, 0xED]))),
            Offence(
                title: "text that is not UTF-8", code: .invalidData,
                bytes: RawWebSocket.frame(.text, ByteBuffer(bytes: [0x34, 0xC3, 0x28]))),
            Offence(
                title: "text that ends within a character", code: .invalidData,
                bytes: RawWebSocket.frame(.text, ByteBuffer(bytes: [0x34, 0xF0, 0x9F]))),
            Offence(
                title: "too large, announced", code: .messageTooBig,
                bytes: ByteBuffer(bytes: [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])),
            Offence(
                title: "too large, sent", code: .messageTooBig,
                bytes: RawWebSocket.frame(.text, ByteBuffer(repeating: 0x34, count: 20_000_000))),
            Offence(
                title: "too large, in fragments", code: .messageTooBig,
                bytes: ByteBuffer(
                    buffers: RawWebSocket.frame(.binary, ByteBuffer(repeating: 1, count: maximumSize), isFinal: false),
                    RawWebSocket.frame(.continuation, ByteBuffer(repeating: 1, count: 1)))),
        ])
    func offence(_ offence: Offence) async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = Self.maximumSize
        try await TestServer.run(options: options) { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                try await socket.send(raw: offence.bytes)
                #expect(try await socket.closeCode() == offence.code)
                #expect(await server.nextReason() == "transport error")
            }
        }
    }

    @Test("A message as large as allowed is taken")
    func largestAllowed() async throws {
        var options = SocketIOOptions()
        options.engine.maxHttpBufferSize = Self.maximumSize
        try await TestServer.run(options: options) { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                let event = #"42["echo",""# + String(repeating: "a", count: Self.maximumSize - 13) + #""]"#
                try #require(event.utf8.count == Self.maximumSize)
                try await socket.send(event)
                #expect(try await socket.nextText() == event)
            }
        }
    }

    @Test("Noise in place of frames ends the connection", arguments: 1...20 as ClosedRange<UInt64>)
    func noise(_ seed: UInt64) async throws {
        try await TestServer.run { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                try await socket.send(raw: .noise(5_000, seed: seed))
                socket.finish()
                _ = try await socket.closeCode()
                #expect(await server.nextReason() != nil)
            }
        }
    }

    @Test("A message that is cut off is not delivered, and its connection ends")
    func cutOff() async throws {
        try await TestServer.run { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                let frame = RawWebSocket.frame(.text, ByteBuffer(string: #"42["echo","never"]"#))
                try await socket.send(raw: frame.getSlice(at: 0, length: frame.readableBytes - 1) ?? frame)
                socket.finish()
                #expect(try await socket.next() == nil)
                #expect(await server.nextReason() == "transport close")
            }
        }
    }
}

extension ByteBuffer {
    /// The bytes of all of them.
    fileprivate init(buffers: ByteBuffer...) {
        self.init()
        for buffer in buffers { writeImmutableBuffer(buffer) }
    }
}
