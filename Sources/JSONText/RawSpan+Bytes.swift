extension UInt8 {
    /// Whether this is the ASCII code of a decimal digit.
    @inlinable @inline(__always)
    package var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// The value of a hexadecimal digit in either case; nil for any other byte.
    package var hexDigitValue: UInt16? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(self &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(self &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(self &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }
}

/// Eight bytes examined at once.
@usableFromInline package enum EightBytes {
    @inlinable @inline(__always)
    package static var ones: UInt64 { 0x0101_0101_0101_0101 }
    @inlinable @inline(__always)
    package static var highs: UInt64 { 0x8080_8080_8080_8080 }

    /// Whether one of the bytes is less than `limit`, which is at most 128.
    @inlinable @inline(__always)
    package static func containsByte(below limit: UInt8, in word: UInt64) -> Bool {
        (word &- self.ones &* UInt64(limit)) & ~word & self.highs != 0
    }

    /// Nonzero if a byte of `word` ends a run that can be copied between JSON and a string as it is: a quote, a
    /// backslash, a control character or, with `ascii`, anything above U+007F.
    ///
    /// The lowest bit set marks the first such byte exactly; bits above it may be false alarms of the subtraction.
    @inlinable @inline(__always)
    package static func special(in word: UInt64, ascii: Bool) -> UInt64 {
        let quote = word ^ (0x22 &* self.ones)
        let backslash = word ^ (0x5C &* self.ones)
        let control = (word &- (0x20 &* self.ones)) & ~word
        let found = ((quote &- self.ones) & ~quote) | ((backslash &- self.ones) & ~backslash) | control
        return (ascii ? found | word : found) & self.highs
    }
}

extension RawSpan {
    /// The byte at an offset; nil beyond the end.
    @inlinable @inline(__always)
    package func byte(_ at: Int) -> UInt8? {
        at < self.byteCount ? self.unsafeLoad(fromByteOffset: at, as: UInt8.self) : nil
    }

    /// Moves past the four bytes that JSON counts as white space.
    @inlinable @inline(__always)
    package func skipWhitespace(_ at: inout Int) {
        while let byte = self.byte(at), byte <= 0x20,
            byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        {
            at += 1
        }
    }

    /// Moves to the first byte that is a quote, a backslash, a control character or, with `ascii`, not ASCII, or close
    /// before it: the caller examines the byte found there anyway.
    @inlinable @inline(__always)
    package func skipPlain(_ at: inout Int, ascii: Bool) {
        while at + 8 <= self.byteCount {
            let word = UInt64(littleEndian: self.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
            let special = EightBytes.special(in: word, ascii: ascii)
            if special != 0 {
                at += special.trailingZeroBitCount >> 3
                return
            }
            at += 8
        }
    }
}
