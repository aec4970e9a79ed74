internal import JSONText
internal import NIOCore

extension ByteBuffer {
    /// Writes a string in quotes, escaped as `JSON.stringify` does, and the byte that stands behind it, if any.
    @inline(__always)
    mutating func writeJSONString(_ text: String, and next: UInt8? = nil) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable {
            self.writeJSONString(UnsafeRawBufferPointer($0), and: next)
        }
        if isWritten == nil { self.writeBridgedJSONString(text, and: next) }
    }

    /// A string that is not stored as UTF-8, such as one bridged from `NSString`.
    private mutating func writeBridgedJSONString(_ text: String, and next: UInt8?) {
        var text = text
        text.withUTF8 { self.writeJSONString(UnsafeRawBufferPointer($0), and: next) }
    }

    private mutating func writeJSONString(_ text: UnsafeRawBufferPointer, and next: UInt8?) {
        let clean = Self.lengthOfUnescapedRun(text)
        guard clean == text.count else {
            self.writeEscapedJSONString(text, clean: clean)
            if let next { self.writeInteger(next) }
            return
        }
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: text.count + 3) { output in
            output[0] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: output[1..<(text.count + 1)]).copyMemory(from: text)
            output[text.count + 1] = UInt8(ascii: "\"")
            guard let next else { return text.count + 2 }
            output[text.count + 2] = next
            return text.count + 3
        }
    }

    private mutating func writeEscapedJSONString(_ text: UnsafeRawBufferPointer, clean: Int) {
        self.writeInteger(UInt8(ascii: "\""))
        var rest = text
        var clean = clean
        while true {
            self.writeBytes(UnsafeRawBufferPointer(rebasing: rest[0..<clean]))
            guard clean < rest.count else { break }
            self.writeJSONEscape(of: rest[clean])
            rest = UnsafeRawBufferPointer(rebasing: rest[(clean + 1)..<rest.count])
            clean = Self.lengthOfUnescapedRun(rest)
        }
        self.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func writeJSONEscape(of byte: UInt8) {
        let short: UInt8? =
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
            case 0x08: UInt8(ascii: "b")
            case 0x09: UInt8(ascii: "t")
            case 0x0A: UInt8(ascii: "n")
            case 0x0C: UInt8(ascii: "f")
            case 0x0D: UInt8(ascii: "r")
            default: nil
            }
        if let short {
            self.writeMultipleIntegers(UInt8(ascii: "\\"), short)
        } else {
            let low = byte & 0x0F
            self.writeStaticString(byte < 0x10 ? "\\u000" : "\\u001")
            self.writeInteger(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }

    /// How many bytes from the start can be copied as they are.
    @inline(__always)
    private static func lengthOfUnescapedRun(_ text: UnsafeRawBufferPointer) -> Int {
        var at = 0
        while at + 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let special = EightBytes.special(in: word, ascii: false)
            if special != 0 { return at + special.trailingZeroBitCount >> 3 }
            at += 8
        }
        while at < text.count {
            let byte = text[at]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            at += 1
        }
        return at
    }

    /// Writes an integer in decimal digits.
    @inline(__always)
    mutating func writeDecimal<T: FixedWidthInteger>(_ value: T) {
        guard let magnitude = UInt64(exactly: value.magnitude) else {
            self.writeString(String(value))
            return
        }
        if value < 0 { self.writeInteger(UInt8(ascii: "-")) }
        self.writeDecimalDigits(magnitude)
    }

    private mutating func writeDecimalDigits(_ value: UInt64) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 20) { Self.putDecimal(value, into: $0) }
    }

    /// Puts the digits of a number at the beginning of `output`, which has room for 20.
    ///
    /// - Returns: how many there are.
    static func putDecimal(_ value: UInt64, into output: UnsafeMutableRawBufferPointer) -> Int {
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        return count
    }
}
