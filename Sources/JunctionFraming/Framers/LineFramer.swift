import NIOCore

/// Lines that end with LF or CRLF.
struct LineFramer: MemoryReportingFramer {
    private static let lf = UInt8(ascii: "\n")
    private static let cr = UInt8(ascii: "\r")

    let maximumLength: Int
    private var input = DelimitedBytes(delimiter: [lf])

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    var heldBytes: Int { input.heldBytes }

    mutating func append(_ bytes: ByteBuffer) { input.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        switch input.next(upTo: maximumLength + 1) {  // a CR may belong to the line ending
        case .frame(let ended):
            let line = Self.withoutCR(ended)
            guard line.readableBytes <= maximumLength else { throw tooLong }
            return line
        case .tooLong:
            throw tooLong
        case .none:
            guard input.unfinished.readableBytes > maximumLength, input.last != Self.cr else { return nil }
            input.refuse()
            throw tooLong
        }
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        input.flush().map(Self.withoutCR)
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        // Each of several lines in one message may have the maximum.
        if message.readableBytes > maximumLength {
            let longest = Self.longestLine(of: message)
            guard longest <= maximumLength else { throw .message(of: longest, over: maximumLength) }
        }
        output.reserveCapacity(minimumWritableBytes: message.readableBytes + 1)
        output.writeImmutableBuffer(message)
        output.writeInteger(Self.lf)
    }

    private static func longestLine(of message: ByteBuffer) -> Int {
        message.withUnsafeReadableBytes { bytes in
            var (start, longest) = (0, 0)
            while let end = bytes.firstOffset(of: lf, from: start) {
                longest = max(longest, end - start)
                start = end + 1
            }
            return max(longest, bytes.count - start)
        }
    }

    private static func withoutCR(_ line: ByteBuffer) -> ByteBuffer {
        guard line.readableBytes > 0, line.getInteger(at: line.writerIndex - 1) == cr else { return line }
        var line = line
        line.moveWriterIndex(to: line.writerIndex - 1)
        return line
    }

    private var tooLong: FramingError { .tooLong("a line", maximum: maximumLength) }
}
