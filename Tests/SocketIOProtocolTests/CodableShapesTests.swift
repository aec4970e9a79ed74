import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Codable shapes")
struct CodableShapesTests {
    enum Plain: String, Codable { case one, two }
    enum Payload: Codable, Equatable {
        case empty
        case pair(Int, label: String)
        case nested([Payload])
    }

    @Test("enums go both ways")
    func enums() throws {
        #expect(try encodeJSON([Plain.one, .two]) == #"["one","two"]"#)
        #expect(try decodeJSON([Plain].self, #"["two"]"#) == [.two])
        #expect(throws: DecodingError.self) { try decodeJSON(Plain.self, #""three""#) }
        let payload = Payload.nested([.empty, .pair(1, label: "x")])
        #expect(try encodeJSON(payload) == #"{"nested":{"_0":[{"empty":{}},{"pair":{"_0":1,"label":"x"}}]}}"#)
        #expect(try decodeJSON(Payload.self, try encodeJSON(payload)) == payload)
    }

    /// Opens every kind of container, and fills them out of order.
    struct Nested: Codable, Equatable {
        var values = [1, 2, 3, 4]

        enum Key: String, CodingKey { case object, array, last }
        enum Inner: String, CodingKey { case first, second }

        init() {}

        func encode(to encoder: any Encoder) throws {
            var root = encoder.container(keyedBy: Key.self)
            var object = root.nestedContainer(keyedBy: Inner.self, forKey: .object)
            var array = root.nestedUnkeyedContainer(forKey: .array)
            try root.encode(self.values[3], forKey: .last)
            try array.encode(self.values[2])
            try object.encode(self.values[0], forKey: .first)
            var deep = array.nestedContainer(keyedBy: Inner.self)
            var deeper = array.nestedUnkeyedContainer()
            try array.encodeNil()
            try deeper.encode("deep")
            try deep.encodeNil(forKey: .first)
            try object.encode(self.values[1], forKey: .second)
        }

        init(from decoder: any Decoder) throws {
            let root = try decoder.container(keyedBy: Key.self)
            let object = try root.nestedContainer(keyedBy: Inner.self, forKey: .object)
            var array = try root.nestedUnkeyedContainer(forKey: .array)
            self.values = [
                try object.decode(Int.self, forKey: .first), try object.decode(Int.self, forKey: .second),
                try array.decode(Int.self), try root.decode(Int.self, forKey: .last),
            ]
            let deep = try array.nestedContainer(keyedBy: Inner.self)
            #expect(try deep.decodeNil(forKey: .first))
            var deeper = try array.nestedUnkeyedContainer()
            #expect(try deeper.decode(String.self) == "deep")
            #expect(try array.decodeNil())
            #expect(array.isAtEnd)
            #expect(array.count == 4)
        }
    }

    @Test("nested containers may be filled in any order")
    func nested() throws {
        let json = #"{"object":{"first":1,"second":2},"array":[3,{"first":null},["deep"],null],"last":4}"#
        #expect(try encodeJSON(Nested()) == json)
        #expect(try encodeJSON([Nested(), Nested()]) == "[\(json),\(json)]")
        #expect(try decodeJSON(Nested.self, json) == Nested())
    }

    class Base: Codable {
        var base = 1
        init() {}
    }

    final class Derived: Base {
        var derived = 2
        enum Key: CodingKey { case derived }

        override init() { super.init() }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            self.derived = try container.decode(Int.self, forKey: .derived)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try super.encode(to: container.superEncoder())
            try container.encode(self.derived, forKey: .derived)
        }
    }

    @Test("classes encode their superclass inside")
    func inheritance() throws {
        #expect(try encodeJSON(Derived()) == #"{"super":{"base":1},"derived":2}"#)
        let decoded = try decodeJSON(Derived.self, #"{"derived":5,"super":{"base":4}}"#)
        #expect((decoded.base, decoded.derived) == (4, 5))
        #expect(throws: DecodingError.self) { try decodeJSON(Derived.self, #"{"derived":5}"#) }
    }

    /// Tries one form, and writes another when that fails.
    struct Fallback: Encodable {
        enum Key: CodingKey { case a, b }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            do {
                try container.encode([[Data([1])]: [Double.nan]], forKey: .a)
            } catch {
                try container.encode("none", forKey: .b)
            }
            try container.encode(Data([2]), forKey: .a)
        }
    }

    @Test("an encoding error that is caught leaves no trace")
    func caught() throws {
        #expect(try encodeJSON([Fallback()]) == #"[{"b":"none","a":{"_placeholder":true,"num":0}}]"#)
    }

    struct Either: Codable, Equatable {
        var text: String
        init(_ text: String) { self.text = text }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self.text = String(number)
            } else {
                self.text = try container.decode(String.self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            do {
                try container.encode(["x": Double.nan])
            } catch {
                try container.encode(self.text)
            }
        }
    }

    @Test("single values may be tried as one type and taken as another")
    func either() throws {
        #expect(try decodeJSON([Either].self, #"[1,"two"]"#) == [Either("1"), Either("two")])
        #expect(try encodeJSON([Either("a"), Either("b")]) == #"["a","b"]"#)
    }

    struct Recursive: Codable, Equatable {
        var name: String
        var children: [Recursive]?
        var extra: [String: [Int?]]?
    }

    @Test("decoding errors name the whole path")
    func paths() throws {
        let json = #"{"name":"a","children":[{"name":"b","extra":{"k":[1,null,"x"]}}]}"#
        do {
            _ = try decodeJSON(Recursive.self, json)
            Issue.record("decoded")
        } catch DecodingError.typeMismatch(_, let context) {
            let path = ["Index 0", "children", "Index 0", "extra", "k", "Index 2"]
            #expect(context.codingPath.map(\.stringValue) == path)
        }
        #expect(throws: DecodingError.self) { try decodeJSON(Recursive.self, "{}") }
    }

    @Test("unknown members are ignored, missing and null ones are nil")
    func members() throws {
        let value = try decodeJSON(Recursive.self, #"{"x":[{"y":"]}"}],"name":"a","children":null,"z":1}"#)
        #expect(value == Recursive(name: "a"))
        #expect(try decodeJSON([Recursive].self, "[]").isEmpty)
        #expect(try encodeJSON(value) == #"{"name":"a"}"#)
    }
}
