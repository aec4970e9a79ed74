package import NIOCore

/// Appends frames to a connection's output (RFC 6455, section 5).
///
/// A server passes no masking key; a client must pass a fresh random one for each frame (section 5.3), in network order.
/// ```swift
/// WebSocketFrameEncoder.write(.text, into: &output) { output in
///     output.writeString("4hello")
/// }
/// ```
package enum WebSocketFrameEncoder {
    /// The bytes a header takes for a payload of this length.
    package static func headerLength(payloadLength: Int, masked: Bool) -> Int {
        2 + extendedLength(payloadLength) + (masked ? 4 : 0)
    }

    /// Appends the header of a frame whose payload the caller writes next, masked with the same key if there is one.
    ///
    /// - Parameters:
    ///   - isFinal: `false` when continuations follow; a control frame is always final.
    ///   - isCompressed: Whether this frame begins a compressed message (RFC 7692).
    package static func writeHeader(
        _ opcode: WebSocketOpcode, payloadLength: Int, maskingKey: UInt32? = nil, isFinal: Bool = true,
        isCompressed: Bool = false, into buffer: inout ByteBuffer
    ) {
        let first = firstByte(opcode, isFinal: isFinal, isCompressed: isCompressed)
        let mask: UInt8 = maskingKey == nil ? 0 : 0x80
        switch extendedLength(payloadLength) {
        case 0: buffer.writeInteger(UInt16(first) << 8 | UInt16(mask | UInt8(truncatingIfNeeded: payloadLength)))
        case 2: buffer.writeMultipleIntegers(first, mask | 126, UInt16(truncatingIfNeeded: payloadLength))
        default: buffer.writeMultipleIntegers(first, mask | 127, UInt64(payloadLength))
        }
        if let maskingKey { buffer.writeInteger(maskingKey) }
    }

    /// Appends a whole frame.
    package static func write(
        _ opcode: WebSocketOpcode, _ payload: ByteBuffer, maskingKey: UInt32? = nil, isFinal: Bool = true,
        isCompressed: Bool = false, into buffer: inout ByteBuffer
    ) {
        writeHeader(
            opcode, payloadLength: payload.readableBytes, maskingKey: maskingKey, isFinal: isFinal,
            isCompressed: isCompressed, into: &buffer)
        buffer.writeUnmasked(payload, key: maskingKey ?? 0, offset: 0)
    }

    /// Appends a frame whose payload a closure writes straight into the output.
    ///
    /// The header is reserved for a payload of up to 125 bytes; a longer one is moved up by the bytes its length needs.
    ///
    /// - Parameter body: Appends the payload. It must not touch what the buffer held before.
    /// - Throws: What `body` throws; the buffer is then as long as it was.
    @inlinable
    package static func write<Result, Failure: Error>(
        _ opcode: WebSocketOpcode, maskingKey: UInt32? = nil, isCompressed: Bool = false, into buffer: inout ByteBuffer,
        _ body: (inout ByteBuffer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = buffer.writerIndex
        reserveHeader(masked: maskingKey != nil, into: &buffer)
        do throws(Failure) {
            let result = try body(&buffer)
            patchHeader(opcode, maskingKey: maskingKey, isCompressed: isCompressed, at: start, in: &buffer)
            return result
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }

    /// Appends a close frame.
    ///
    /// - Parameters:
    ///   - code: Why; `nil` for a frame without a body. One that ``WebSocketCloseCode/isAllowedOnTheWire`` denies is left
    ///     out too.
    ///   - reason: A sentence for people, cut at a character's end to the 123 bytes that fit.
    package static func writeClose(
        _ code: WebSocketCloseCode?, reason: String = "", maskingKey: UInt32? = nil, into buffer: inout ByteBuffer
    ) {
        write(.close, maskingKey: maskingKey, into: &buffer) { buffer in
            guard let code, code.isAllowedOnTheWire else { return }
            buffer.writeInteger(code.rawValue)
            var length = 0
            for character in reason.unicodeScalars {
                length += UTF8.width(character)
                if length > 123 { break }
                buffer.writeBytes(UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }
}

// MARK: - The header of a payload that is written first

extension WebSocketFrameEncoder {
    @usableFromInline
    package static func reserveHeader(masked: Bool, into buffer: inout ByteBuffer) {
        if masked {
            buffer.writeMultipleIntegers(UInt16(0), UInt32(0))
        } else {
            buffer.writeInteger(UInt16(0))
        }
    }

    /// Reserves the header of a server's frame, and writes the payload's first byte.
    static func reserveHeader(first: UInt8, into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 3) { bytes in
            bytes.storeBytes(of: 0, as: UInt16.self)
            bytes[2] = first
            return 3
        }
    }

    @usableFromInline
    package static func patchHeader(
        _ opcode: WebSocketOpcode, maskingKey: UInt32?, isCompressed: Bool, at start: Int, in buffer: inout ByteBuffer
    ) {
        let reserved = headerLength(payloadLength: 0, masked: maskingKey != nil)
        let length = buffer.writerIndex - start - reserved
        if maskingKey == nil && length <= 125 {  // a server's usual frame
            let first = firstByte(opcode, isFinal: true, isCompressed: isCompressed)
            let offset = start - buffer.readerIndex
            buffer.withUnsafeMutableReadableBytes { bytes in
                bytes[offset] = first
                bytes[offset + 1] = UInt8(truncatingIfNeeded: length)
            }
            return
        }
        let extra = extendedLength(length)
        if extra > 0 {
            buffer.writeRepeatingByte(0, count: extra)
        }
        let header = headerLength(payloadLength: length, masked: maskingKey != nil)
        let offset = start - buffer.readerIndex
        buffer.withUnsafeMutableReadableBytes { bytes in
            let payload = UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + header)...])
            if extra > 0 {
                payload.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(offset + reserved)...].prefix(length)))
            }
            if let maskingKey { WebSocketMask.apply(maskingKey, to: payload) }
        }
        let end = buffer.writerIndex
        buffer.moveWriterIndex(to: start)
        writeHeader(opcode, payloadLength: length, maskingKey: maskingKey, isCompressed: isCompressed, into: &buffer)
        buffer.moveWriterIndex(to: end)
    }

    private static func extendedLength(_ payloadLength: Int) -> Int {
        payloadLength <= 125 ? 0 : payloadLength <= 0xFFFF ? 2 : 8
    }

    private static func firstByte(_ opcode: WebSocketOpcode, isFinal: Bool, isCompressed: Bool) -> UInt8 {
        opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0)
    }
}
