import JSONText
import NIOCore

/// A length as an integer of fixed width.
struct IntegerHeader: LengthHeader {
    static let trailer: UInt8? = nil

    /// 1 to 8 bytes.
    let width: Int
    let endianness: Endianness
    let countsItself: Bool

    private var own: UInt64 { countsItself ? UInt64(width) : 0 }

    var greatestLength: UInt64 {
        (width >= 8 ? .max : (1 << UInt64(8 * width)) - 1) - own
    }

    func read(_ bytes: ByteBuffer) -> HeaderReading {
        guard bytes.readableBytes >= width else { return .incomplete }
        var value: UInt64 = 0
        bytes.withUnsafeReadableBytes { bytes in
            for index in 0..<width {
                value = value << 8 | UInt64(bytes[endianness == .big ? index : width - 1 - index])
            }
        }
        guard value >= own else {
            return .malformed("a length of \(value) bytes cannot count its own \(width)")
        }
        return .header(length: value - own, size: width)
    }

    func write(_ length: UInt64, into output: inout ByteBuffer) {
        let value = length + own
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: width) { output in
            for index in 0..<width {
                let place = endianness == .big ? width - 1 - index : index
                output[place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
            }
            return width
        }
    }
}

/// A length as an unsigned LEB128 number, the varint of Protocol Buffers.
struct VarintHeader: LengthHeader {
    static let trailer: UInt8? = nil
    /// Ten groups of seven bits hold 64.
    private static let greatestSize = 10

    let greatestLength = UInt64.max

    func read(_ bytes: ByteBuffer) -> HeaderReading {
        bytes.withUnsafeReadableBytes { bytes in
            var value: UInt64 = 0
            for index in 0..<min(bytes.count, Self.greatestSize) {
                let byte = bytes[index]
                guard index < Self.greatestSize - 1 || byte <= 1 else {
                    return .malformed("a varint has more than 64 bits")
                }
                value |= UInt64(byte & 0x7F) << UInt64(7 * index)
                if byte < 0x80 { return .header(length: value, size: index + 1) }
            }
            return .incomplete
        }
    }

    func write(_ length: UInt64, into output: inout ByteBuffer) {
        var rest = length
        while rest >= 0x80 {
            output.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}

/// The length of a netstring: decimal digits without leading zeros, and a colon.
struct NetstringHeader: LengthHeader {
    static let trailer: UInt8? = UInt8(ascii: ",")

    let greatestLength = UInt64.max

    func read(_ bytes: ByteBuffer) -> HeaderReading {
        bytes.withUnsafeReadableBytes { bytes in
            var value: UInt64 = 0
            for (index, byte) in bytes.enumerated() {
                if byte == UInt8(ascii: ":"), index > 0 { return .header(length: value, size: index + 1) }
                guard byte.isDigit, index == 0 || value > 0 else {
                    return .malformed("a netstring does not begin with its length")
                }
                let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
                let (sum, isOverToo) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
                guard !isOver, !isOverToo else { return .malformed("the length of a netstring has more than 64 bits") }
                value = sum
            }
            return .incomplete
        }
    }

    func write(_ length: UInt64, into output: inout ByteBuffer) {
        output.writeString(String(length))
        output.writeInteger(UInt8(ascii: ":"))
    }
}
