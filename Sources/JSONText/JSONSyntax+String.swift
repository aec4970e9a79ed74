extension RawSpan {
    /// Checks the string that starts with the quote at `at`, and moves past its end.
    @inline(__always)
    func validateString(_ at: inout Int) throws(JSONSyntaxError) {
        at += 1
        while true {
            self.skipPlain(&at, ascii: true)
            let byte = try self.requiredByte(at)
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"):
                try self.validateEscape(&at)
            case 0..<0x20:
                throw JSONSyntaxError(reason: .controlCharacter, offset: at)
            case 0..<0x80:
                at += 1
            default:
                try self.validateMultibyteRun(&at)
            }
        }
    }

    private func validateEscape(_ at: inout Int) throws(JSONSyntaxError) {
        let start = at
        at += 1
        switch try self.requiredByte(at) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        case UInt8(ascii: "u"):
            at += 1
            for _ in 0..<4 {
                guard try self.requiredByte(at).hexDigitValue != nil else {
                    throw JSONSyntaxError(reason: .invalidEscape, offset: start)
                }
                at += 1
            }
        default:
            throw JSONSyntaxError(reason: .invalidEscape, offset: start)
        }
    }

    /// Everything up to the next ASCII character. In most of the world's text the scalars have three or two bytes, which
    /// are checked in one load; the few ranges with rules of their own are left to the table.
    private func validateMultibyteRun(_ at: inout Int) throws(JSONSyntaxError) {
        while let first = self.byte(at), first >= 0x80 {
            if at + 4 <= self.byteCount {
                let word = UInt32(littleEndian: self.unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self))
                if word & 0x00C0_C0F0 == 0x0080_80E0, first != 0xE0, first != 0xED {
                    at += 3
                    continue
                }
                if word & 0xC0E0 == 0x80C0, first >= 0xC2 {
                    at += 2
                    continue
                }
            }
            try self.validateMultibyteScalar(&at)
        }
    }

    /// One scalar of two to four bytes, by the table of well-formed sequences (Unicode, table 3-7).
    private func validateMultibyteScalar(_ at: inout Int) throws(JSONSyntaxError) {
        let second: ClosedRange<UInt8>
        let length: Int
        switch try self.requiredByte(at) {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xE1...0xEC, 0xEE...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw JSONSyntaxError(reason: .invalidUTF8, offset: at)
        }
        guard second.contains(try self.requiredByte(at + 1)) else {
            throw JSONSyntaxError(reason: .invalidUTF8, offset: at)
        }
        for index in 2..<Swift.max(length, 2) {
            guard try self.requiredByte(at + index) & 0xC0 == 0x80 else {
                throw JSONSyntaxError(reason: .invalidUTF8, offset: at)
            }
        }
        at += length
    }

    /// Whether all of the bytes are well-formed UTF-8.
    package var isUTF8: Bool {
        var at = 0
        while at < self.byteCount {
            if at + 8 <= self.byteCount,
                self.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self) & EightBytes.highs == 0
            {
                at += 8
            } else if let byte = self.byte(at), byte < 0x80 {
                at += 1
            } else if (try? self.validateMultibyteRun(&at)) == nil {
                return false
            }
        }
        return true
    }
}
