/// The query of a request's URI as names and values, in the order they came (the URL standard's
/// `application/x-www-form-urlencoded` parser).
public struct EngineQuery: Hashable, Sendable {
    /// One name and its value, both decoded.
    public struct Item: Hashable, Sendable {
        /// What stands before the first "=".
        public var name: String
        /// What stands after it; empty without one.
        public var value: String

        /// Makes an item of decoded text.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The most items that are read from one query.
    public static let maxItems = 1000

    /// The query of a request that has none.
    public static let none = EngineQuery(text: "")

    /// What holds the query. Read when asked: most requests are asked for two names and never again.
    private let text: String
    /// Where in the bytes of the text the query stands, without the "?".
    private let start: Int
    private let end: Int

    private init(text: String) {
        self.text = text
        self.start = 0
        self.end = text.utf8.count
    }

    /// Reads the query of a request's URI, in one pass. There is none without a "?".
    ///
    /// "+" is a space, "%41" is an "A"; a "%" that no two hexadecimal digits follow stands for itself, and bytes that are not
    /// UTF-8 become U+FFFD.
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(uri: String) {
        text = uri
        (start, end) = uri.withBytes { bytes in
            guard let question = bytes.firstIndex(of: UInt8(ascii: "?")) else { return (0, 0) }
            let end = bytes[question...].firstIndex(of: UInt8(ascii: "#")) ?? bytes.count
            return (question + 1, end)
        }
        guard hasAtMostMaxItems else { return nil }
    }

    /// Reads the body of a form, which is written as a query is, or a query without its "?".
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(form: Substring) {
        self.init(text: String(form))
        guard hasAtMostMaxItems else { return nil }
    }

    private var hasAtMostMaxItems: Bool {
        // The shortest item is a byte and an "&".
        if end - start < 2 * Self.maxItems { return true }
        var count = 0
        forEachPair { _, _ in count += 1 }
        return count <= Self.maxItems
    }

    /// Equal when the same stands in both, whatever stands around it.
    public static func == (one: EngineQuery, other: EngineQuery) -> Bool {
        one.withBytes { one in other.withBytes { other in areEqual(one, other) } }
    }

    /// Hashes what stands in the query.
    public func hash(into hasher: inout Hasher) { withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) } }

    /// The items, repeated names included.
    public var items: [Item] {
        var items: [Item] = []
        forEachPair { name, value in items.append(Item(name: Self.decode(name), value: Self.decode(value))) }
        return items
    }

    /// The value of a name. When the name is repeated the last one counts, as in the reference implementation.
    public subscript(name: String) -> String? {
        var found: String?
        forEachPair { candidate, value in
            if Self.isName(candidate, name) { found = Self.decode(value) }
        }
        return found
    }

    /// The values of two names, found in one pass.
    func values(of first: String, and second: String) -> (first: String?, second: String?) {
        var values: (first: String?, second: String?)
        forEachPair { candidate, value in
            if Self.isName(candidate, first) { values.first = Self.decode(value) }
            if Self.isName(candidate, second) { values.second = Self.decode(value) }
        }
        return values
    }

    /// The name as it came, not decoded, stands for that name.
    private static func isName(_ candidate: Bytes, _ name: String) -> Bool {
        name.withBytes { areEqual(candidate, $0) } || !isPlain(candidate) && decode(candidate) == name
    }

    private typealias Bytes = UnsafeBufferPointer<UInt8>

    private func withBytes<Result>(_ body: (Bytes) -> Result) -> Result {
        text.withBytes { body(Bytes(rebasing: $0[start..<end])) }
    }

    /// Calls `body` with each name and value, not decoded.
    private func forEachPair(_ body: (Bytes, Bytes) -> Void) {
        withBytes { bytes in
            var start = 0
            var equals: Int?
            for place in 0...bytes.count {
                if place == bytes.count || bytes[place] == UInt8(ascii: "&") {
                    if start < place {
                        let nameEnd = equals ?? place
                        body(
                            Bytes(rebasing: bytes[start..<nameEnd]),
                            Bytes(rebasing: bytes[min(nameEnd + 1, place)..<place]))
                    }
                    start = place + 1
                    equals = nil
                } else if equals == nil, bytes[place] == UInt8(ascii: "=") {
                    equals = place
                }
            }
        }
    }

    /// Nothing in it needs to be decoded.
    private static func isPlain(_ text: Bytes) -> Bool {
        for byte in text where byte == UInt8(ascii: "%") || byte == UInt8(ascii: "+") { return false }
        return true
    }

    private static func areEqual(_ one: Bytes, _ other: Bytes) -> Bool {
        guard one.count == other.count else { return false }
        for place in one.indices where one[place] != other[place] { return false }
        return true
    }

    private static func decode(_ text: Bytes) -> String {
        if isPlain(text) { return String(decoding: text, as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"):
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                if digits.count == 2, let high = digits.first.flatMap(hexDigit), let low = digits.last.flatMap(hexDigit)
                {
                    bytes.append(high << 4 | low)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            default:
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension String {
    /// Calls `body` with the text's bytes, without a copy where it is stored as such.
    fileprivate func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = self
        return copy.withUTF8(body)
    }
}
