import NIOCore

/// What came until the line fell silent; a flush ends each message.
struct IdleGapFramer: MemoryReportingFramer {
    let maximumLength: Int
    private var pending = PendingBytes()
    private var isSkipping = false

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) { pending.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        if isSkipping {
            pending.clear()
        } else if pending.count > maximumLength {
            isSkipping = true
            pending.clear()
            throw .tooLong("a message", maximum: maximumLength)
        }
        pending.settle()
        return nil
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        defer {
            pending.clear()
            isSkipping = false
        }
        return isSkipping || pending.count == 0 ? nil : pending.bytes
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength else { throw .message(of: length, over: maximumLength) }
        output.writeImmutableBuffer(message)
    }
}

/// No framing: what came is handed on as it is.
struct RawFramer: MemoryReportingFramer {
    private var pending = PendingBytes()

    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) { pending.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        defer { pending.clear() }
        return pending.count == 0 ? nil : pending.bytes
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? { try next() }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        output.writeImmutableBuffer(message)
    }
}
