extension NetworkError {
    /// The text is not what it should be; it is shown shortened and with its control characters escaped.
    static func invalid(_ text: some StringProtocol, _ complaint: String) -> NetworkError {
        let start = String(decoding: text.utf8.prefix(100), as: UTF8.self)
        let shown = start.debugDescription + (start.utf8.count < text.utf8.count ? "…" : "")
        return NetworkError(.invalidAddress, "\(shown) is \(complaint)")
    }
}

extension Decoder {
    /// Decodes a value from its text.
    func decodeText<Value: LosslessStringConvertible>(_ type: Value.Type, _ complaint: String) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Value(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: NetworkError.invalid(text, complaint).message)
        }
        return value
    }
}

extension Encoder {
    /// Encodes a value as its text.
    func encodeText(_ value: some LosslessStringConvertible) throws {
        var container = singleValueContainer()
        try container.encode(value.description)
    }
}

/// A decimal number without sign and leading zeros, as ports and prefix lengths are written.
func parseDecimal(_ text: some StringProtocol, upTo maximum: Int) -> Int? {
    let digits = text.utf8
    guard (1...5).contains(digits.prefix(6).count), digits.count == 1 || digits.first != UInt8(ascii: "0") else {
        return nil
    }
    var number = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        number = number * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return number <= maximum ? number : nil
}

extension IPAddress: Codable {
    /// Decodes an address from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.decodeText(Self.self, "no IP address") }

    /// Encodes the address as its canonical text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
}

extension IPPrefix: Codable {
    /// Decodes a prefix from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.decodeText(Self.self, "no CIDR prefix") }

    /// Encodes the prefix as its canonical text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
}

extension IPAddressRange: Codable {
    /// Decodes a range from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.decodeText(Self.self, "no range of addresses") }

    /// Encodes the range as its canonical text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
}

extension BlockList.Rule: Codable {
    /// Decodes a rule from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.decodeText(Self.self, "no rule of a list") }

    /// Encodes the rule as its text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
}
