import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Hostile bytes")
struct MutationTests {
    private static let packets: [String] = [
        "0", #"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#, #"4{"message":"Not authorized","data":{"a":[1]}}"#, "1/admin,",
        #"2["message","0123456789012345678901234567890123456789"]"#,
        #"2/admin,456["é한😀\u00e9\ud83d\ude00\n",{"a":[1,-2.5e3,true,null],"b":{}},[[[]]]]"#,
        #"3/admin,13["bar",{"x":"y"}]"#,
        #"52-/a,7["baz",{"_placeholder":true,"num":0},[{"num":1,"_placeholder":true}]]"#,
        #"61-15["bar",{"_placeholder":true,"num":0}]"#,
    ]

    /// Feeds bytes as a peer would, and reads everything that comes out of them.
    private func exercise(_ bytes: [UInt8]) {
        var decoder = SocketIOPacketDecoder()
        do {
            var packet = try decoder.decode(text: ByteBuffer(bytes: bytes))
            for count in 0..<3 where packet == nil {
                packet = try decoder.decode(binary: ByteBuffer(repeating: 1, count: count))
            }
            guard let packet else { return }
            _ = try? packet.decodePayload(SocketIOValue.self)
            _ = try? packet.decodePayload([String: [Int]].self)
            var arguments = try EventArguments(packet)
            #expect(arguments.count >= 0)
            for type in Self.types {
                var arguments = arguments
                _ = try? Self.next(&arguments, type)
            }
            let values = try arguments.remaining()
            var buffer = ByteBuffer()
            _ = try SocketIOPacketEncoder.encodeAck(id: 1, arguments: values, into: &buffer)
        } catch {
            #expect(error is SocketIOParseError || error is NotAnEvent || error is DecodingError)
        }
    }

    static var types: [any Decodable.Type] {
        [
            String.self, Int.self, UInt8.self, Double.self, Float.self, Bool.self, [Int].self, [String].self,
            ByteBuffer.self,
            [String: SocketIOValue].self, [[Double]].self, Int?.self, Partial.self,
        ]
    }

    struct Partial: Decodable {
        let a: [Double?]
        let b: [String: Int]?
    }

    static func next<T: Decodable>(_ arguments: inout EventArguments, _ type: T.Type) throws -> T {
        try arguments.next(type)
    }

    @Test("packets with a few bytes changed give a packet or an error", arguments: packets.indices)
    func flips(_ index: Int) {
        let packet = Array(Self.packets[index].utf8)
        var random = FixedSeedGenerator(seed: UInt64(index))
        let telling = Array("\"\\[]{}:,0123456789-+.eE/tfnu \u{0}\n".utf8) + [0x80, 0xC0, 0xE0, 0xED, 0xF0, 0xFF]
        for _ in 0..<2000 {
            var bytes = packet
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[at] = telling[Int.random(in: 0..<telling.count, using: &random)]
                case 2: bytes.insert(telling[Int.random(in: 0..<telling.count, using: &random)], at: at)
                default: if bytes.count > 1 { bytes.remove(at: at) }
                }
            }
            self.exercise(bytes)
        }
    }

    @Test("packets cut anywhere, at either end, give a packet or an error", arguments: packets.indices)
    func cuts(_ index: Int) {
        let packet = Array(Self.packets[index].utf8)
        for length in 0...packet.count {
            self.exercise(Array(packet[..<length]))
            self.exercise(Array(packet[length...]))
        }
    }

    @Test("noise gives a packet or an error", arguments: UInt64(0)..<8)
    func noise(_ seed: UInt64) {
        var random = FixedSeedGenerator(seed: seed)
        for _ in 0..<1000 {
            let count = Int.random(in: 0..<64, using: &random)
            self.exercise((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        }
    }

    @Test("changed documents are accepted or refused as Foundation does", arguments: UInt64(0)..<8)
    func differential(_ seed: UInt64) {
        var random = FixedSeedGenerator(seed: seed)
        let document = Array(#"{"a":[1,-2.5e3,0.1,true,null,false],"b\n":{"é한😀":"x\\y"},"c":[[],{}]}"#.utf8)
        let telling =
            Array("\"\\[]{}:,0123456789-+.eEtrufalsn \n\t/b".utf8) + [0x00, 0x80, 0xC0, 0xE0, 0xED, 0xF0, 0xFF]
        for _ in 0..<2000 {
            var bytes = document
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = telling[Int.random(in: 0..<telling.count, using: &random)]
                case 1: bytes.insert(telling[Int.random(in: 0..<telling.count, using: &random)], at: at)
                default: bytes.remove(at: at)
                }
            }
            let isAccepted = refusal(Array("30[".utf8) + bytes + [UInt8(ascii: "]")]) == nil
            let isJSON =
                (try? JSONSerialization.jsonObject(with: Data([UInt8(ascii: "[")] + bytes + [UInt8(ascii: "]")])))
                != nil
            let text = String(decoding: bytes, as: UTF8.self)
            // Foundation lets a comma pass behind the last element, which RFC 8259 does not.
            #expect(isAccepted == isJSON || text.contains(",]") || text.contains(",}"), "\(text)")
        }
    }

    @Test("a number of nine hundred thousand digits is read")
    func longNumber() throws {
        let digits = "1." + String(repeating: "7", count: 900_000)
        #expect(try decodeJSON(Double.self, digits) == 16.0 / 9)
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, digits) }
    }

    @Test("an object of sixty thousand members is read")
    func manyMembers() throws {
        let members = (0..<60_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let values = try decodeJSON([String: Int].self, "{\(members)}")
        #expect(values.count == 60_000)
        let value = try decodeJSON(SocketIOValue.self, "{\(members)}")
        #expect(try encodeJSON(value) == "{\(members)}")
    }
}
