internal import JSONText

extension RawSpan {
    /// Reads the string at `at`, escapes undone, and moves past it.
    ///
    /// A lone surrogate, which only an escape can smuggle in, becomes U+FFFD as on the web.
    @inline(__always)
    func readString(_ at: inout Int) -> String {
        let start = at + 1
        let isEscaped = self.skipString(&at)
        let end = Swift.max(start, at - 1)
        return isEscaped ? self.unescapedString(start, end) : self.string(start, end)
    }

    /// The bytes from `start` to `end` as text.
    @inline(__always)
    func string(_ start: Int, _ end: Int) -> String {
        guard start < end, end <= self.byteCount else { return "" }
        return self.withUnsafeBytes {
            String(decoding: UnsafeRawBufferPointer(rebasing: $0[start..<end]), as: UTF8.self)
        }
    }

    /// Whether the string at `position` reads as `text`, byte by byte: as in JavaScript, no Unicode equivalence.
    func stringEquals(_ text: String, at position: Int) -> Bool {
        var end = position
        if self.skipString(&end) {
            var at = position
            return self.readString(&at).utf8.elementsEqual(text.utf8)
        }
        return self.bytesEqual(text, from: position + 1, to: end - 1)
    }

    @inline(__always)
    func bytesEqual(_ text: String, from start: Int, to end: Int) -> Bool {
        guard text.utf8.count == end - start else { return false }
        var at = start
        for unit in text.utf8 {
            guard self.byte(at) == unit else { return false }
            at += 1
        }
        return true
    }

    private func unescapedString(_ start: Int, _ end: Int) -> String {
        // Undoing escapes never lengthens: \uXXXX is six bytes for at most three, a pair of them twelve for four.
        String(unsafeUninitializedCapacity: end - start) { output in
            var count = 0
            func append(_ byte: UInt8) {
                guard count < output.count else { return }
                output[count] = byte
                count += 1
            }
            var at = start
            while at < end, let byte = self.byte(at) {
                at += 1
                guard byte == UInt8(ascii: "\\") else {
                    append(byte)
                    continue
                }
                let escape = self.byte(at) ?? 0
                at += 1
                switch escape {
                case UInt8(ascii: "b"): append(0x08)
                case UInt8(ascii: "f"): append(0x0C)
                case UInt8(ascii: "n"): append(0x0A)
                case UInt8(ascii: "r"): append(0x0D)
                case UInt8(ascii: "t"): append(0x09)
                case UInt8(ascii: "u"):
                    for unit in self.escapedScalar(&at).utf8 { append(unit) }
                default: append(escape)
                }
            }
            return count
        }
    }

    /// The scalar whose hexadecimal digits start at `at`, the second half of a surrogate pair included.
    private func escapedScalar(_ at: inout Int) -> Unicode.Scalar {
        let first = self.hexadecimal(at) ?? 0xFFFD
        at += 4
        guard UTF16.isLeadSurrogate(first), self.byte(at) == UInt8(ascii: "\\"),
            self.byte(at + 1) == UInt8(ascii: "u"),
            let second = self.hexadecimal(at + 2), UTF16.isTrailSurrogate(second)
        else {
            return Unicode.Scalar(first) ?? "\u{FFFD}"
        }
        at += 6
        return Unicode.Scalar(0x1_0000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF))) ?? "\u{FFFD}"
    }

    private func hexadecimal(_ at: Int) -> UInt16? {
        var value: UInt16 = 0
        for index in 0..<4 {
            guard let digit = self.byte(at + index)?.hexDigitValue else { return nil }
            value = value << 4 | digit
        }
        return value
    }
}
