import CJunctionZlib
import NIOCore

/// A decompressor of zlib for the messages of one direction (RFC 7692, section 7.2.2).
final class Inflater {
    // Where it is must not change: zlib's own state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    /// The last byte so far was the last of a final block (section 7.2.3.4), so that nothing is open that must be closed.
    private var hasEnded = false

    /// `nil` when there is not enough memory. The window itself is made when it is first needed.
    init?(windowBits: Int) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, -CInt(windowBits), ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets what came before.
    func reset() {
        inflateReset(stream)
        hasEnded = false
    }

    /// Appends what the next bytes of a message stand for.
    ///
    /// - Parameters:
    ///   - output: what was made of the message so far.
    ///   - limit: the most that `output` may hold. At most one byte more is made.
    /// - Throws: ``WebSocketError/Code/messageTooBig``, ``WebSocketError/Code/invalidCompression``.
    func take(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer, limit: Int
    ) throws(WebSocketError) {
        guard bytes.count > 0 else { return }
        hasEnded = false
        stream.pointee.next_in = bytes.zlibInput
        stream.pointee.avail_in = UInt32(clamping: bytes.count)  // more than a buffer can hold
        defer { stream.pointee.next_in = nil }
        while true {
            let status = step(into: &output, most: limit + 1 - output.readableBytes, expected: bytes.count)
            guard output.readableBytes <= limit else { throw WebSocketError(.messageTooBig) }
            let needsInput = stream.pointee.avail_in == 0
            switch status {
            case Z_STREAM_END:
                inflateReset(stream)  // what follows is a stream of its own
                hasEnded = needsInput
                if needsInput { return }
            case Z_OK where stream.pointee.avail_out == 0:
                break  // there may be more
            case Z_OK where needsInput, Z_BUF_ERROR where needsInput:
                return
            case Z_MEM_ERROR:
                throw WebSocketError(.outOfMemory)
            default:
                throw WebSocketError(.invalidCompression)
            }
        }
    }

    /// Inflates once, at most `most` bytes.
    private func step(into output: inout ByteBuffer, most: Int, expected: Int) -> CInt {
        var status = Z_OK
        let chunk = min(most, max(256, min(expected &* 4, 65_536)))
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: chunk) { room in
            let count = UInt32(clamping: min(room.count, most))
            stream.pointee.next_out = room.zlibOutput
            stream.pointee.avail_out = count
            status = inflate(stream, Z_SYNC_FLUSH)
            return Int(count - stream.pointee.avail_out)
        }
        return status
    }

    /// Ends a message: takes the four bytes that its sender left out.
    func endMessage(into output: inout ByteBuffer, limit: Int) throws(WebSocketError) {
        guard !hasEnded else { return hasEnded = false }
        let trailer: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0xFF, 0xFF)
        let made = output.readableBytes
        try withUnsafeBytes(of: trailer) { bytes throws(WebSocketError) in
            try take(bytes, into: &output, limit: limit)
        }
        // They stand for nothing, and next comes the header of a block, at the start of a byte: else the message was cut off.
        guard output.readableBytes == made, stream.pointee.data_type & 0xFF == 128 else {
            throw WebSocketError(.invalidCompression)
        }
    }
}
