import NIOCore

/// Messages of one size.
struct FixedFramer: MemoryReportingFramer {
    let size: Int
    private var pending = PendingBytes()

    init(size: Int) { self.size = size }

    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) { pending.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        guard pending.count >= size else {
            pending.settle()
            return nil
        }
        return pending.take(size)
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        guard pending.count > 0 else { return nil }
        pending.clear()
        throw .truncated("a message of \(size) bytes")
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length == size else {
            throw FramingError(
                length > size ? .tooLong : .malformed, "a message has \(length) bytes where each must have \(size)")
        }
        output.writeImmutableBuffer(message)
    }
}
