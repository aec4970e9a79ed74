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

    /// The items, repeated names included.
    public let items: [Item]

    /// Reads the query of a request's URI, in one pass. There is none without a "?".
    ///
    /// "+" is a space, "%41" is an "A"; a "%" that no two hexadecimal digits follow stands for itself, and bytes that are not
    /// UTF-8 become U+FFFD.
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(uri: String) {
        guard let question = uri.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            self.init(form: "")
            return
        }
        self.init(form: Substring(uri.utf8[question...].dropFirst().prefix { $0 != UInt8(ascii: "#") }))
    }

    /// Reads the body of a form, which is written as a query is, or a query without its "?".
    ///
    /// - Returns: `nil` for more than ``maxItems`` items.
    public init?(form: Substring) {
        let pairs = form.utf8.split(separator: UInt8(ascii: "&"), maxSplits: Self.maxItems)
        guard pairs.count <= Self.maxItems else { return nil }
        items = pairs.map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return Item(name: Self.decode(name), value: Self.decode(pair[name.endIndex...].dropFirst()))
        }
    }

    /// The value of a name. When the name is repeated the last one counts, as in the reference implementation.
    public subscript(name: String) -> String? {
        items.last { $0.name == name }?.value
    }

    private static func decode(_ text: Substring.UTF8View) -> String {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(Substring(text))
        }
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
                    rest = rest[digits.endIndex...]
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
