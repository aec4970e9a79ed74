import NIOCore
import Testing

@testable import JunctionWebSocket

@Suite("WebSocket frame encoder")
struct FrameEncoderTests {
    private struct Refusal: Error {}

    @Test("writes the frames of the RFC's examples")
    func examples() {
        let hello = ByteBuffer(string: "Hello")
        var buffer = ByteBuffer()
        WebSocketFrameEncoder.write(.text, hello, into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        buffer.clear()
        WebSocketFrameEncoder.write(.text, hello, maskingKey: 0x37FA_213D, into: &buffer)
        #expect(
            Array(buffer.readableBytesView) == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        buffer.clear()
        WebSocketFrameEncoder.writeHeader(.binary, payloadLength: 256, into: &buffer)
        WebSocketFrameEncoder.writeHeader(.binary, payloadLength: 65536, into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0x82, 0x7E, 0x01, 0x00, 0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test("marks fragments and compressed messages")
    func flags() {
        var buffer = ByteBuffer()
        WebSocketFrameEncoder.writeHeader(.text, payloadLength: 0, isFinal: false, isCompressed: true, into: &buffer)
        WebSocketFrameEncoder.write(.binary, isCompressed: true, into: &buffer) { _ in }
        #expect(Array(buffer.readableBytesView) == [0x41, 0, 0xC2, 0])
    }

    @Test(
        "writes the same frame from a closure as from a buffer",
        arguments: [0, 1, 5, 125, 126, 200, 65535, 65536, 70000], [nil, 0x1234_5678] as [UInt32?])
    func closure(length: Int, maskingKey: UInt32?) {
        let payload = ByteBuffer(bytes: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        var expected = ByteBuffer(string: "before")
        WebSocketFrameEncoder.write(.binary, payload, maskingKey: maskingKey, into: &expected)
        expected.writeString("after")
        var buffer = ByteBuffer(string: "xbefore")
        buffer.moveReaderIndex(forwardBy: 1)
        let result = WebSocketFrameEncoder.write(.binary, maskingKey: maskingKey, into: &buffer) { buffer in
            buffer.writeImmutableBuffer(payload)
        }
        buffer.writeString("after")
        #expect(buffer == expected)
        #expect(result == length)
        #expect(
            WebSocketFrameEncoder.headerLength(payloadLength: length, masked: maskingKey != nil)
                == expected.readableBytes - length - "beforeafter".utf8.count)
    }

    @Test("leaves the buffer as it was when the closure throws")
    func throwing() {
        var buffer = ByteBuffer(string: "before")
        #expect(throws: Refusal.self) {
            try WebSocketFrameEncoder.write(.text, into: &buffer) { buffer throws(Refusal) in
                buffer.writeString("half")
                throw Refusal()
            }
        }
        #expect(buffer == ByteBuffer(string: "before"))
    }

    @Test("writes a close whose reason is cut between characters")
    func close() {
        var buffer = ByteBuffer()
        WebSocketFrameEncoder.writeClose(.goingAway, reason: String(repeating: "한", count: 50), into: &buffer)
        var decoder = WebSocketFrameDecoder(role: .client)
        let decoded = decoder.decode(buffer)
        #expect(decoded.events == [.close(code: .goingAway, reason: String(repeating: "한", count: 41))])
    }

    @Test(
        "writes an empty close for no code and for one that must not be sent",
        arguments: [nil, .noStatus, .abnormal] as [WebSocketCloseCode?])
    func emptyClose(code: WebSocketCloseCode?) {
        var buffer = ByteBuffer()
        WebSocketFrameEncoder.writeClose(code, reason: "unsaid", into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0x88, 0])
    }

    @Test("masks alike in one piece and in many")
    func maskInPieces() {
        let original = (0..<100).map { UInt8($0) }
        let key: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        let expected = original.enumerated().map { $1 ^ key[$0 % 4] }
        for cut in 0...original.count {
            var bytes = original
            bytes.withUnsafeMutableBytes { all in
                WebSocketMask.apply(0x1234_5678, to: .init(rebasing: all[..<cut]))
                WebSocketMask.apply(0x1234_5678, to: .init(rebasing: all[cut...]), offset: cut)
            }
            #expect(bytes == expected)
        }
    }
}
