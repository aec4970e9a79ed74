import CJunctionZlib
import NIOCore

/// What makes one compressor like another.
struct DeflateParameters: Hashable, Sendable {
    let windowBits: Int
    let level: Int
    let memLevel: Int
    let threshold: Int

    init(_ agreement: CompressionAgreement, _ options: WebSocketCompression) {
        windowBits = agreement.serverMaxWindowBits ?? CompressionAgreement.widestWindow
        level = min(max(options.level, 0), 9)
        memLevel = min(max(options.memLevel, 1), 9)
        threshold = max(options.threshold, 1)  // an empty message gets no shorter
    }
}

/// A compressor of zlib for the messages of one direction (RFC 7692, section 7.2.1).
final class Deflater {
    // Where it is must not change: zlib's own state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// `nil` when there is not enough memory.
    init?(_ parameters: DeflateParameters) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, CInt(parameters.level), Z_DEFLATED, -CInt(parameters.windowBits), CInt(parameters.memLevel),
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets what came before.
    func reset() { deflateReset(stream) }

    /// Appends a message that is not empty, compressed, without the four bytes that the receiver adds again.
    ///
    /// - Returns: false when zlib refuses, which it does not do for a stream in order.
    func compress(_ message: UnsafeRawBufferPointer, into output: inout ByteBuffer) -> Bool {
        stream.pointee.next_in = message.zlibInput
        stream.pointee.avail_in = UInt32(clamping: message.count)  // more than a buffer can hold
        defer { stream.pointee.next_in = nil }
        let start = output.writerIndex
        repeat {
            var status = Z_OK
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: message.count / 2 + 64) { room in
                let count = UInt32(clamping: room.count)
                stream.pointee.next_out = room.zlibOutput
                stream.pointee.avail_out = count
                status = deflate(stream, Z_SYNC_FLUSH)
                return Int(count - stream.pointee.avail_out)
            }
            guard status == Z_OK || status == Z_BUF_ERROR else { return false }
        } while stream.pointee.avail_out == 0
        guard output.writerIndex - start > 4 else { return false }
        output.moveWriterIndex(to: output.writerIndex - 4)
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// zlib only reads there.
    var zlibInput: UnsafeMutablePointer<UInt8>? {
        UnsafeMutablePointer(mutating: baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    var zlibOutput: UnsafeMutablePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
