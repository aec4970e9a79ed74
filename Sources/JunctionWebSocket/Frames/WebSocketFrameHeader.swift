/// The two bytes that every frame begins with (RFC 6455, section 5.2).
struct WebSocketFrameStart {
    let first: UInt8
    let second: UInt8

    /// The start that the bytes begin with, or `nil` if there are fewer than two.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        first = bytes[0]
        second = bytes[1]
    }

    var isFinal: Bool { first & 0x80 != 0 }

    /// RSV1: the frame begins a compressed message (RFC 7692, section 6).
    var isCompressed: Bool { first & 0x40 != 0 }

    /// Judges the start by what it says alone.
    func opcode(
        expectsMask: Bool, acceptsCompressed: Bool
    ) throws(WebSocketError) -> WebSocketOpcode {
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw WebSocketError(.unknownOpcode) }
        if first & 0x70 != 0 {
            let startsMessage = opcode == .text || opcode == .binary
            guard first & 0x70 == 0x40 && acceptsCompressed && startsMessage else {
                throw WebSocketError(.reservedBits)
            }
        }
        if opcode.isControl {
            guard isFinal else { throw WebSocketError(.fragmentedControlFrame) }
            guard second & 0x7F <= 125 else { throw WebSocketError(.controlFrameTooLong) }
        }
        guard (second & 0x80 != 0) == expectsMask else { throw WebSocketError(.maskingViolation) }
        return opcode
    }
}

/// The first 2 to 14 bytes of a frame, as they stand: nothing in it has been judged yet.
struct WebSocketFrameHeader {
    let start: WebSocketFrameStart
    /// How long the payload is said to be; a peer can say anything up to 2^64 - 1.
    let payloadLength: UInt64
    /// The masking key in network order; 0 in a frame without a mask, where it changes nothing.
    let maskingKey: UInt32
    /// The bytes of the header itself.
    let length: Int

    /// Reads the header that the bytes begin with, or `nil` if it is not complete yet.
    ///
    /// A length in more bytes than it needs is accepted: that rule binds senders, and no reader depends on it.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let start = WebSocketFrameStart(bytes) else { return nil }
        var index = 2
        switch start.second & 0x7F {
        case 126:
            guard bytes.count >= 4 else { return nil }
            payloadLength = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            index = 4
        case 127:
            guard bytes.count >= 10 else { return nil }
            payloadLength = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            index = 10
        case let short:
            payloadLength = UInt64(short)
        }
        if start.second & 0x80 != 0 {
            guard bytes.count >= index + 4 else { return nil }
            maskingKey = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            index += 4
        } else {
            maskingKey = 0
        }
        self.start = start
        length = index
    }
}
