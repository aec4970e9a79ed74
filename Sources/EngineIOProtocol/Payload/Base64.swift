import NIOCore

/// Base64 with the standard alphabet (RFC 4648, section 4).
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Six bits for each character of the alphabet, `invalid` for every other byte.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: invalid, count: 256)
        alphabet.withUTF8Buffer { characters in
            for (value, character) in characters.enumerated() {
                values[Int(character)] = UInt8(value)
            }
        }
        return values
    }()
    private static let invalid: UInt8 = 0xFF
    private static let padding = UInt8(ascii: "=")

    /// The characters that this many bytes become.
    static func encodedLength(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends the bytes as base64 with padding.
    static func encode(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        let length = encodedLength(bytes.readableBytes)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
            bytes.withUnsafeReadableBytes { input in
                alphabet.withUTF8Buffer { encode(input, $0, into: output) }
            }
            return length
        }
    }

    private static func encode(
        _ input: UnsafeRawBufferPointer, _ alphabet: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableRawBufferPointer
    ) {
        func character(_ group: UInt32, _ shift: UInt32) -> UInt8 {
            alphabet[Int((group &>> shift) & 0x3F)]
        }
        var read = 0
        var write = 0
        while input.count - read >= 3 {
            let group = UInt32(input[read]) << 16 | UInt32(input[read + 1]) << 8 | UInt32(input[read + 2])
            output[write] = character(group, 18)
            output[write + 1] = character(group, 12)
            output[write + 2] = character(group, 6)
            output[write + 3] = character(group, 0)
            read += 3
            write += 4
        }
        switch input.count - read {
        case 1:
            let group = UInt32(input[read]) << 16
            output[write] = character(group, 18)
            output[write + 1] = character(group, 12)
            output[write + 2] = padding
            output[write + 3] = padding
        case 2:
            let group = UInt32(input[read]) << 16 | UInt32(input[read + 1]) << 8
            output[write] = character(group, 18)
            output[write + 1] = character(group, 12)
            output[write + 2] = character(group, 6)
            output[write + 3] = padding
        default:
            break
        }
    }

    /// The bytes that the characters stand for, or `nil` if they are not base64.
    ///
    /// Padding may be missing, but not be wrong; bits beyond the last byte must be zero; nothing else is skipped or guessed.
    static func decode(_ characters: ByteBuffer) -> ByteBuffer? {
        characters.withUnsafeReadableBytes { input in
            var count = input.count
            if count > 0 && count % 4 == 0 && input[count - 1] == padding {
                count -= input[count - 2] == padding ? 2 : 1
            }
            guard count % 4 != 1 else { return nil }
            var output = ByteBufferAllocator().buffer(capacity: count / 4 * 3 + 2)
            let isValid = values.withUnsafeBufferPointer { values in
                decode(UnsafeRawBufferPointer(rebasing: input[..<count]), values, into: &output)
            }
            return isValid ? output : nil
        }
    }

    private static func decode(
        _ input: UnsafeRawBufferPointer, _ values: UnsafeBufferPointer<UInt8>, into buffer: inout ByteBuffer
    ) -> Bool {
        // Every invalid character has its two top bits set: they are gathered and judged once, at the end.
        var seen: UInt8 = 0
        func value(_ index: Int) -> UInt32 {
            let value = values[Int(input[index])]
            seen |= value
            return UInt32(value & 0x3F)
        }
        var strayBits: UInt32 = 0
        let length = input.count / 4 * 3 + max(input.count % 4 - 1, 0)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
            var read = 0
            var write = 0
            while input.count - read >= 4 {
                let group = value(read) << 18 | value(read + 1) << 12 | value(read + 2) << 6 | value(read + 3)
                output[write] = UInt8(truncatingIfNeeded: group >> 16)
                output[write + 1] = UInt8(truncatingIfNeeded: group >> 8)
                output[write + 2] = UInt8(truncatingIfNeeded: group)
                read += 4
                write += 3
            }
            switch input.count - read {
            case 2:
                let group = value(read) << 6 | value(read + 1)
                output[write] = UInt8(truncatingIfNeeded: group >> 4)
                strayBits = group & 0xF
            case 3:
                let group = value(read) << 12 | value(read + 1) << 6 | value(read + 2)
                output[write] = UInt8(truncatingIfNeeded: group >> 10)
                output[write + 1] = UInt8(truncatingIfNeeded: group >> 2)
                strayBits = group & 0x3
            default:
                break
            }
            return length
        }
        return seen < 64 && strayBits == 0
    }
}
