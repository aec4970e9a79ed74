import NIOCore
import Testing

@testable import JunctionWebSocket

@Suite("WebSocket protocol errors")
struct FrameErrorTests {
    private func decode(_ bytes: ByteBuffer..., limits: WebSocketFrameLimits = .init()) -> Decoded {
        var decoder = WebSocketFrameDecoder(role: .server, limits: limits)
        return decoder.decode(pieces: bytes)
    }

    @Test("refuses reserved bits", arguments: [0xC1, 0xA1, 0x91, 0xF2, 0xC9, 0x41] as [UInt8])
    func reservedBits(first: UInt8) {
        #expect(decode(frame(first, "x")).error == .reservedBits)
    }

    @Test("refuses reserved opcodes", arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func unknownOpcode(opcode: UInt8) {
        #expect(decode(frame(0x80 | opcode)).error == .unknownOpcode)
        #expect(
            decode(ByteBuffer(bytes: [0x80 | opcode, 0xFF])).error == .unknownOpcode, "two bytes are enough to know")
    }

    @Test("refuses fragmented and long control frames", arguments: [0x8, 0x9, 0xA] as [UInt8])
    func controlFrames(opcode: UInt8) {
        #expect(decode(frame(opcode, "")).error == .fragmentedControlFrame)
        #expect(decode(frame(0x80 | opcode, ByteBuffer(repeating: 0x20, count: 126))).error == .controlFrameTooLong)
    }

    @Test("accepts a control frame of 125 bytes")
    func longestControlFrame() {
        let payload = ByteBuffer(repeating: 0x20, count: 125)
        #expect(decode(frame(0x89, payload)).events == [.ping(payload)])
    }

    @Test("a server refuses frames without a mask, a client those with one")
    func masking() {
        #expect(decode(frame(0x81, "x", maskingKey: nil)).error == .maskingViolation)
        var client = WebSocketFrameDecoder(role: .client)
        let decoded = client.decode(frame(0x81, "x"))
        #expect(decoded.error == .maskingViolation)
    }

    @Test("refuses a continuation of nothing and a message inside a message")
    func continuations() {
        #expect(decode(frame(0x80, "x")).error == .unexpectedContinuation)
        #expect(decode(frame(0x00, "x")).error == .unexpectedContinuation)
        #expect(decode(frame(0x01, "x"), frame(0x81, "y")).error == .unfinishedMessage)
        #expect(decode(frame(0x81, "x"), frame(0x80, "y")).error == .unexpectedContinuation)
    }

    @Test("refuses a length with the top bit set")
    func topBit() {
        let smallest: [UInt8] = [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]
        let largest: [UInt8] = [0x82, 0xFF] + [UInt8](repeating: 0xFF, count: 8) + [1, 2, 3, 4]
        #expect(decode(ByteBuffer(bytes: smallest)).error == .invalidLength)
        #expect(decode(ByteBuffer(bytes: largest)).error == .invalidLength)
    }

    // MARK: - Limits

    @Test("refuses a message that is too big by its header alone")
    func tooBig() {
        let limits = WebSocketFrameLimits(maxMessageBytes: 10)
        #expect(decode(frame(0x82, "0123456789"), limits: limits).events.count == 1)
        #expect(decode(ByteBuffer(bytes: [0x82, 0x8B, 0, 0, 0, 0]), limits: limits).error == .messageTooBig)
        let largest: [UInt8] = [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
        #expect(decode(ByteBuffer(bytes: largest)).error == .messageTooBig)
    }

    @Test("counts all fragments towards the size of a message")
    func tooBigInFragments() {
        let limits = WebSocketFrameLimits(maxMessageBytes: 10)
        #expect(decode(frame(0x02, "01234"), frame(0x80, "56789"), limits: limits).events.count == 1)
        #expect(decode(frame(0x02, "01234"), frame(0x80, "567890"), limits: limits).error == .messageTooBig)
    }

    @Test("ends a flood of empty fragments")
    func emptyFragments() {
        let limits = WebSocketFrameLimits(maxFragments: 3)
        let (begin, empty, end) = (frame(0x01), frame(0x00), frame(0x80, "x"))
        #expect(decode(begin, empty, end, limits: limits).events == [.text(ByteBuffer(string: "x"))])
        #expect(decode(begin, empty, empty, end, limits: limits).error == .tooManyFragments)
        #expect(decode(begin, empty, empty, empty, limits: limits).error == .tooManyFragments)
    }

    @Test("has limits by default")
    func defaults() {
        #expect(WebSocketFrameLimits().maxMessageBytes == 1_000_000)
        #expect(WebSocketFrameLimits().maxFragments == 131_072)
    }

    // MARK: - Close frames

    @Test(
        "accepts the close codes that may be sent",
        arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
    func validCloseCodes(code: UInt16) {
        let close = WebSocketEvent.close(code: WebSocketCloseCode(rawValue: code), reason: "")
        #expect(decode(frame(0x88, ByteBuffer(integer: code))).events == [close])
    }

    @Test(
        "refuses the close codes that must not be sent",
        arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
    func invalidCloseCodes(code: UInt16) {
        #expect(decode(frame(0x88, ByteBuffer(integer: code))).error == .invalidCloseFrame)
    }

    @Test("reads an empty close, refuses one byte, and checks the reason")
    func closeBodies() {
        #expect(decode(frame(0x88)).events == [.close(code: nil, reason: "")])
        #expect(decode(frame(0x88, ByteBuffer(bytes: [3]))).error == .invalidCloseFrame)
        let going = joined(ByteBuffer(integer: UInt16(1001)), ByteBuffer(string: "잘 가"))
        #expect(decode(frame(0x88, going)).events == [.close(code: .goingAway, reason: "잘 가")])
        #expect(decode(frame(0x88, ByteBuffer(bytes: [0x03, 0xE8, 0xED, 0xA0, 0x80]))).error == .invalidUTF8)
    }

    @Test("names the code of the close frame to answer with")
    func closeCodes() {
        #expect(WebSocketError(.reservedBits).closeCode == .protocolError)
        #expect(WebSocketError(.invalidUTF8).closeCode == .invalidData)
        #expect(WebSocketError(.messageTooBig).closeCode == .messageTooBig)
        #expect(WebSocketError(.tooManyFragments).closeCode == .policyViolation)
        #expect(
            WebSocketError(.invalidLength).description == "invalidLength: The top bit of the frame's length is set.")
    }

    // MARK: - Text

    @Test("refuses invalid text as soon as it cannot become valid")
    func failFast() {
        let whole = frame(0x81, ByteBuffer(bytes: [0x68, 0x69, 0xF4, 0x90, 0x80, 0x80, 0x68, 0x69]))
        #expect(decode(whole).error == .invalidUTF8)
        // The header has six bytes, and the payload's fourth is the first wrong one.
        #expect(decode(whole.split(at: 9)[0]) == Decoded())
        #expect(decode(whole.split(at: 10)[0]).error == .invalidUTF8)
        // A fragment that is not the last is judged too.
        #expect(decode(frame(0x01, "hi"), frame(0x00, ByteBuffer(bytes: [0xC0]))).error == .invalidUTF8)
    }

    @Test("lets characters span fragments, but not end with the message unfinished")
    func charactersAcrossFragments() {
        let (start, end) = (ByteBuffer(bytes: [0xF0, 0x9F]), ByteBuffer(bytes: [0x98, 0x80]))
        #expect(decode(frame(0x01, start), frame(0x80, end)).events == [.text(ByteBuffer(string: "😀"))])
        #expect(decode(frame(0x01, start), frame(0x80)).error == .invalidUTF8)
        #expect(decode(frame(0x81, start)).error == .invalidUTF8)
        #expect(decode(frame(0x82, start)).events == [.binary(start)], "binary is not text")
    }
}
