import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Any value in MessagePack")
struct MessagePackPropertyTests {
    /// A random value, its numbers those that keep their notation: integers of 64 bits, and doubles with a fraction.
    private func value(_ depth: Int, _ random: inout FixedSeedGenerator) -> SocketIOValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: return nil
        case 1: return .bool(Bool.random(using: &random))
        case 2:
            return .number(
                SocketIOValue.Number(Int64.random(in: .min ... .max, using: &random) >> (random.next() & 63)))
        case 3: return .number(SocketIOValue.Number(UInt64.random(in: .min ... .max, using: &random)))
        case 4:
            let double = Double(bitPattern: random.next())
            let hasFraction = double.isFinite && double.rounded() != double
            return SocketIOValue.Number(hasFraction ? double : 0.5).map { .number($0) } ?? nil
        case 5: return .string(self.text(&random))
        case 6: return .binary(ByteBuffer(bytes: self.text(&random).utf8.reversed()))
        case 7:
            return .array((0..<Int.random(in: 0..<20, using: &random)).map { _ in self.value(depth - 1, &random) })
        default:
            var object = SocketIOValue.Object()
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                object[self.text(&random)] = self.value(depth - 1, &random)
            }
            return .object(object)
        }
    }

    private func text(_ random: inout FixedSeedGenerator) -> String {
        let scalars = Array("a\u{0}\"é한😀\u{FFFF}".unicodeScalars)
        var text = String.UnicodeScalarView()
        for _ in 0..<(Int(random.next() & 0x3F)) { text.append(scalars[Int(random.next() % UInt64(scalars.count))]) }
        return String(text)
    }

    @Test("arrives as it was, and as JSON would bring it", arguments: UInt64(0)..<20)
    func roundTrip(_ seed: UInt64) throws {
        var random = FixedSeedGenerator(seed: seed)
        for _ in 0..<20 {
            let value = self.value(3, &random)
            let packed = try pack(value)
            #expect(try unpack(SocketIOValue.self, packed) == value)
            // Written from what was read it is the same bytes again.
            #expect(try pack(unpack(SocketIOValue.self, packed)) == packed)
            var json = ByteBuffer()
            let attachments = try SocketIOPacketEncoder.encodeAck(id: 0, value, into: &json)
            var decoder = SocketIOPacketDecoder(
                limits: SocketIOLimits(maxAttachments: 10_000, maxPacketBytes: 100_000_000))
            var packet = try decoder.decode(text: json)
            for attachment in attachments { packet = try decoder.decode(binary: attachment) }
            var arguments = try EventArguments(#require(packet))
            #expect(try arguments.next(SocketIOValue.self) == value)
        }
    }

    @Test("numbers of JSON keep their value")
    func notations() throws {
        for (text, expected) in [
            ("1.0", "1"), ("1e3", "1000"), ("-0", "0"), ("100000000000000000000", "100000000000000000000"),
            ("0.10", "0.1"), ("1e400", nil), ("-9223372036854775808.0", "-9223372036854775808"),
        ] as [(String, String?)] {
            let number = try #require(SocketIOValue.Number(text))
            let read = try unpack(SocketIOValue.self, pack(SocketIOValue.number(number)))
            #expect(read == expected.flatMap { SocketIOValue.Number($0) }.map { .number($0) } ?? .null, "\(text)")
        }
    }

    @Test("every slice of arguments is counted and read one after another", arguments: UInt64(0)..<5)
    func arguments(_ seed: UInt64) throws {
        var random = FixedSeedGenerator(seed: seed)
        let values = (0..<20).map { _ in self.value(2, &random) }
        var buffer = ByteBuffer()
        _ = try SocketIOParser.messagePack.encodeEvent("event", arguments: values, namespace: "/", into: &buffer)
        var decoder = SocketIOPacketDecoder(parser: .messagePack)
        var arguments = try EventArguments(#require(try decoder.decode(binary: buffer)))
        #expect(arguments.event == "event")
        for (index, value) in values.enumerated() {
            #expect(arguments.count == values.count - index)
            #expect(try arguments.next(SocketIOValue.self) == value)
        }
        #expect(arguments.isAtEnd)
        #expect(try arguments.next(Int?.self) == nil)
        #expect(throws: DecodingError.self) { try arguments.next(Int.self) }
    }
}
