import Foundation
import JunctionCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct AddressCodingTests {
    private struct Settings: Codable, Equatable {
        var address: IPAddress
        var prefix: IPPrefix
        var range: IPAddressRange
        var rule: BlockList.Rule
    }

    @Test("Addresses, prefixes, ranges and rules are encoded as their text")
    func text() throws {
        let settings = try Settings(
            address: IPAddress(parsing: "fe80::1%eth0"), prefix: IPPrefix(parsing: "10.0.0.0/8"),
            range: IPAddressRange(parsing: "::1-::2"), rule: BlockList.Rule(parsing: "1.2.3.4"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(settings), as: UTF8.self)
        #expect(
            json
                == #"{"address":"fe80::1%eth0","prefix":"10.0.0.0/8","range":"::1-::2","rule":"Address: IPv4 1.2.3.4"}"#
        )
        #expect(try JSONDecoder().decode(Settings.self, from: Data(json.utf8)) == settings)
    }

    @Test("Text that is no address is a DecodingError")
    func errors() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([IPAddress].self, from: Data(#"["1.2.3"]"#.utf8))
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([IPPrefix].self, from: Data(#"["1.2.3.4"]"#.utf8))
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([IPAddressRange].self, from: Data(#"["::"]"#.utf8))
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([IPAddress].self, from: Data("[16909060]".utf8))
        }
    }

    @Test("A block list goes through JSON and Codable, in its order")
    func list() throws {
        var samples = AddressSamples(seed: 1)
        let list = try BlockList((0..<200).map { _ in samples.rule().text })
        for json in [list.json, String(decoding: try JSONEncoder().encode(list), as: UTF8.self)] {
            #expect(try BlockList(json: json).rules == list.rules)
            #expect(try BlockList(json: Data(json.utf8)).rules == list.rules)
            #expect(try JSONDecoder().decode(BlockList.self, from: Data(json.utf8)).rules == list.rules)
        }
        #expect(BlockList().json == "[]")
        #expect(try BlockList(json: "[]").isEmpty)
    }

    @Test(
        "JSON that is no array of rules is an error",
        arguments: [
            "", "{}", "null", "1", #""1.2.3.4""#, #"["1.2.3.4""#, #"["1.2.3.4",null]"#, "[1]",
            #"["1.2.3.4","no rule"]"#,
            #"[["1.2.3.4"]]"#,
        ])
    func invalid(json: String) {
        #expect(throws: DecodingError.self) { try BlockList(json: json) }
    }

    @Test("No more rules are decoded than the limit says")
    func limit() throws {
        #expect(BlockList.defaultMaximumDecodedRules == 1_000_000)
        let json = #"["::1","::2","::3"]"#
        #expect(try BlockList(json: json, maximumRules: 3).count == 3)
        #expect(throws: DecodingError.self) { try BlockList(json: json, maximumRules: 2) }
        // What is written twice counts twice: the limit is on the work.
        #expect(throws: DecodingError.self) { try BlockList(json: #"["::1","::1"]"#, maximumRules: 1) }
        let decoder = JSONDecoder()
        decoder.userInfo[BlockList.maximumDecodedRulesKey] = 2
        #expect(throws: DecodingError.self) { try decoder.decode(BlockList.self, from: Data(json.utf8)) }
    }

    @Test("The default limit is in force where nothing else is said")
    func defaultLimit() throws {
        /// Hands out the same rule for ever, so that the limit needs no JSON of that size.
        struct Endless: Decoder, UnkeyedDecodingContainer {
            var codingPath: [any CodingKey] = []
            var userInfo: [CodingUserInfoKey: Any] = [:]
            var count: Int?
            var isAtEnd: Bool { false }
            var currentIndex = 0
            var one: BlockList.Rule
            struct Unsupported: Error {}

            func unkeyedContainer() -> any UnkeyedDecodingContainer { self }
            func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> { throw Unsupported() }
            func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Unsupported() }
            mutating func decodeNil() throws -> Bool { throw Unsupported() }
            mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
                guard let rule = one as? T else { throw Unsupported() }
                currentIndex += 1
                return rule
            }
            mutating func nestedContainer<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
                throw Unsupported()
            }
            mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unsupported() }
            mutating func superDecoder() throws -> any Decoder { throw Unsupported() }
        }
        let endless = Endless(one: try BlockList.Rule(parsing: "1.2.3.4"))
        #expect(throws: DecodingError.self) { try BlockList(from: endless) }
    }
}
