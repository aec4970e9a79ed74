import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Codable types in MessagePack")
struct MessagePackCodingTests {
    struct Everything: Codable, Equatable {
        var text = "é한😀"
        var flag = true
        var small = Int8.min
        var large = UInt64.max
        var float = Float(0.1)
        var double = 1e-300
        var data = Data([0, 1, 255])
        var date = Date(timeIntervalSince1970: 1_700_000_000.5)
        var url = URL(string: "https://example.org/a?b#c")
        var decimal = Decimal(string: "12.345")!
        var list = [1, 2, 3]
        var nested = [["a": 1.5], [:]]
        var absent: Int?
        var children: [Everything] = []
    }

    enum Shape: Codable, Equatable {
        case circle(radius: Double)
        case square(Int)
        case nothing
    }

    @Test("a structure of every kind of value arrives as it was")
    func everything() throws {
        var value = Everything()
        value.children = [Everything(), Everything(absent: -7)]
        #expect(try unpack(Everything.self, pack(value)) == value)
        let shapes = [Shape.circle(radius: 0.5), .square(3), .nothing]
        #expect(try unpack([Shape].self, pack(shapes)) == shapes)
    }

    @Test("containers of any number of elements get the head they need", arguments: [0, 1, 15, 16, 17, 65_535, 65_536])
    func heads(_ count: Int) throws {
        // As sets and dictionaries these encode themselves, element by element.
        let list = Array(repeating: Int?.none, count: count)
        let packed = try pack(list)
        #expect(try unpack([Int?].self, packed) == list)
        #expect(try unpack(SocketIOValue.self, packed) == .array(Array(repeating: nil, count: count)))
        let members = Dictionary(uniqueKeysWithValues: (0..<count).map { ("key \($0)", [$0]) })
        #expect(try unpack([String: [Int]].self, pack(members)) == members)
    }

    /// Encodes by way of nested containers and super encoders, filled in an order of their own, many enough that the outer
    /// head grows behind them.
    struct Nested: Encodable {
        enum Key: String, CodingKey { case first, list, last }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            var map = container.nestedContainer(keyedBy: Key.self)
            var list = map.nestedUnkeyedContainer(forKey: .list)
            for number in 0..<20 { try container.encode(number) }
            var second = container.nestedUnkeyedContainer()
            try second.encode("second")
            try list.encode(1)
            try map.encode("last", forKey: .last)
            try String("super").encode(to: list.superEncoder())
            try container.encodeNil()
        }
    }

    @Test("nested containers stand where they were made, whenever they are filled")
    func nested() throws {
        var elements: [SocketIOValue] = [["list": [1, "super"], "last": "last"]]
        for number in 0..<20 { elements.append(.number(SocketIOValue.Number(number))) }
        elements += [["second"], nil]
        let expected = SocketIOValue.array(elements)
        #expect(try unpack(SocketIOValue.self, pack(Nested())) == expected)
        #expect(try unpack(SocketIOValue.self, pack(["a": Nested(), "b": Nested()]))["b"] == expected)
    }

    /// Fails in the midst, is caught, and leaves nothing behind.
    struct Recovering: Encodable {
        struct Failing: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encode("left behind")
                try container.encode(UInt128.max)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            try container.encode(1)
            #expect(throws: EncodingError.self) { try container.encode(Failing()) }
            try container.encode(2)
        }
    }

    @Test("an element that fails to encode and is caught leaves no bytes")
    func recovering() throws {
        #expect(try hex(pack(Recovering())) == "920102")
    }

    @Test("integers are exact to 64 bits, and refused beyond")
    func integers() throws {
        for value in [Int64.min, -(1 << 53) - 1, -1, 0, (1 << 53) + 1, .max] {
            #expect(try unpack(Int64.self, pack(value)) == value)
            #expect(try unpack(Int128.self, pack(Int128(value))) == Int128(value))
        }
        #expect(try unpack(UInt64.self, pack(UInt64.max)) == .max)
        #expect(try unpack(UInt128.self, pack(UInt128(UInt64.max))) == UInt128(UInt64.max))
        #expect(throws: EncodingError.self) { try pack(UInt128(UInt64.max) + 1) }
        #expect(throws: EncodingError.self) { try pack(Int128(Int64.min) - 1) }
        #expect(throws: DecodingError.self) { try unpack(Int64.self, pack(UInt64.max)) }
        #expect(throws: DecodingError.self) { try unpack(UInt8.self, pack(256)) }
        #expect(throws: DecodingError.self) { try unpack(UInt.self, pack(-1)) }
        #expect(throws: DecodingError.self) { try unpack(Int.self, pack(1.5)) }
        #expect(try unpack(Int.self, pack(3.0)) == 3)
        #expect(try unpack(Int.self, pack(-0.0)) == 0)
    }

    @Test("floats and doubles keep every bit, and decimals their digits or are refused")
    func floats() throws {
        for value in [0.1, -0.0, Double.leastNonzeroMagnitude, 1.7976931348623157e308, 1] {
            #expect(try unpack(Double.self, pack(value)).bitPattern == value.bitPattern)
        }
        for value in [Float(0.1), Float.leastNonzeroMagnitude, 3.4e38] {
            #expect(try unpack(Float.self, pack(value)) == value)
        }
        #expect(throws: DecodingError.self) { try unpack(Float.self, pack(1e300)) }
        for text in ["0", "-1", "12.5", "0.1", "18446744073709551615", "-123456.789"] {
            let value = try #require(Decimal(string: text))
            #expect(try unpack(Decimal.self, pack(value)) == value)
        }
        #expect(throws: EncodingError.self) { try pack(Decimal(string: "1.2345678901234567890123")!) }
        #expect(throws: DecodingError.self) { try unpack(Decimal.self, pack(1e300)) }
    }

    @Test("bytes are Data or ByteBuffer at any depth; [UInt8] is an array of numbers, as in JSON")
    func bytes() throws {
        let bytes: [UInt8] = [1, 200]
        #expect(try hex(pack(Data(bytes))) == "c40201c8")
        #expect(try hex(pack(ByteBuffer(bytes: bytes))) == "c40201c8")
        #expect(try hex(pack(bytes)) == "9201ccc8")
        #expect(try unpack([String: [Data]].self, pack(["a": [Data(bytes)]])) == ["a": [Data(bytes)]])
        #expect(try unpack([UInt8].self, pack(bytes)) == bytes)
        #expect(try unpack(ByteBuffer?.self, pack(ByteBuffer(bytes: bytes))) == ByteBuffer(bytes: bytes))
        #expect(throws: DecodingError.self) { try unpack([UInt8].self, pack(Data(bytes))) }
        #expect(throws: DecodingError.self) { try unpack(Data.self, pack(bytes)) }
    }

    @Test("of a key that occurs twice the last value counts, and integers are keys")
    func keys() throws {
        #expect(try unpack([String: Int].self, hex("82 a161 01 a161 02")) == ["a": 2])
        #expect(try unpack(SocketIOValue.self, hex("83 a161 01 a162 03 a161 02")) == ["a": 2, "b": 3])
        #expect(try unpack([String: Int].self, hex("82 01 01 ff 02")) == ["1": 1, "-1": 2])
        #expect(try unpack([Int: Int].self, hex("81 07 01")) == [7: 1])
    }

    @Test("an error names the place, also deep inside")
    func paths() throws {
        struct Outer: Decodable { let list: [[String: Int]] }
        let packed = try pack(["list": [["a": 1], ["b": nil]]] as [String: [[String: Int?]]])
        let error = #expect(throws: DecodingError.self) { try unpack(Outer.self, packed) }
        guard case .valueNotFound(_, let context)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["Index 0", "list", "Index 1", "b"])
    }
}
