internal import JSONText

extension SocketIOValue {
    /// A number as it is written: neither its digits nor its form are lost on the way through.
    ///
    /// Two numbers are equal if they are written alike: `1` and `1.0` are not.
    public struct Number: Hashable, Sendable, CustomStringConvertible {
        /// The number in the notation of JSON.
        public let description: String

        /// Takes a text that has been validated.
        init(validated text: String) {
            self.description = text
        }

        /// A number written in JSON's notation, such as `-12.50e3`; nil for any other text.
        public init?(_ text: String) {
            let bytes = Array(text.utf8)
            guard let first = bytes.first, first.isDigit || first == UInt8(ascii: "-"), bytes.last?.isDigit == true,
                (try? bytes.span.bytes.validateJSON(from: 0, maxDepth: 0)) != nil
            else { return nil }
            self.description = text
        }

        /// An integer.
        public init(_ value: some BinaryInteger) {
            self.description = String(value)
        }

        /// A double as JavaScript writes it; nil if it is not finite.
        public init?(_ value: Double) {
            guard let text = JavaScriptNumber.text(value) else { return nil }
            self.description = text
        }

        /// The value as an integer; nil if it has a fraction or is out of range.
        public func exactly<T: FixedWidthInteger>(_ type: T.Type) -> T? {
            let bytes = Array(self.description.utf8)
            var at = 0
            return try? bytes.span.bytes.readInteger(type, &at)
        }

        /// The nearest double, infinite beyond the largest.
        public var doubleValue: Double { Double(self.description) ?? .nan }
    }
}
