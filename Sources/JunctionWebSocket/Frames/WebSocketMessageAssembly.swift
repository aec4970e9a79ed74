import NIOCore

/// A frame whose payload has not arrived completely.
struct WebSocketPartialFrame {
    let opcode: WebSocketOpcode
    let isFinal: Bool
    let maskingKey: UInt32
    private(set) var received = 0
    private(set) var remaining: Int

    init(_ opcode: WebSocketOpcode, _ start: WebSocketFrameStart, remaining: Int, maskingKey: UInt32) {
        self.opcode = opcode
        self.isFinal = start.isFinal
        self.maskingKey = maskingKey
        self.remaining = remaining
    }

    mutating func advance(by count: Int) {
        received += count
        remaining -= count
    }
}

/// A data message that comes in pieces or compressed, and the rule that makes an event of a message.
struct WebSocketMessageAssembly {
    private let isText: Bool
    private let inflater: MessageInflater?
    private let maxBytes: Int
    /// What the message says, inflated if it was compressed.
    private var bytes = ByteBuffer()
    private var validator = UTF8Validator()
    /// The frames of the message so far.
    var fragments = 1
    /// The bytes so far, as they came over the wire.
    private(set) var receivedBytes = 0

    /// Begins the message whose first frame has this opcode, text or binary.
    ///
    /// - Parameters:
    ///   - inflater: inflates the message if it is compressed.
    ///   - maxBytes: the most that it may inflate to.
    init(_ opcode: WebSocketOpcode, inflater: MessageInflater?, maxBytes: Int) {
        isText = opcode == .text
        self.inflater = inflater
        self.maxBytes = maxBytes
    }

    var isCompressed: Bool { inflater != nil }

    /// Adds a piece, unmasking it with the key where `offset` bytes of its frame came before.
    ///
    /// - Throws: ``WebSocketError/Code/invalidUTF8`` as soon as no continuation could make the text valid, and what an
    ///   inflater says against it.
    mutating func append(_ piece: ByteBuffer, key: UInt32, offset: Int) throws(WebSocketError) {
        receivedBytes += piece.readableBytes
        let start = bytes.writerIndex
        if let inflater {
            var unmasked = piece
            if key != 0 {
                unmasked = ByteBuffer()
                unmasked.writeUnmasked(piece, key: key, offset: offset)
            }
            do throws(WebSocketError) {
                try inflater.take(unmasked, into: &bytes, limit: maxBytes)
            } catch {
                try validate(from: start)  // what came first is what is wrong, however the message was cut
                throw error
            }
        } else {
            bytes.writeUnmasked(piece, key: key, offset: offset)
        }
        try validate(from: start)
    }

    private mutating func validate(from start: Int) throws(WebSocketError) {
        guard isText else { return }
        var validator = validator
        guard validator.consume(bytes.readableBytesSpan.extracting(start...)) else {
            throw WebSocketError(.invalidUTF8)
        }
        self.validator = validator
    }

    /// The finished message. Nothing may be added behind it.
    mutating func finish() throws(WebSocketError) -> WebSocketEvent {
        if let inflater {
            let start = bytes.writerIndex
            try inflater.endMessage(into: &bytes, limit: maxBytes, isEmpty: receivedBytes == 0)
            try validate(from: start)
        }
        guard validator.isComplete else { throw WebSocketError(.invalidUTF8) }
        return isText ? .text(bytes) : .binary(bytes)
    }

    /// The event of a message that came uncompressed, in one frame and one piece.
    static func event(
        _ opcode: WebSocketOpcode, whole payload: consuming ByteBuffer, isKnownASCII: Bool
    ) throws(WebSocketError) -> WebSocketEvent {
        guard opcode == .text else { return .binary(payload) }
        guard isKnownASCII || UTF8Validator.isValid(payload.readableBytesSpan) else {
            throw WebSocketError(.invalidUTF8)
        }
        return .text(payload)
    }
}

extension WebSocketEvent {
    /// The close that a close frame's payload stands for (RFC 6455, section 5.5.1).
    init(closePayload payload: ByteBuffer) throws(WebSocketError) {
        var payload = payload
        guard payload.readableBytes > 0 else {
            self = .close(code: nil, reason: "")
            return
        }
        guard let number = payload.readInteger(as: UInt16.self) else { throw WebSocketError(.invalidCloseFrame) }
        let code = WebSocketCloseCode(rawValue: number)
        guard code.isAllowedOnTheWire else { throw WebSocketError(.invalidCloseFrame) }
        guard UTF8Validator.isValid(payload.readableBytesSpan) else { throw WebSocketError(.invalidUTF8) }
        self = .close(code: code, reason: String(buffer: payload))
    }
}

extension ByteBuffer {
    /// Appends bytes and unmasks them where they now are.
    mutating func writeUnmasked(_ piece: ByteBuffer, key: UInt32, offset: Int) {
        let start = readableBytes
        writeImmutableBuffer(piece)
        guard key != 0 else { return }
        _ = withUnsafeMutableReadableBytes {
            WebSocketMask.apply(key, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]), offset: offset)
        }
    }
}
