import NIOCore
import TestSupport
import Testing

@testable import EngineIOProtocol

@Suite("Engine.IO payloads of revision 3", .timeLimit(.minutes(5)))
struct Revision3PayloadTests {
    private func message(_ text: String) -> EnginePacket { EnginePacket(.message, ByteBuffer(string: text)) }

    private func text(_ packets: [EnginePacket]) -> String {
        var buffer = ByteBuffer()
        EngineRevision3Payload.encodeText(packets, into: &buffer)
        return String(buffer: buffer)
    }

    private func binary(_ packets: [EnginePacket]) -> ByteBuffer {
        var buffer = ByteBuffer()
        EngineRevision3Payload.encodeBinary(packets, into: &buffer)
        return buffer
    }

    private func error(text: String, maxPackets: Int = EnginePayload.defaultMaxPackets) -> EngineParseError? {
        error(text: ByteBuffer(string: text), maxPackets: maxPackets)
    }

    private func error(text: ByteBuffer, maxPackets: Int = EnginePayload.defaultMaxPackets) -> EngineParseError? {
        do throws(EngineParseError) {
            _ = try EngineRevision3Payload.decode(text: text, maxPackets: maxPackets)
            return nil
        } catch {
            return error
        }
    }

    private func error(binary: [UInt8], maxPackets: Int = EnginePayload.defaultMaxPackets) -> EngineParseError? {
        do throws(EngineParseError) {
            _ = try EngineRevision3Payload.decode(binary: ByteBuffer(bytes: binary), maxPackets: maxPackets)
            return nil
        } catch {
            return error
        }
    }

    @Test("reads and writes the text form, with lengths in the code units of JavaScript")
    func textForm() throws {
        let examples: [(String, [EnginePacket])] = [
            ("6:4hello2:4€", [message("hello"), message("€")]),
            ("3:4😀1:2", [message("😀"), EnginePacket(.ping)]),
            ("6:2probe", [EnginePacket(.ping, ByteBuffer(string: "probe"))]),
            ("10:b4AQIDBA==", [EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4]))]),
            ("2:b4", [EnginePacket(binary: ByteBuffer())]),
            ("4:4a:b1:6", [message("a:b"), EnginePacket(.noop)]),
        ]
        for (payload, packets) in examples {
            #expect(try EngineRevision3Payload.decode(text: ByteBuffer(string: payload)) == packets)
            #expect(text(packets) == payload)
        }
        #expect(try EngineRevision3Payload.decode(text: ByteBuffer(string: "0:02:4a0:")) == [message("a")])
    }

    @Test("reads and writes the form of bytes, with lengths in bytes")
    func binaryForm() throws {
        let packets = [message("€"), EnginePacket(binary: ByteBuffer(bytes: [7, 255, 0])), EnginePacket(.pong)]
        let payload: [UInt8] = [0, 4, 255, 0x34, 0xE2, 0x82, 0xAC, 1, 4, 255, 4, 7, 255, 0, 0, 1, 255, 0x33]
        #expect(try EngineRevision3Payload.decode(binary: ByteBuffer(bytes: payload)) == packets)
        #expect(binary(packets) == ByteBuffer(bytes: payload))
        let long = message(String(repeating: "x", count: 1_233))
        #expect(Array(binary([long]).readableBytesView.prefix(6)) == [0, 1, 2, 3, 4, 255])
        let base64: [UInt8] = [0, 6, 255] + Array("b4AQID".utf8)
        #expect(
            try EngineRevision3Payload.decode(binary: ByteBuffer(bytes: base64))
                == [EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3]))])
    }

    @Test(
        "refuses text whose lengths are missing, no plain number, too long, or end within a character",
        arguments: [
            ":4a", "x:4a", "-1:4a", "+1:4", " 1:4", "1e0:4", "0x1:4", "1.0:4", "3:4a", "1000000:4a", "1:42", "12",
            "2:4a1",
            "9223372036854775807:4", "9223372036854775808:4", "99999999999999999999999999999999:4", "2:4😀", "4:4😀",
            "1:😀", "１:4",
        ])
    func textFraming(payload: String) {
        #expect(error(text: payload)?.code == .invalidFraming)
    }

    @Test(
        "refuses text whose packets are none",
        arguments: [
            ("", .emptyPacket), ("1:7", .unknownPacketType), ("1:x", .unknownPacketType), ("1:b", .unknownPacketType),
            ("2:b2", .unknownPacketType), ("3:b4A", .invalidBase64), ("6:b4====", .invalidBase64),
            ("2:4a1:9", .unknownPacketType),
        ] as [(String, EngineParseError.Code)])
    func textPackets(payload: String, code: EngineParseError.Code) {
        #expect(error(text: payload)?.code == code)
    }

    @Test("says where a payload goes wrong, and refuses text that is not UTF-8")
    func places() {
        #expect(error(text: "2:4a3:4b") == EngineParseError(.invalidFraming, at: 4))
        #expect(error(text: "2:4a1:9") == EngineParseError(.unknownPacketType, at: 4))
        #expect(error(binary: [0, 1, 255, 0x32, 0, 2, 255, 0x34]) == EngineParseError(.invalidFraming, at: 4))
        #expect(error(text: ByteBuffer(bytes: [0x32, 0x3A, 0x34, 0xC0])) == EngineParseError(.invalidUTF8))
    }

    @Test("refuses bytes whose lengths are missing, no digits, too long or without an end")
    func binaryFraming() {
        let nines = [UInt8](repeating: 9, count: 400)
        let payloads: [[UInt8]] = [
            [0], [1], [0, 1], [0, 255], [0, 1, 255], [2, 1, 255, 0x34], [0x32], [0, 10, 255, 0x34], [0, 254, 255],
            [0, 5, 255, 0x34], [0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255, 0x34],
            [0] + nines, [0] + nines + [255], [0] + [UInt8](repeating: 0, count: 100_000), [0, 1, 255, 0x32, 0],
        ]
        for payload in payloads { #expect(error(binary: payload)?.code == .invalidFraming, "\(payload.prefix(30))") }
    }

    @Test("refuses bytes whose packets are none")
    func binaryPackets() {
        #expect(error(binary: [])?.code == .emptyPacket)
        #expect(error(binary: [0, 0, 255])?.code == .emptyPacket)
        #expect(error(binary: [1, 0, 255])?.code == .emptyPacket)
        #expect(error(binary: [0, 1, 255, 0x37])?.code == .unknownPacketType)
        #expect(error(binary: [1, 1, 255, 0x34])?.code == .unknownPacketType, "a digit is no type of bytes")
        #expect(error(binary: [1, 2, 255, 2, 0])?.code == .unknownPacketType, "only messages are bytes")
        #expect(error(binary: [0, 2, 255, 0x34, 0xFF])?.code == .invalidUTF8)
    }

    @Test("accepts packets up to the limit, in both forms")
    func limit() {
        #expect(error(text: "1:21:21:2", maxPackets: 3) == nil)
        #expect(error(text: "1:21:21:2", maxPackets: 2) == EngineParseError(.tooManyPackets, at: 6))
        #expect(error(binary: [0, 1, 255, 0x32, 0, 1, 255, 0x32], maxPackets: 1)?.code == .tooManyPackets)
        let flood = String(repeating: "1:2", count: EnginePayload.defaultMaxPackets + 1)
        #expect(error(text: flood)?.code == .tooManyPackets)
    }

    /// As CVE-2020-36048 of engine.io was: a payload of many digits, or of many small packets, took quadratic time.
    @Test("takes time in proportion to the length of a hostile payload")
    func linear() {
        #expect(error(text: String(repeating: "9", count: 1_000_000))?.code == .invalidFraming)
        #expect(error(text: String(repeating: "0", count: 1_000_000))?.code == .invalidFraming)
        #expect(error(text: String(repeating: "0:", count: 500_000)) == nil)
    }

    @Test("gives back what was written, whatever the packets, in both forms")
    func roundTrips() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let packets = (0..<Int.random(in: 1...8, using: &random)).map { _ in EnginePacket.random(using: &random) }
            #expect(try EngineRevision3Payload.decode(text: ByteBuffer(string: text(packets))) == packets)
            #expect(try EngineRevision3Payload.decode(binary: binary(packets)) == packets)
        }
    }

    @Test("a payload that is cut anywhere loses whole packets or is refused; put together again it is the same")
    func cuts() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<50 {
            let packets = (0..<4).map { _ in EnginePacket.random(using: &random) }
            let payloads = [(ByteBuffer(string: text(packets)), false), (binary(packets), true)]
            for (payload, isBinary) in payloads {
                for cut in 0..<payload.readableBytes {
                    let part = payload.getSlice(at: payload.readerIndex, length: cut) ?? ByteBuffer()
                    let decoded =
                        isBinary
                        ? try? EngineRevision3Payload.decode(binary: part)
                        : try? EngineRevision3Payload.decode(text: part)
                    if let decoded { #expect(decoded == Array(packets.prefix(decoded.count))) }
                }
            }
        }
    }

    @Test("never traps on damaged payloads")
    func mutations() {
        var random = SeededGenerator(seed: 5)
        let packets = [
            message("hello 한국어 😀"), EnginePacket(binary: ByteBuffer(bytes: [0, 255, 4])), EnginePacket(.ping),
        ]
        for body in [Array(text(packets).utf8), Array(binary(packets).readableBytesView)] {
            for _ in 0..<5000 {
                var bytes = body
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let part = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
                _ = error(text: ByteBuffer(bytes: part))
                _ = error(binary: part)
            }
        }
    }
}

extension EnginePacket {
    /// A packet with characters of every width, or bytes.
    fileprivate static func random(using random: inout SeededGenerator) -> EnginePacket {
        if Int.random(in: 0..<3, using: &random) == 0 {
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            return EnginePacket(binary: ByteBuffer(bytes: bytes))
        }
        let alphabet: [Character] = ["a", "0", ":", "é", "한", "\u{FFFD}", "😀", "\u{10FFFF}", "\u{0}", "b", "\u{1e}"]
        let count = Int.random(in: 0...40, using: &random)
        let text = String((0..<count).compactMap { _ in alphabet.randomElement(using: &random) })
        let kinds: [Kind] = [.open, .close, .ping, .pong, .message, .upgrade, .noop]
        return EnginePacket(kinds.randomElement(using: &random) ?? .noop, ByteBuffer(string: text))
    }
}
