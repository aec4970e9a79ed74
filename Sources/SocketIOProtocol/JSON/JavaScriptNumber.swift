/// Doubles as JavaScript writes them (ECMA-262, `Number::toString`): the shortest digits that read back the same, an
/// exponent only from 1e21 up and below 1e-6.
enum JavaScriptNumber {
    /// Nil if the value is not finite.
    static func text(_ value: Double) -> String? {
        guard value.isFinite else { return nil }
        if let integer = Int64(exactly: value), integer.magnitude < 1 << 53 { return String(integer) }
        return self.rewritten(value.description)
    }

    /// A `Float` with its own, shorter digits; nil if it is not finite.
    static func text(_ value: Float) -> String? {
        guard value.isFinite else { return nil }
        if let integer = Int64(exactly: value), integer.magnitude < 1 << 24 { return String(integer) }
        return self.rewritten(value.description)
    }

    /// Swift prints the same digits, but changes to an exponent at other magnitudes.
    private static func rewritten(_ description: String) -> String {
        guard let mark = description.utf8.firstIndex(of: UInt8(ascii: "e")) else {
            return description.hasSuffix(".0") ? String(description.dropLast(2)) : description
        }
        let sign = description.hasPrefix("-") ? "-" : ""
        var digits = description[..<mark].filter { $0.isNumber }
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        // The value is 0.digits × 10^point.
        let point = (Int(description[description.index(after: mark)...]) ?? 0) + 1
        let count = digits.count
        switch point {
        case count...21 where count <= 21:
            return sign + digits + String(repeating: "0", count: point - count)
        case 1...21:
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        case -5...0:
            return sign + "0." + String(repeating: "0", count: -point) + digits
        default:
            let exponent = (point > 0 ? "e+" : "e") + String(point - 1)
            return sign + digits.prefix(1) + (count > 1 ? "." + digits.dropFirst() : "") + exponent
        }
    }
}
