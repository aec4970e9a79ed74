import NIOCore

/// Messages that a sequence of bytes ends.
struct DelimiterFramer: MemoryReportingFramer {
    let maximumLength: Int
    private var input: DelimitedBytes

    init(delimiter: [UInt8], maximumLength: Int) {
        self.maximumLength = maximumLength
        self.input = DelimitedBytes(delimiter: delimiter)
    }

    var heldBytes: Int { input.heldBytes }

    mutating func append(_ bytes: ByteBuffer) { input.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        switch input.next(upTo: maximumLength) {
        case .frame(let message): return message
        case .none: return nil
        case .tooLong: throw tooLong
        }
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        guard let rest = input.flush() else { return nil }
        // Up to here the last bytes could have begun a delimiter.
        guard rest.readableBytes <= maximumLength else { throw tooLong }
        return rest
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength else { throw .message(of: length, over: maximumLength) }
        let (start, delimiter) = (output.writerIndex, input.delimiter)
        output.reserveCapacity(minimumWritableBytes: length + delimiter.count)
        output.writeImmutableBuffer(message)
        output.writeBytes(delimiter)
        // The delimiter is looked for in what was written: the end of a message may form one together with it.
        let offset = start - output.readerIndex
        let found = output.withUnsafeReadableBytes { $0.firstOffset(of: delimiter, from: offset) }
        guard found == offset + length else {
            output.moveWriterIndex(to: start)
            throw FramingError(.malformed, "a message contains the delimiter, or begins one at its end")
        }
    }

    private var tooLong: FramingError { .tooLong("a message", maximum: maximumLength) }
}
