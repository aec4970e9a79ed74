/// Checks that bytes are well-formed UTF-8 (Unicode 15, table 3-7), in as many pieces as they come.
///
/// It fails at the first byte that no valid continuation of the text could contain, so an endpoint can refuse a message
/// before the rest of it has arrived. The standard library's `UTF8Span` does the same for a whole text only, and is not there
/// on every platform that this package supports.
package struct UTF8Validator: Sendable {
    /// Continuation bytes that the current character still needs, and the range of the next one.
    private var missing: UInt8 = 0
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    package init() {}

    /// Whether the text seen so far ends with a whole character.
    package var isComplete: Bool { missing == 0 }

    /// Whether the bytes are one complete and valid text.
    package static func isValid(_ bytes: RawSpan) -> Bool {
        var validator = Self()
        return validator.consume(bytes) && validator.isComplete
    }

    /// Takes the next piece of the text.
    ///
    /// - Returns: Whether it is valid so far. After `false` the validator is of no more use.
    package mutating func consume(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        var index = 0
        while missing != 0 && index < count {
            guard consume(byte: bytes.byte(at: index)) else { return false }
            index &+= 1
        }
        while true {
            index = bytes.endOfASCII(from: index)
            // Whole characters, four readable bytes at a time.
            while count &- index >= 4 {
                let word = bytes.word32(at: index)
                guard word & 0x80 != 0 else { break }
                let length = Self.lengthOfCharacter(in: word)
                guard length != 0 else { return false }
                index &+= length
            }
            if count &- index < 8 { break }
        }
        while index < count {
            guard consume(byte: bytes.byte(at: index)) else { return false }
            index &+= 1
        }
        return true
    }

    /// The length of the character beyond ASCII that a little-endian word begins with, or 0 if it is none.
    private static func lengthOfCharacter(in word: UInt32) -> Int {
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
            let top = word & 0x0000_200F  // 0 would be overlong, U+D800 to U+DFFF are surrogates
            return top != 0 && top != 0x200D ? 3 : 0
        }
        if word & 0x0000_C0E0 == 0x0000_80C0 {
            return word & 0x1E != 0 ? 2 : 0  // C0 and C1 would be overlong
        }
        if word & 0xC0C0_C0F8 == 0x8080_80F0 {
            let top = word & 0x7
            let next = word & 0x3000
            // F0 80 to F0 8F would be overlong, F4 90 and above are beyond U+10FFFF.
            return top == 0 ? (next != 0 ? 4 : 0) : (top < 4 || top == 4 && next == 0 ? 4 : 0)
        }
        return 0
    }

    private mutating func consume(byte: UInt8) -> Bool {
        if missing != 0 {
            guard byte >= lower && byte <= upper else { return false }
            lower = 0x80
            upper = 0xBF
            missing &-= 1
            return true
        }
        switch byte {
        case 0x00...0x7F: return true
        case 0xC2...0xDF: missing = 1
        case 0xE0: (missing, lower) = (2, 0xA0)
        case 0xED: (missing, upper) = (2, 0x9F)
        case 0xE1...0xEF: missing = 2
        case 0xF0: (missing, lower) = (3, 0x90)
        case 0xF1...0xF3: missing = 3
        case 0xF4: (missing, upper) = (3, 0x8F)
        default: return false
        }
        return true
    }
}

extension RawSpan {
    // The loads below check their bounds.
    fileprivate func byte(at index: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: index, as: UInt8.self)
    }

    fileprivate func word32(at index: Int) -> UInt32 {
        UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    /// The first position at or after `index` that is not known to be ASCII: a byte beyond it, or one of the last seven.
    fileprivate func endOfASCII(from index: Int) -> Int {
        let high: UInt64 = 0x8080_8080_8080_8080
        var index = index
        while byteCount &- index >= 32 {
            let words =
                unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                | unsafeLoadUnaligned(fromByteOffset: index &+ 8, as: UInt64.self)
                | unsafeLoadUnaligned(fromByteOffset: index &+ 16, as: UInt64.self)
                | unsafeLoadUnaligned(fromByteOffset: index &+ 24, as: UInt64.self)
            guard words & high == 0 else { break }
            index &+= 32
        }
        while byteCount &- index >= 8 {
            let word = UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)) & high
            guard word == 0 else { return index &+ word.trailingZeroBitCount / 8 }
            index &+= 8
        }
        return index
    }
}
