import JunctionTransport
import NIOCore

/// The sending half of permessage-deflate on one connection. Only on the connection's loop.
final class MessageDeflater {
    let parameters: DeflateParameters
    /// Later messages refer to earlier ones, so that no two connections can share one.
    let takesOver: Bool
    private let pool: CompressionPool
    /// Made with the first compressed message, where the connection needs its own.
    private var own: Deflater?

    init(_ agreement: CompressionAgreement, _ options: WebSocketCompression, on executor: LoopExecutor) {
        parameters = DeflateParameters(agreement, options)
        takesOver = !agreement.serverNoContextTakeover
        pool = CompressionPool.of(executor)
    }

    /// Whether the connection has a compressor of its own.
    var holdsMemory: Bool { own != nil }

    /// Appends a frame with the payload, compressed where that is worth it.
    func write(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, into buffer: inout ByteBuffer) {
        guard !payload.withUnsafeReadableBytes({ write(opcode, $0, into: &buffer) }) else { return }
        WebSocketFrameEncoder.write(opcode, payload, into: &buffer)
    }

    /// Appends a frame whose payload `body` writes. When it throws, nothing is appended.
    func write<Result, Failure: Error>(
        _ opcode: WebSocketOpcode, into buffer: inout ByteBuffer,
        _ body: (inout ByteBuffer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = buffer.writerIndex
        let result = try WebSocketFrameEncoder.write(opcode, into: &buffer, body)
        rewrite(from: start, in: &buffer)
        return result
    }

    /// Compresses the frames from `start` to the end, where that is worth it; they are complete and not compressed.
    func rewrite(from start: Int, in buffer: inout ByteBuffer) {
        guard buffer.writerIndex - start >= parameters.threshold else { return }
        var compressed = pool.executor.takeOutputBuffer()
        buffer.withUnsafeReadableBytes { bytes in
            let frames = UnsafeRawBufferPointer(rebasing: bytes[(start - buffer.readerIndex)...])
            rewrite(frames, into: &compressed)
        }
        buffer.moveWriterIndex(to: start)
        buffer.writeImmutableBuffer(compressed)
        pool.executor.giveBackOutputBuffer(compressed)
    }

    /// Appends the same messages as these frames, which are complete and not compressed.
    func rewrite(_ frames: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        var rest = frames
        while let header = WebSocketFrameHeader(rest) {
            let end = header.length + Int(clamping: header.payloadLength)
            guard end <= rest.count, let opcode = header.start.plainOpcode else { break }
            let payload = UnsafeRawBufferPointer(rebasing: rest[header.length..<end])
            if !write(opcode, payload, into: &buffer) { buffer.writeBytes(rest[..<end]) }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
        buffer.writeBytes(rest)
    }

    /// Appends a compressed frame. False, and nothing appended, when the payload had better go as it is.
    private func write(
        _ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) -> Bool {
        guard !opcode.isControl, payload.count >= parameters.threshold, let deflater = nextDeflater() else {
            return false
        }
        var compressed = pool.executor.takeOutputBuffer()
        defer { pool.executor.giveBackOutputBuffer(compressed) }
        guard deflater.compress(payload, into: &compressed) else { return false }
        // With context takeover the client must see what the compressor has seen, even if it became no shorter.
        guard takesOver || compressed.readableBytes < payload.count else { return false }
        WebSocketFrameEncoder.write(opcode, compressed, isCompressed: true, into: &buffer)
        return true
    }

    private func nextDeflater() -> Deflater? {
        guard takesOver else { return pool.deflater(parameters) }
        if own == nil { own = Deflater(parameters) }
        return own
    }
}

extension WebSocketFrameStart {
    /// The opcode of a message in one frame that is not compressed.
    fileprivate var plainOpcode: WebSocketOpcode? {
        first & 0xF0 == 0x80 && second & 0x80 == 0 ? WebSocketOpcode(rawValue: first & 0x0F) : nil
    }
}
