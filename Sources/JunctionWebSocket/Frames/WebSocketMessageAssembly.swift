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

/// A data message that comes in pieces, and the rule that makes an event of a message.
struct WebSocketMessageAssembly {
    private let kind: WebSocketEvent.MessageKind
    private let isCompressed: Bool
    private var bytes = ByteBuffer()
    private var validator = UTF8Validator()
    /// The frames of the message so far.
    var fragments = 1

    /// Begins the message whose first frame has this opcode, text or binary.
    init(_ opcode: WebSocketOpcode, _ start: WebSocketFrameStart) {
        kind = opcode == .text ? .text : .binary
        isCompressed = start.isCompressed
    }

    /// The bytes so far.
    var byteCount: Int { bytes.readableBytes }

    /// Adds a piece, unmasking it with the key where `offset` bytes of its frame came before.
    ///
    /// - Throws: ``WebSocketError/Code/invalidUTF8`` as soon as no continuation could make the text valid.
    mutating func append(_ piece: ByteBuffer, key: UInt32, offset: Int) throws(WebSocketError) {
        let start = bytes.writerIndex
        bytes.writeUnmasked(piece, key: key, offset: offset)
        guard kind == .text && !isCompressed else { return }
        var validator = validator
        guard validator.consume(bytes.readableBytesSpan.extracting(start...)) else {
            throw WebSocketError(.invalidUTF8)
        }
        self.validator = validator
    }

    /// The finished message.
    consuming func event() throws(WebSocketError) -> WebSocketEvent {
        guard validator.isComplete else { throw WebSocketError(.invalidUTF8) }
        return Self.event(kind, isCompressed: isCompressed, bytes)
    }

    /// The event of a message that came in one frame and one piece.
    static func event(
        _ opcode: WebSocketOpcode, _ start: WebSocketFrameStart, whole payload: consuming ByteBuffer
    ) throws(WebSocketError) -> WebSocketEvent {
        guard opcode == .text && !start.isCompressed else {
            return event(opcode == .text ? .text : .binary, isCompressed: start.isCompressed, payload)
        }
        guard UTF8Validator.isValid(payload.readableBytesSpan) else { throw WebSocketError(.invalidUTF8) }
        return .text(payload)
    }

    private static func event(
        _ kind: WebSocketEvent.MessageKind, isCompressed: Bool, _ bytes: consuming ByteBuffer
    ) -> WebSocketEvent {
        if isCompressed { return .compressed(kind, bytes) }
        return kind == .text ? .text(bytes) : .binary(bytes)
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
        withUnsafeMutableReadableBytes {
            WebSocketMask.apply(key, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]), offset: offset)
        }
    }
}
