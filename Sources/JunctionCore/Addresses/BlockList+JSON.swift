#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// As an array of rules in Node's format, newest first: what `toJSON` of Node's `BlockList` gives and `fromJSON` takes.
extension BlockList: Codable {
    /// How many rules are decoded at most where nothing else is said.
    public static let defaultMaximumDecodedRules = 1_000_000

    /// In the `userInfo` of a decoder: how many rules it decodes at most, an `Int`.
    public static let maximumDecodedRulesKey = CodingUserInfoKey(rawValue: "BlockList.maximumDecodedRules")!

    /// Decodes a list from an array of texts, each in a form that ``Rule/init(_:)-(String)`` reads; the first one counts as
    /// the newest.
    ///
    /// Unlike Node it fails when a text is no rule: a block list with a gap would let somebody in.
    ///
    /// - Throws: `DecodingError`, also for more than ``defaultMaximumDecodedRules``; another limit stands under
    ///   ``maximumDecodedRulesKey`` in the decoder's `userInfo`.
    public convenience init(from decoder: any Decoder) throws {
        let limit = decoder.userInfo[Self.maximumDecodedRulesKey] as? Int ?? Self.defaultMaximumDecodedRules
        var container = try decoder.unkeyedContainer()
        var rules: [Rule] = []
        while !container.isAtEnd {
            guard rules.count < limit else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "more than \(limit) rules")
            }
            rules.append(try container.decode(Rule.self))
        }
        self.init(rules)
    }

    /// Encodes the rules as an array of texts in Node's format, newest first.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rules)
    }

    /// A list from JSON in UTF-8, for example `Data`: what Node's `fromJSON` takes.
    ///
    /// ```swift
    /// let list = try BlockList(json: #"["Subnet: IPv4 10.0.0.0/8", "192.0.2.1"]"#.utf8)
    /// ```
    ///
    /// The limit is on what is kept; the bytes are in memory already.
    ///
    /// - Parameter maximumRules: more are an error.
    /// - Throws: `DecodingError`, see ``init(from:)``.
    public convenience init(
        json: some Sequence<UInt8>, maximumRules: Int = BlockList.defaultMaximumDecodedRules
    ) throws {
        let decoder = JSONDecoder()
        decoder.userInfo[Self.maximumDecodedRulesKey] = maximumRules
        self.init(try decoder.decode(BlockList.self, from: Data(json)).rules)
    }

    /// A list from JSON text.
    ///
    /// - Parameter maximumRules: more are an error.
    /// - Throws: `DecodingError`, see ``init(from:)``.
    public convenience init(json: String, maximumRules: Int = BlockList.defaultMaximumDecodedRules) throws {
        try self.init(json: json.utf8, maximumRules: maximumRules)
    }

    /// The rules as JSON, an array of texts in Node's format, newest first: `["Subnet: IPv4 10.0.0.0/8"]`.
    public var json: String {
        // The texts have no character that JSON escapes: names of kinds, addresses, and zones are dropped.
        "[" + rules.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }
}
