internal import JSONText

/// A JSON number taken apart without loss: `±significand × 10^exponent`.
struct JSONNumber {
    let isNegative: Bool
    /// Without zeros at either end; nil when it needs more than 128 bits.
    let significand: UInt128?
    let significantDigits: Int
    let exponent: Int
}

extension RawSpan {
    /// The integer at `at` in exactly its written value, `1.0` and `1e3` included as in JavaScript; moves past it.
    @inline(__always)
    func readInteger<T: FixedWidthInteger>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        let start = at
        let isNegative = self.byte(at) == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var magnitude: UInt64 = 0
        let digits = at
        while let byte = self.byte(at), byte.isDigit {
            magnitude = magnitude &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
            at += 1
        }
        let isPlain =
            switch self.byte(at) {
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): false
            default: at - digits <= 18  // nothing of 18 digits overflows 64 bits, whatever its sign
            }
        let value = isPlain ? T(exactly: isNegative ? -Int64(magnitude) : Int64(magnitude)) : nil
        if let value { return value }
        at = start
        return try self.readLongInteger(type, &at)
    }

    private func readLongInteger<T: FixedWidthInteger>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        let start = at
        let number = self.readNumber(&at)
        guard number.exponent >= 0, var magnitude = number.significand else {
            throw .unrepresentable(self.string(start, at))
        }
        for _ in 0..<Swift.min(number.exponent, 40) {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            guard !overflow else { throw .unrepresentable(self.string(start, at)) }
            magnitude = product
        }
        let value =
            if number.isNegative {
                magnitude <= UInt128(1) << 127 ? T(exactly: Int128(truncatingIfNeeded: 0 &- magnitude)) : nil
            } else {
                T(exactly: magnitude)
            }
        guard let value else { throw .unrepresentable(self.string(start, at)) }
        return value
    }

    /// The number at `at` as the nearest double; moves past it.
    func readDouble(_ at: inout Int) throws(JSONReadFailure) -> Double {
        let start = at
        var number = PlainDecimal()
        if self.byte(at) == UInt8(ascii: "-") { at += 1 }
        number.add(self, &at)
        if self.byte(at) == UInt8(ascii: ".") {
            at += 1
            number.addFraction(self, &at)
        }
        let isNegative = self.byte(start) == UInt8(ascii: "-")
        if let value = number.value, self.byte(at).map({ $0 | 0x20 }) != UInt8(ascii: "e") {
            return isNegative ? -value : value
        }
        at = self.endOfScalar(at: start)
        guard let value = Double(self.string(start, at)), value.isFinite else {
            throw .unrepresentable(self.string(start, at))
        }
        return value
    }

    /// Takes the number at `at` apart and moves past it.
    func readNumber(_ at: inout Int) -> JSONNumber {
        var significand: UInt128? = 0
        var (digits, pendingZeros, fractionDigits) = (0, 0, 0)
        var isFraction = false
        let isNegative = self.byte(at) == UInt8(ascii: "-")
        if isNegative { at += 1 }
        while let byte = self.byte(at), byte.isDigit || byte == UInt8(ascii: ".") {
            at += 1
            guard byte.isDigit else {
                isFraction = true
                continue
            }
            if isFraction { fractionDigits += 1 }
            // Zeros count only once another digit follows them: 1.500 has two significant digits.
            guard byte != UInt8(ascii: "0") else {
                if digits > 0 { pendingZeros += 1 }
                continue
            }
            digits += pendingZeros + 1
            significand = significand?.appending(byte, after: pendingZeros)
            pendingZeros = 0
        }
        var exponent = 0
        if let byte = self.byte(at), byte | 0x20 == UInt8(ascii: "e") {
            at += 1
            let sign = self.byte(at)
            if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { at += 1 }
            while let byte = self.byte(at), byte.isDigit {
                exponent = Swift.min(exponent * 10 + Int(byte &- UInt8(ascii: "0")), 1_000_000_000)
                at += 1
            }
            if sign == UInt8(ascii: "-") { exponent = -exponent }
        }
        return JSONNumber(
            isNegative: isNegative, significand: significand, significantDigits: digits,
            exponent: digits == 0 ? 0 : exponent + pendingZeros - fractionDigits)
    }
}

extension UInt128 {
    /// The value with `zeros` zeros and one more digit written behind it; nil beyond 128 bits.
    fileprivate func appending(_ digit: UInt8, after zeros: Int) -> UInt128? {
        var value = self
        for _ in 0...zeros {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
        }
        let (sum, overflow) = value.addingReportingOverflow(UInt128(digit &- UInt8(ascii: "0")))
        return overflow ? nil : sum
    }
}

/// A decimal number small enough that one division by a power of ten rounds it correctly (Clinger's fast path): up to
/// 15 digits and 22 of them behind the point.
private struct PlainDecimal {
    private var significand: UInt64 = 0
    private var digits = 0
    private var fractionDigits = 0

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    mutating func add(_ text: RawSpan, _ at: inout Int) {
        while let byte = text.byte(at), byte.isDigit {
            self.significand = self.significand &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
            self.digits += 1
            at += 1
        }
    }

    mutating func addFraction(_ text: RawSpan, _ at: inout Int) {
        let start = at
        self.add(text, &at)
        self.fractionDigits = at - start
    }

    var value: Double? {
        guard self.digits <= 15 else { return nil }
        return Double(self.significand) / Self.powersOfTen[self.fractionDigits]
    }
}
