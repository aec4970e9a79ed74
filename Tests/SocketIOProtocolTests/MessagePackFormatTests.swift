import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("The formats of MessagePack")
struct MessagePackFormatTests {
    struct Vector: Sendable, CustomStringConvertible {
        let value: SocketIOValue
        /// The first is what is written, all can be read.
        let bytes: [String]

        init(_ value: SocketIOValue, _ bytes: String...) {
            self.value = value
            self.bytes = bytes
        }

        var description: String { "\(self.bytes[0])".prefix(24).description }
    }

    private static func string(_ length: Int) -> SocketIOValue { .string(String(repeating: "a", count: length)) }
    private static func text(_ length: Int) -> String { String(repeating: "61", count: length) }
    private static func zeros(_ length: Int) -> String { String(repeating: "00", count: length) }
    private static func binary(_ length: Int) -> SocketIOValue { .binary(ByteBuffer(repeating: 0, count: length)) }
    private static func array(_ length: Int) -> SocketIOValue { .array(Array(repeating: 0, count: length)) }
    private static func number(_ value: Double) -> SocketIOValue { .number(SocketIOValue.Number(value)!) }

    /// From the specification's tables and kawanet's msgpack-test-suite, which the implementations share.
    static let vectors: [Vector] = [
        Vector(nil, "c0"), Vector(false, "c2"), Vector(true, "c3"),
        Vector(
            0, "00", "cc00", "cd0000", "ce00000000", "cf0000000000000000", "d000", "d10000", "d200000000",
            "d30000000000000000", "ca00000000", "cb0000000000000000"),
        Vector(1, "01", "cc01", "d001", "ca3f800000", "cb3ff0000000000000"),
        Vector(127, "7f", "cc7f", "cd007f", "d07f"), Vector(128, "cc80", "cd0080", "d10080"),
        Vector(255, "ccff", "cd00ff"), Vector(256, "cd0100", "ce00000100", "d10100"),
        Vector(65535, "cdffff", "ce0000ffff"), Vector(65536, "ce00010000", "d200010000"),
        Vector(2_147_483_647, "ce7fffffff", "d27fffffff"), Vector(4_294_967_295, "ceffffffff"),
        Vector(4_294_967_296, "cf0000000100000000", "d30000000100000000", "ca4f800000", "cb41f0000000000000"),
        Vector(9_007_199_254_740_993, "cf0020000000000001", "d30020000000000001"),
        Vector(.number(SocketIOValue.Number(Int64.max)), "cf7fffffffffffffff", "d37fffffffffffffff"),
        Vector(.number(SocketIOValue.Number(UInt64.max)), "cfffffffffffffffff"),
        Vector(-1, "ff", "d0ff", "d1ffff", "d2ffffffff", "d3ffffffffffffffff", "cabf800000", "cbbff0000000000000"),
        Vector(-32, "e0", "d0e0"), Vector(-33, "d0df", "d1ffdf"), Vector(-128, "d080", "d1ff80"),
        Vector(-129, "d1ff7f"), Vector(-32768, "d18000"), Vector(-32769, "d2ffff7fff"),
        Vector(-2_147_483_648, "d280000000"), Vector(-2_147_483_649, "d3ffffffff7fffffff"),
        Vector(.number(SocketIOValue.Number(Int64.min)), "d38000000000000000"),
        Vector(number(0.5), "cb3fe0000000000000", "ca3f000000"),
        Vector(number(-2.25), "cbc002000000000000", "cac0100000"),
        Vector(number(0.1), "cb3fb999999999999a"), Vector(number(1e300), "cb7e37e43c8800759c"),
        Vector("", "a0", "d900", "da0000", "db00000000"), Vector("a", "a161", "d90161", "da000161", "db0000000161"),
        Vector(string(31), "bf\(text(31))"), Vector(string(32), "d920\(text(32))"),
        Vector(string(255), "d9ff\(text(255))"), Vector(string(256), "da0100\(text(256))"),
        Vector(string(65535), "daffff\(text(65535))"), Vector(string(65536), "db00010000\(text(65536))"),
        Vector("\u{0}\u{7F}é한😀", "ab007fc3a9ed959cf09f9880"),
        Vector(binary(0), "c400", "c50000", "c600000000", "c70000"),
        Vector(binary(1), "c40100", "c5000100", "c60000000100", "c7010000", "c800010000", "c9000000010000"),
        Vector(binary(8), "c408\(zeros(8))", "c70800\(zeros(8))"),
        Vector(binary(255), "c4ff\(zeros(255))"), Vector(binary(256), "c50100\(zeros(256))"),
        Vector(binary(65536), "c600010000\(zeros(65536))"),
        Vector([], "90", "dc0000", "dd00000000"), Vector([1], "9101", "dc000101", "dd0000000101"),
        Vector(array(15), "9f\(zeros(15))"), Vector(array(16), "dc0010\(zeros(16))"),
        Vector(array(65535), "dcffff\(zeros(65535))"), Vector(array(65536), "dd00010000\(zeros(65536))"),
        Vector(["a": 1], "81a16101", "de0001a16101", "df00000001a16101"),
        Vector(["a": ["b": [nil, "c"]]], "81a16181a16292c0a163"),
        Vector(.object(SocketIOValue.Object()), "80", "de0000", "df00000000"),
    ]

    @Test("a value is written in its shortest form, and read in every one", arguments: vectors)
    func shortestAndEvery(_ vector: Vector) throws {
        #expect(try hex(pack(vector.value)) == vector.bytes[0])
        for bytes in vector.bytes { #expect(try unpack(SocketIOValue.self, hex(bytes)) == vector.value, "\(bytes)") }
    }

    @Test("extensions become what the published parser makes of them, as far as dynamic values can")
    func extensions() throws {
        #expect(try unpack(SocketIOValue.self, hex("d40000")) == .null)  // undefined
        #expect(try unpack(SocketIOValue.self, hex("d7000000018bcfe5687b")) == "2023-11-14T22:13:20.123Z")
        #expect(try unpack(SocketIOValue.self, hex("d4017f")) == [1, .binary(ByteBuffer(bytes: [0x7F]))])
        #expect(try unpack(SocketIOValue.self, hex("c70205abcd")) == [5, .binary(ByteBuffer(bytes: [0xAB, 0xCD]))])
        #expect(try unpack(SocketIOValue.self, hex("d6ff00000001")) == [-1, .binary(ByteBuffer(bytes: [0, 0, 0, 1]))])
        #expect(
            try unpack(SocketIOValue.self, hex("c90000000380010203")) == [-128, .binary(ByteBuffer(bytes: [1, 2, 3]))])
        #expect(try unpack(SocketIOValue.self, hex("d700 7fffffffffffffff")) == .null)  // no date of JavaScript
    }

    @Test("a number that is not finite is read as such, and dynamically as null")
    func notFinite() throws {
        for value in [Double.infinity, -.infinity] {
            #expect(try unpack(Double.self, pack(value)) == value)
            #expect(try unpack(Float.self, pack(value)) == Float(value))
            #expect(try unpack(SocketIOValue.self, pack(value)) == .null)
            #expect(throws: DecodingError.self) { try unpack(Int.self, pack(value)) }
            #expect(throws: DecodingError.self) { try unpack(Date.self, pack(value)) }
            #expect(throws: DecodingError.self) { try unpack(Decimal.self, pack(value)) }
        }
        #expect(try unpack(Double.self, pack(Double.nan)).isNaN)
        #expect(try unpack(Float.self, pack(Double.nan)).isNaN)
        #expect(try unpack(SocketIOValue.self, pack(Float.nan)) == .null)
    }

    @Test("dates are read from the published parser's extension, from the specification's, and in JSON's forms")
    func dates() throws {
        let date = Date(timeIntervalSince1970: 1_700_000_000.123)
        #expect(try hex(pack(date)) == "d7000000018bcfe5687b")
        #expect(try hex(pack(Date(timeIntervalSince1970: -1))) == "d700fffffffffffffc18")
        #expect(try unpack(Date.self, hex("d700fffffffffffffc18")) == Date(timeIntervalSince1970: -1))
        for bytes in ["d7000000018bcfe5687b", "cf0000018bcfe5687b", try hex(pack("2023-11-14T22:13:20.123Z"))] {
            #expect(try unpack(Date.self, hex(bytes)) == date)
        }
        #expect(try unpack(Date.self, hex("d6ff6553f100")) == Date(timeIntervalSince1970: 1_700_000_000))
        #expect(try unpack(Date.self, hex("d7ff1dcd65006553f100")) == Date(timeIntervalSince1970: 1_700_000_000.125))
        #expect(
            try unpack(Date.self, hex("c70cff07735940ffffffffffffffff")) == Date(timeIntervalSince1970: -1 + 0.125))
        #expect(throws: EncodingError.self) { try pack(Date(timeIntervalSince1970: 8_640_000_000_001)) }
        #expect(throws: DecodingError.self) { try unpack(Date.self, hex("a161")) }
    }

    @Test("a single byte of another type, a bool or an extension is no number")
    func mismatches() throws {
        for bytes in ["c3", "c40100", "d40100", "90", "80", "a130", "c0"] {
            #expect(throws: DecodingError.self) { try unpack(Int.self, hex(bytes)) }
            #expect(throws: DecodingError.self) { try unpack(Double.self, hex(bytes)) }
        }
        for bytes in ["00", "c2", "c40100", "c0"] {
            #expect(throws: DecodingError.self) { try unpack(String.self, hex(bytes)) }
        }
        for bytes in ["00", "a100", "9100", "c0"] {
            #expect(throws: DecodingError.self) { try unpack(Data.self, hex(bytes)) }
        }
    }
}
