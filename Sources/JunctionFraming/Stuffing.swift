import NIOCore

/// Bytes that a framing needs for itself are written as an escape and a second byte.
protocol Stuffing {
    static var escape: UInt8 { get }
    /// How many bytes of a message need an escape.
    static func countEscapes(_ message: ByteBuffer) -> Int
    /// What stands behind the escape for `byte`; `nil` for a byte that stands for itself.
    static func escaped(_ byte: UInt8) -> UInt8?
    /// The byte that `byte` behind an escape stands for; `nil` if it may not stand there.
    static func unescaped(_ byte: UInt8) -> UInt8?
}

extension Stuffing {
    /// Appends `message` to `output` between two bytes, with its escapes.
    static func write(_ message: ByteBuffer, between start: UInt8, and end: UInt8, into output: inout ByteBuffer) {
        let extra = countEscapes(message)
        output.reserveCapacity(minimumWritableBytes: message.readableBytes + extra + 2)
        output.writeInteger(start)
        if extra == 0 {
            output.writeImmutableBuffer(message)
        } else {
            write(message, extra, into: &output)
        }
        output.writeInteger(end)
    }

    private static func write(_ message: ByteBuffer, _ extra: Int, into output: inout ByteBuffer) {
        let length = message.readableBytes + extra
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
            message.withUnsafeReadableBytes { bytes in
                var at = 0
                for byte in bytes {
                    if let second = escaped(byte) {
                        output[at] = escape
                        output[at + 1] = second
                        at += 2
                    } else {
                        output[at] = byte
                        at += 1
                    }
                }
                return at
            }
        }
    }

    /// The message that was written as `frame`; `nil` if an escape is invalid.
    static func undo(_ frame: ByteBuffer) -> ByteBuffer? {
        var isValid = true
        var message = ByteBuffer()
        message.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.readableBytes) { output in
            frame.withUnsafeReadableBytes { bytes in
                var (at, count) = (0, 0)
                while at < bytes.count {
                    var byte = bytes[at]
                    if byte == escape {
                        at += 1
                        guard at < bytes.count, let original = unescaped(bytes[at]) else {
                            isValid = false
                            break
                        }
                        byte = original
                    }
                    output[count] = byte
                    at += 1
                    count += 1
                }
                return count
            }
        }
        return isValid ? message : nil
    }
}
