import NIOCore
import SocketIOProtocol
import Testing

@Suite("Hostile bytes in MessagePack")
struct MessagePackMutationTests {
    private static let head = hex("83 a474797065 02 a36e7370 a12f a464617461")

    @Test(
        "lengths of more than there is are refused before anything is stored",
        arguments: [
            "c4ff", "c5ffff", "c6ffffffff", "c7ff00", "c8ffff00", "c9ffffffff00", "d9ff", "daffff", "dbffffffff",
            "dcffff", "ddffffffff", "deffff", "dfffffffff", "9f", "8f", "bf", "82a16100", "dd00000003 00 00",
        ])
    func lengths(_ value: String) {
        #expect(packedRefusal(Self.head + hex("92a161" + value)) == .invalidMessagePack)
        #expect(packedRefusal(hex(value)) == .invalidMessagePack)
    }

    @Test(
        "bytes that are no value, keys that are none, and text that is not UTF-8 are refused",
        arguments: [
            "c1", "81c000", "81c3 00", "81ca00000000 00", "819000", "81c40161 00", "81d40000 00", "a1ff", "a2c3c3",
            "a3eda080", "a2c080", "a4f4908080", "a1c3", "d903e28200",
        ])
    func malformed(_ value: String) {
        #expect(packedRefusal(Self.head + hex("92a161" + value)) == .invalidMessagePack)
    }

    @Test("a string that ends within a scalar is refused though the bytes behind it would complete it")
    func splitScalar() {
        // "é" announced as one byte; its second byte is then no value of its own either, but 0xA9 alone is a short string.
        #expect(packedRefusal(Self.head + hex("93a161 a1c3 a0")) == .invalidMessagePack)
        #expect(packedRefusal(Self.head + hex("93a161 a2c3a9 c3")) == nil)
    }

    @Test("bytes behind the packet are refused")
    func trailing() {
        #expect(packedRefusal(Self.head + hex("91a161")) == nil)
        #expect(packedRefusal(Self.head + hex("91a161 00")) == .invalidMessagePack)
    }

    private static let packets: [[UInt8]] = [
        hex("83 a474797065 00 a36e7370 a12f a464617461 81a3736964a173"),
        hex("82 a474797065 01 a36e7370 a62f61646d696e"),
        hex("83 a474797065 04 a36e7370 a12f a464617461 82a76d657373616765a16da46461746190"),
        head
            + hex("98 a161 c0 c2 cb3fb999999999999a cf0020000000000001 d3ffffffff7fffffff d7000000018bcfe5687b d40000"),
        head + hex("95 a161 82a16191 c70205abcd 07 c403000102 da0003e28280 dc0002 ca3f800000 e0 de0001 a0 dd00000000"),
        hex("84 a474797065 03 a36e7370 a12f a26964 ccc8 a464617461 92 d6ff00000001 df00000001 a161 c0"),
    ]

    @Test("the packets that the others are made of are accepted", arguments: packets.indices)
    func originals(_ index: Int) {
        #expect(packedRefusal(Self.packets[index]) == nil)
    }

    /// Feeds bytes as a peer would, and reads everything that comes out of them.
    private func exercise(_ bytes: [UInt8]) {
        do {
            guard let packet = try decodePacked(bytes) else { return }
            _ = try? packet.decodePayload(SocketIOValue.self)
            _ = try? packet.decodePayload([String: [Int]].self)
            var arguments = try EventArguments(packet)
            #expect(arguments.count >= 0)
            for type in MutationTests.types {
                var arguments = arguments
                _ = try? MutationTests.next(&arguments, type)
            }
            let values = try arguments.remaining()
            var buffer = ByteBuffer()
            _ = try SocketIOParser.messagePack.encodeAck(id: 1, arguments: values, namespace: "/", into: &buffer)
            buffer.clear()
            _ = try SocketIOPacketEncoder.encodeAck(id: 1, arguments: values, into: &buffer)
        } catch {
            #expect(error is SocketIOParseError || error is NotAnEvent || error is DecodingError)
        }
    }

    @Test("packets with a few bytes changed give a packet or an error", arguments: packets.indices)
    func flips(_ index: Int) {
        let packet = Self.packets[index]
        var random = FixedSeedGenerator(seed: UInt64(index))
        for _ in 0..<2000 {
            var bytes = packet
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[at] = UInt8.random(in: 0xC0...0xDF, using: &random)
                case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: at)
                default: if bytes.count > 1 { bytes.remove(at: at) }
                }
            }
            self.exercise(bytes)
        }
    }

    @Test("packets cut anywhere, at either end, are refused", arguments: packets.indices)
    func cuts(_ index: Int) {
        let packet = Self.packets[index]
        for length in 0..<packet.count {
            #expect(packedRefusal(Array(packet[..<length])) != nil)
            self.exercise(Array(packet[length...]))
        }
    }

    @Test("noise gives a packet or an error", arguments: UInt64(0)..<8)
    func noise(_ seed: UInt64) {
        var random = FixedSeedGenerator(seed: seed)
        for _ in 0..<1000 {
            let count = Int.random(in: 0..<64, using: &random)
            let noise = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            self.exercise(noise)
            self.exercise(Self.head + hex("92a161") + noise)
        }
    }

    @Test("a map of sixty-five thousand members and an array of nine hundred thousand are read")
    func large() throws {
        var map = hex("df0000ffff")
        for number in 0..<65_535 { map += hex("a5") + Array(String(number + 10_000).utf8.prefix(5)) + [7] }
        #expect(try unpack([String: Int].self, map).count == 65_535)
        #expect(try unpack(SocketIOValue.self, map)["10000"] == 7)
        let array = hex("dd000dbba0") + Array(repeating: 0xC3, count: 900_000)
        #expect(try unpack([Bool].self, array).count == 900_000)
    }
}
