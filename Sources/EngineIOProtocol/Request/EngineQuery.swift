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

    /// As it came, without the "?". Read when asked: most requests are asked for two names and never again.
    private let text: Substring

    private init(text: Substring) { self.text = text }

    /// Reads the query of a request's URI, in one pass. There is none without a "?".
    ///
    /// "+" is a space, "%41" is an "A"; a "%" that no two hexadecimal digits follow stands for itself, and bytes that are not
    /// UTF-8 become U+FFFD.
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(uri: String) {
        guard let question = uri.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            self = .none
            return
        }
        self.init(form: Substring(uri.utf8[question...].dropFirst().prefix { $0 != UInt8(ascii: "#") }))
    }

    /// Reads the body of a form, which is written as a query is, or a query without its "?".
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(form: Substring) {
        text = form
        var count = 0
        forEachPair { _, _ in count += 1 }
        guard count <= Self.maxItems else { return nil }
    }

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
            let isFound =
                Self.isPlain(candidate) ? candidate.elementsEqual(name.utf8) : Self.decode(candidate) == name
            if isFound { found = Self.decode(value) }
        }
        return found
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    /// Calls `body` with each name and value, not decoded.
    private func forEachPair(_ body: (Bytes, Bytes) -> Void) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            var equals: Int?
            for place in 0...bytes.count {
                if place == bytes.count || bytes[place] == UInt8(ascii: "&") {
                    if start < place {
                        let nameEnd = equals ?? place
                        body(bytes[start..<nameEnd], bytes[min(nameEnd + 1, place)..<place])
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
        !text.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
    }

    private static func decode(_ text: Bytes) -> String {
        if isPlain(text) { return String(decoding: text, as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
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
