import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("JSON against Foundation's coders")
struct FoundationComparisonTests {
    /// Documents of every shape, from a generator with a fixed seed.
    struct DocumentGenerator {
        var random: FixedSeedGenerator

        mutating func value(depth: Int = 0) -> SocketIOValue {
            switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &self.random) {
            case 0: .null
            case 1: .bool(Bool.random(using: &self.random))
            case 2:
                .number(
                    .init(
                        Int64.random(in: .min ... .max, using: &self.random)
                            >> Int64.random(in: 0...63, using: &self.random)))
            case 3: SocketIOValue.Number(self.double()).map { .number($0) } ?? .null
            case 4, 5: .string(self.string())
            case 6, 7:
                .array((0..<Int.random(in: 0...6, using: &self.random)).map { _ in self.value(depth: depth + 1) })
            default: self.object(depth: depth)
            }
        }

        private mutating func object(depth: Int) -> SocketIOValue {
            var object = SocketIOValue.Object()
            for _
                in 0..<Int.random(
                    in: 0...(Int.random(in: 0...9, using: &self.random) == 0 ? 40 : 6), using: &self.random)
            {
                object[self.string()] = self.value(depth: depth + 1)
            }
            return .object(object)
        }

        private mutating func double() -> Double {
            let scale = pow(10, Double(Int.random(in: -30...30, using: &self.random)))
            return Double.random(in: -1...1, using: &self.random) * scale
        }

        private mutating func string() -> String {
            let alphabet: [Character] = [
                "a", "b", "Z", "0", " ", "\"", "\\", "/", "\n", "\u{1}", "é", "한", "😀", "\u{2028}", "\u{7F}",
            ]
            return String(
                (0..<Int.random(in: 0...20, using: &self.random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &self.random)]
                })
        }
    }

    @Test("Foundation reads what is written here, and what Foundation writes is read here", arguments: 0..<40)
    func documents(_ seed: UInt64) throws {
        var generator = DocumentGenerator(random: FixedSeedGenerator(seed: seed))
        for _ in 0..<10 {
            let value = generator.value()
            let written = try encodeJSON(value)
            let here = try Tree(written)
            let theirs = String(decoding: try JSONEncoder().encode([value]), as: UTF8.self).dropFirst().dropLast()
            #expect(here == (try Tree(String(theirs))))
            #expect(try encodeJSON(try decodeJSON(SocketIOValue.self, written)) == written)
            #expect(
                try decodeJSON(SocketIOValue.self, String(theirs))
                    == (try decodeJSON(SocketIOValue.self, Self.compact(theirs))))
        }
    }

    /// The same document once more through this package.
    private static func compact(_ json: Substring) throws -> String {
        try encodeJSON(try decodeJSON(SocketIOValue.self, String(json)))
    }

    /// What Foundation makes of a text.
    enum Tree: Decodable, Equatable {
        case null, bool(Bool), integer(Int64), double(Double), string(String), array([Tree]), object([String: Tree])

        init(_ text: String) throws {
            self = try JSONDecoder().decode(Tree.self, from: Data(text.utf8))
        }

        init(from decoder: any Decoder) throws {
            if let members = try? decoder.container(keyedBy: AnyKey.self) {
                let pairs = try members.allKeys.map { ($0.stringValue, try members.decode(Tree.self, forKey: $0)) }
                self = .object(Dictionary(pairs) { $1 })
            } else if var elements = try? decoder.unkeyedContainer() {
                var array: [Tree] = []
                while !elements.isAtEnd { array.append(try elements.decode(Tree.self)) }
                self = .array(array)
            } else {
                let value = try decoder.singleValueContainer()
                if value.decodeNil() {
                    self = .null
                } else if let bool = try? value.decode(Bool.self) {
                    self = .bool(bool)
                } else if let string = try? value.decode(String.self) {
                    self = .string(string)
                } else if let integer = try? value.decode(Int64.self) {
                    self = .integer(integer)
                } else {
                    self = .double(try value.decode(Double.self))
                }
            }
        }

        struct AnyKey: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }

    struct Record: Codable, Equatable {
        var id: UInt64
        var name: String
        var ratio: Double
        var flags: [Bool]
        var tags: [String]
        var counts: [String: Int]
        var parent: [Record]
        var note: String?
        var small: Int8
        var point: Point
        var kind: Kind

        struct Point: Codable, Equatable { var x: Float, y: Double }
        enum Kind: String, Codable, CaseIterable { case gauge, counter }
    }

    private func record(_ random: inout FixedSeedGenerator, depth: Int = 0) -> Record {
        Record(
            id: .random(in: .min ... .max, using: &random), name: "n\(random.next() % 1000)\"\n한",
            ratio: .random(in: -1e9...1e9, using: &random), flags: (0..<3).map { _ in .random(using: &random) },
            tags: (0..<Int.random(in: 0...3, using: &random)).map { "tag \($0)\t" },
            counts: ["a": .random(in: .min ... .max, using: &random), "é": 0],
            parent: depth < 2 ? [self.record(&random, depth: depth + 1)] : [],
            note: Bool.random(using: &random) ? "note" : nil, small: .random(in: .min ... .max, using: &random),
            point: .init(x: .random(in: -1...1, using: &random), y: .random(in: -1e-9...1e-9, using: &random)),
            kind: Record.Kind.allCases.randomElement(using: &random) ?? .gauge)
    }

    @Test("structures written by either are read by the other", arguments: 100..<140)
    func structures(_ seed: UInt64) throws {
        var random = FixedSeedGenerator(seed: seed)
        let record = self.record(&random)
        let here = try encodeJSON(record)
        #expect(try JSONDecoder().decode(Record.self, from: Data(here.utf8)) == record)
        let theirs = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        #expect(try decodeJSON(Record.self, theirs) == record)
    }

    @Test("random doubles survive, and read the same as with Foundation", arguments: 200..<210)
    func doubles(_ seed: UInt64) throws {
        var random = FixedSeedGenerator(seed: seed)
        let values = (0..<500).map { _ in Double(bitPattern: random.next()) }.filter(\.isFinite)
        let json = try encodeJSON(values)
        #expect(try decodeJSON([Double].self, json) == values)
        #expect(try JSONDecoder().decode([Double].self, from: Data(json.utf8)) == values)
        let short = (0..<500).map { _ in
            "\(random.next() % 1_000_000).\(random.next() % 100_000_000)"
        }
        #expect(try decodeJSON([Double].self, "[\(short.joined(separator: ","))]") == short.compactMap { Double($0) })
    }
}
