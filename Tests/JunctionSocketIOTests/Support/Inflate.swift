import CJunctionZlib
import NIOCore
import Testing

extension ByteBuffer {
    /// The bytes that these are the gzip or zlib form of.
    func inflated() throws -> ByteBuffer {
        var stream = z_stream()
        // 32: gzip or zlib, whichever it is.
        let started = inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        try #require(started == Z_OK)
        defer { inflateEnd(&stream) }
        var result = ByteBuffer()
        var input = Array(readableBytesView)
        var status = Z_OK
        input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            while status == Z_OK {
                result.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) { output in
                    stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(output.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    return output.count - Int(stream.avail_out)
                }
            }
        }
        try #require(status == Z_STREAM_END)
        return result
    }
}
