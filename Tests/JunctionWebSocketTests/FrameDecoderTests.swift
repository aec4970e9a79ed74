import NIOCore
import Testing

@testable import JunctionWebSocket

@Suite("WebSocket frame decoder")
struct FrameDecoderTests {
    private var server = WebSocketFrameDecoder(role: .server)
    private var client = WebSocketFrameDecoder(role: .client)

    // MARK: - The examples of RFC 6455, section 5.7

    @Test("decodes the unmasked text of the RFC's examples")
    mutating func unmaskedText() {
        let decoded = client.decode(ByteBuffer(bytes: [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]))
        #expect(decoded == Decoded(events: [.text(ByteBuffer(string: "Hello"))]))
    }

    @Test("decodes the masked text of the RFC's examples")
    mutating func maskedText() {
        let bytes: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        let decoded = server.decode(ByteBuffer(bytes: bytes))
        #expect(decoded == Decoded(events: [.text(ByteBuffer(string: "Hello"))]))
    }

    @Test("joins the fragments of the RFC's examples")
    mutating func fragments() {
        let decoded = client.decode(ByteBuffer(bytes: [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]))
        #expect(decoded == Decoded(events: [.text(ByteBuffer(string: "Hello"))]))
    }

    @Test("decodes lengths in one, three and nine bytes", arguments: [0, 1, 125, 126, 127, 256, 65535, 65536, 100_000])
    mutating func lengths(length: Int) {
        let payload = ByteBuffer(bytes: (0..<length).map { UInt8(truncatingIfNeeded: $0) })
        let masked = server.decode(frame(0x82, payload))
        let unmasked = client.decode(frame(0x82, payload, maskingKey: nil))
        #expect(masked == Decoded(events: [.binary(payload)]))
        #expect(unmasked == masked)
    }

    @Test("accepts a length in more bytes than it needs")
    mutating func longLength() {
        let bytes: [UInt8] = [0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 7, 0x82, 126, 0, 1, 8]
        let decoded = client.decode(ByteBuffer(bytes: bytes))
        #expect(decoded == Decoded(events: [.binary(ByteBuffer(bytes: [7])), .binary(ByteBuffer(bytes: [8]))]))
    }

    // MARK: - Order and pieces

    @Test("yields control frames between the fragments of a message")
    mutating func controlBetweenFragments() {
        let decoded = server.decode(
            joined(
                frame(0x01, "one "), frame(0x89, "ping"), frame(0x00, "two "), frame(0x8A, "pong"),
                frame(0x80, "three")))
        #expect(
            decoded
                == Decoded(events: [
                    .ping(ByteBuffer(string: "ping")), .pong(ByteBuffer(string: "pong")),
                    .text(ByteBuffer(string: "one two three")),
                ]))
    }

    @Test("yields what came before an error, then the same error forever")
    mutating func errorAfterEvents() {
        let first = server.decode(joined(frame(0x81, "first"), frame(0x83, "reserved"), frame(0x81, "lost")))
        #expect(first == Decoded(events: [.text(ByteBuffer(string: "first"))], error: .unknownOpcode))
        let later = server.decode(frame(0x81, "later"))
        #expect(later == Decoded(error: .unknownOpcode))
    }

    @Test("yields nothing after a close")
    mutating func nothingAfterClose() {
        let close = server.decode(joined(frame(0x88, ByteBuffer(bytes: [0x03, 0xE8])), frame(0x81, "ignored")))
        #expect(close == Decoded(events: [.close(code: .normal, reason: "")]))
        let later = server.decode(frame(0x83, "ignored too"))
        #expect(later == Decoded())
    }

    @Test("takes bytes that are appended before the last ones were all taken")
    mutating func appendBeforeTaken() throws {
        let cut = frame(0x81, "cut in two").split(at: 8)
        server.append(joined(frame(0x81, "a"), frame(0x81, "b")))
        var events = [try server.next()]
        server.append(joined(frame(0x81, "c"), cut[0]))
        events.append(try server.next())
        server.append(cut[1])
        for _ in 0..<3 { events.append(try server.next()) }
        #expect(events == ["a", "b", "c", "cut in two"].map { .text(ByteBuffer(string: $0)) } + [nil])
    }

    @Test("finds text that is not UTF-8 among frames that were appended at different times", arguments: [false, true])
    mutating func wrongTextAmongOthers(comesFirst: Bool) {
        let wrong = frame(0x81, ByteBuffer(bytes: [0xC3, 0x28]))
        server.append(joined(frame(0x81, "taken later"), comesFirst ? wrong : frame(0x81, "also later")))
        let decoded = server.decode(joined(comesFirst ? frame(0x81, "never") : wrong, frame(0x81, "never")))
        let expected = ["taken later"] + (comesFirst ? [] : ["also later"])
        #expect(decoded.events == expected.map { .text(ByteBuffer(string: $0)) })
        #expect(decoded.error == .invalidUTF8)
    }

    @Test("does not change a buffer that someone else holds too")
    mutating func sharedStorage() {
        let bytes = joined(frame(0x81, "hello"), frame(0x82, "world"))
        let copy = ByteBuffer(bytes: bytes.readableBytesView)
        let decoded = server.decode(bytes)
        #expect(decoded.events == [.text(ByteBuffer(string: "hello")), .binary(ByteBuffer(string: "world"))])
        #expect(bytes == copy)
    }

    @Test("hands out slices of a buffer that nobody else holds")
    mutating func slicesInPlace() throws {
        var bytes = joined(frame(0x82, "hello"), frame(0x82, "world"))
        let address = bytes.withUnsafeMutableReadableBytes { UInt(bitPattern: $0.baseAddress) }
        server.append(consume bytes)
        guard case .binary(let first)? = try server.next(), case .binary(let second)? = try server.next() else {
            Issue.record("two messages were expected")
            return
        }
        #expect(first.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == address + 6)
        #expect(second.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == address + 17)
    }
}
