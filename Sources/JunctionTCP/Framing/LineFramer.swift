import JunctionCore
import NIOCore

/// Lines that end with LF or CRLF.
struct LineFramer: Framer {
    let maximumLength: Int
    private var pending = ByteBuffer()
    /// Bytes of `pending` known to hold no LF, so that a slow line is not searched again from its start.
    private var searched = 0

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            // Else the buffer grows with every byte the connection ever sent.
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    mutating func next() throws -> ByteBuffer? {
        let unseen = pending.readableBytesView.dropFirst(searched)
        guard let end = unseen.firstIndex(of: UInt8(ascii: "\n")) else {
            searched = pending.readableBytes
            // A CR may belong to a line ending whose LF is still on its way.
            guard Self.withoutCR(pending).readableBytes <= maximumLength else { throw tooLong }
            return nil
        }
        let length = end - pending.readerIndex
        searched = 0
        guard let ended = pending.readSlice(length: length) else { return nil }
        pending.moveReaderIndex(forwardBy: 1)
        let line = Self.withoutCR(ended)
        guard line.readableBytes <= maximumLength else { throw tooLong }
        return line
    }

    mutating func flush() -> ByteBuffer? {
        guard pending.readableBytes > 0 else { return nil }
        searched = 0
        defer { pending = ByteBuffer() }
        return Self.withoutCR(pending)
    }

    private static func withoutCR(_ line: ByteBuffer) -> ByteBuffer {
        guard line.readableBytesView.last == UInt8(ascii: "\r") else { return line }
        var line = line
        line.moveWriterIndex(to: line.writerIndex - 1)
        return line
    }

    func frame(_ message: ByteBuffer, into output: inout ByteBuffer) {
        output.writeImmutableBuffer(message)
        output.writeInteger(UInt8(ascii: "\n"))
    }

    private var tooLong: NetworkError {
        NetworkError(.frameTooLong, "a line is longer than \(maximumLength) bytes")
    }
}
