import NIOCore
import TestSupport
import Testing

@testable import EngineIOProtocol

@Suite("Engine.IO payloads")
struct EnginePayloadTests {
    private func message(_ text: String) -> EnginePacket {
        EnginePacket(.message, ByteBuffer(string: text))
    }

    private func error(
        decoding bytes: ByteBuffer, maxPackets: Int = EnginePayload.defaultMaxPackets
    ) -> EngineParseError? {
        do throws(EngineParseError) {
            _ = try EnginePayload.decode(bytes, maxPackets: maxPackets)
            return nil
        } catch {
            return error
        }
    }

    private func error(decoding text: String) -> EngineParseError? {
        error(decoding: ByteBuffer(string: text))
    }

    @Test("reads and writes the payloads of the specification's examples")
    func examples() throws {
        let examples: [(String, [EnginePacket])] = [
            ("4hello\u{1e}2\u{1e}4world", [message("hello"), EnginePacket(.ping), message("world")]),
            ("4hello\u{1e}bAQIDBA==", [message("hello"), EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4]))]),
            ("4€", [message("€")]),
            ("4", [message("")]),
            ("b", [EnginePacket(binary: ByteBuffer())]),
        ]
        for (text, packets) in examples {
            #expect(try EnginePayload.decode(ByteBuffer(string: text)) == packets)
            var buffer = ByteBuffer(string: "before")
            EnginePayload.encode(packets, into: &buffer)
            #expect(String(buffer: buffer) == "before" + text)
        }
    }

    @Test("refuses what is not a payload, and says where")
    func errors() {
        #expect(error(decoding: "") == EngineParseError(.emptyPacket))
        #expect(error(decoding: "4a\u{1e}") == EngineParseError(.emptyPacket, at: 3))
        #expect(error(decoding: "\u{1e}4a") == EngineParseError(.emptyPacket))
        #expect(error(decoding: "4a\u{1e}\u{1e}4b") == EngineParseError(.emptyPacket, at: 3))
        #expect(error(decoding: "4a\u{1e}abc") == EngineParseError(.unknownPacketType, at: 3))
        #expect(error(decoding: "2\u{1e}b====") == EngineParseError(.invalidBase64, at: 2))
        #expect(error(decoding: ByteBuffer(bytes: [0x34, 0xC0])) == EngineParseError(.invalidUTF8))
        #expect(EngineParseError(.invalidUTF8).description == "invalidUTF8 at byte 0: The payload is not valid UTF-8.")
    }

    @Test("accepts packets up to the limit")
    func limit() throws {
        let body = ByteBuffer(string: "2\u{1e}2\u{1e}2")
        #expect(try EnginePayload.decode(body, maxPackets: 3).count == 3)
        #expect(error(decoding: body, maxPackets: 2) == EngineParseError(.tooManyPackets, at: 4))
        let flood = ByteBuffer(string: String(repeating: "2\u{1e}", count: EnginePayload.defaultMaxPackets) + "2")
        #expect(error(decoding: flood)?.code == .tooManyPackets)
    }

    @Test("tells how many packets fit into a payload")
    func chopping() {
        let packets = [message("12345"), EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4])), message("한")]
        #expect(packets.map(EnginePayload.encodedLength) == [6, 9, 4])
        for maxPayload in 0..<30 {
            let count = EnginePayload.prefixCount(of: packets, maxPayload: maxPayload)
            var buffer = ByteBuffer()
            EnginePayload.encode(packets.prefix(count), into: &buffer)
            #expect(count == 1 || buffer.readableBytes <= maxPayload)
            if count < packets.count {
                buffer.clear()
                EnginePayload.encode(packets.prefix(count + 1), into: &buffer)
                #expect(buffer.readableBytes > maxPayload)
            }
        }
        #expect(EnginePayload.prefixCount(of: [], maxPayload: 100) == 0)
    }

    @Test("encodes base64 as RFC 4648 shows it", arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64(text: String) {
        let expected = [0: "", 1: "Zg==", 2: "Zm8=", 3: "Zm9v", 4: "Zm9vYg==", 5: "Zm9vYmE=", 6: "Zm9vYmFy"]
        let bytes = ByteBuffer(string: text)
        var encoded = ByteBuffer()
        Base64.encode(bytes, into: &encoded)
        #expect(String(buffer: encoded) == expected[text.count])
        #expect(Base64.encodedLength(text.count) == encoded.readableBytes)
        #expect(Base64.decode(encoded) == bytes)
        let unpadded = ByteBuffer(bytes: encoded.readableBytesView.filter { $0 != UInt8(ascii: "=") })
        #expect(Base64.decode(unpadded) == bytes)
    }

    @Test("gives back all bytes")
    func base64RoundTrip() {
        let bytes = ByteBuffer(bytes: (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ $0 / 7) })
        for length in 0..<bytes.readableBytes {
            let slice = ByteBuffer(bytes: bytes.readableBytesView.suffix(length))
            var encoded = ByteBuffer()
            Base64.encode(slice, into: &encoded)
            #expect(Base64.decode(encoded) == slice)
        }
    }

    @Test(
        "refuses base64 with foreign characters, wrong padding, stray bits or an impossible length",
        arguments: [
            "A", "AAAAA", "=", "==", "===", "====", "A===", "AA=", "AA=A", "A=AA", "AAA==", "AAAA=", "AAAA====", "AA-_",
            "AA\nAA", "AB", "AB==", "AAB", "AAB=", "한글", "AAAA AAA", "AAA\u{0}",
        ])
    func invalidBase64(text: String) {
        #expect(Base64.decode(ByteBuffer(string: text)) == nil)
    }

    @Test("never traps on damaged payloads")
    func mutations() {
        var random = SeededGenerator(seed: 5)
        let body = Array("0{\"sid\":\"x\"}\u{1e}4hello 한국어\u{1e}bAQIDBA==\u{1e}2\u{1e}b\u{1e}6".utf8)
        for _ in 0..<5000 {
            var bytes = body
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = error(decoding: ByteBuffer(bytes: bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
        }
    }
}
