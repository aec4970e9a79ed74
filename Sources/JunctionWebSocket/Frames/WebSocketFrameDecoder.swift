package import NIOCore

/// Turns the bytes of one peer into messages and control frames (RFC 6455, section 5).
///
/// Bytes go in as they were read, events come out; nothing is sent and no time passes.
/// ```swift
/// var decoder = WebSocketFrameDecoder(role: .server)
/// decoder.append(bytes)
/// while let event = try decoder.next() {
///     switch event { … }
/// }
/// ```
/// A message that arrived in one piece is a slice of the appended buffer: unmasked in place, not copied. All complete frames
/// are unmasked when they are appended, before the first slice is handed out, because a slice shares the storage and each
/// later write to it would copy the whole of it. A message in several pieces, fragments of the protocol or of the network
/// alike, is gathered in a buffer of its own, every byte copied once. What is kept between two reads is therefore at most
/// an incomplete header and an incomplete message.
///
/// After an error the decoder throws the same error forever; after a close it yields nothing more.
package struct WebSocketFrameDecoder {
    /// Which end of the connection decodes.
    package enum Role: Sendable {
        /// Frames come from a client and must be masked.
        case server
        /// Frames come from a server and must not be masked.
        case client
    }

    private enum State {
        /// A header comes next, or nothing.
        case header
        /// In the midst of a payload, which goes on where `input` begins.
        case payload(WebSocketPartialFrame)
        case closed
        case failed(WebSocketError)
    }

    private let role: Role
    private let limits: WebSocketFrameLimits
    private let inflater: MessageInflater?

    private var state = State.header
    /// What was appended and not yet taken.
    private var input = ByteBuffer()
    /// Where in `input` the first frame begins that was not complete, and so not unmasked, at the last append.
    private var unmaskedEnd = 0
    /// The complete frames that were unmasked and not yet taken are ASCII: nobody need look whether they are UTF-8.
    private var isKnownASCII = false
    /// The data message whose pieces are being gathered.
    private var message: WebSocketMessageAssembly?
    /// The payload so far of a control frame that the network cut.
    private var control = ByteBuffer()

    /// - Parameters:
    ///   - role: Which end of the connection decodes.
    ///   - limits: What one message may cost.
    ///   - inflater: Where permessage-deflate was negotiated (RFC 7692), inflates compressed messages as they arrive.
    ///     Without it they are an error.
    package init(role: Role, limits: WebSocketFrameLimits = .init(), inflater: MessageInflater? = nil) {
        self.role = role
        self.limits = limits
        self.inflater = inflater
    }

    /// Takes the bytes of one read. Then call ``next()`` until it returns `nil`.
    package mutating func append(_ bytes: consuming ByteBuffer) {
        switch state {
        case .closed, .failed: return
        case .header, .payload: break
        }
        if input.readableBytes == 0 {
            input = consume bytes  // a copy would make the storage shared
            unmaskedEnd = input.readerIndex
        } else {
            input.writeImmutableBuffer(bytes)
        }
        if case .payload(let frame) = state {
            // The rest of this payload is unmasked where it is gathered.
            unmaskedEnd = max(unmaskedEnd, input.readerIndex + min(frame.remaining, input.readableBytes))
        }
        if role == .server && unmaskedEnd < input.writerIndex {
            unmaskCompleteFrames()
        }
    }

    /// The next event of the bytes appended so far, in the order of arrival, or `nil` if more bytes are needed.
    package mutating func next() throws(WebSocketError) -> WebSocketEvent? {
        do {
            return try step()
        } catch {
            state = .failed(error)
            release()
            throw error
        }
    }

    private mutating func step() throws(WebSocketError) -> WebSocketEvent? {
        while true {
            switch state {
            case .header:
                guard let header = input.withUnsafeReadableBytes({ WebSocketFrameHeader($0) }) else {
                    try keepIncompleteHeader()
                    return nil
                }
                let (opcode, length) = try admit(header)
                input.moveReaderIndex(forwardBy: header.length)
                if let payload = input.readSlice(length: length) {
                    if let event = try take(payload, of: opcode, header.start) { return event }
                } else {
                    state = .payload(
                        WebSocketPartialFrame(opcode, header.start, remaining: length, maskingKey: header.maskingKey))
                    if !opcode.isControl && message == nil {
                        message = beginMessage(opcode, header.start)
                    }
                }
            case .payload(var frame):
                let offset = frame.received
                let piece = input.readSlice(length: min(frame.remaining, input.readableBytes)) ?? ByteBuffer()
                frame.advance(by: piece.readableBytes)
                if frame.opcode.isControl {
                    control.writeUnmasked(piece, key: frame.maskingKey, offset: offset)
                } else {
                    try message?.append(piece, key: frame.maskingKey, offset: offset)
                }
                guard frame.remaining == 0 else {
                    input = ByteBuffer()
                    state = .payload(frame)
                    return nil
                }
                state = .header
                if let event = try finish(frame) { return event }
            case .closed:
                return nil
            case .failed(let error):
                throw error
            }
        }
    }
}

// MARK: - Frames

extension WebSocketFrameDecoder {
    /// Judges a header against the protocol, the message it belongs to and the limits.
    private mutating func admit(
        _ header: WebSocketFrameHeader
    ) throws(WebSocketError) -> (opcode: WebSocketOpcode, length: Int) {
        let opcode = try opcode(of: header.start)
        guard let length = Int(exactly: header.payloadLength) else { throw WebSocketError(.invalidLength) }
        if opcode.isControl { return (opcode, length) }
        // Nothing is allocated by the announced length, but a message that will be too big need not be waited for.
        let isCompressed = message?.isCompressed ?? header.start.isCompressed
        let limit = isCompressed ? limits.maxCompressedBytes : limits.maxMessageBytes
        guard length <= limit - (message?.receivedBytes ?? 0) else { throw WebSocketError(.messageTooBig) }
        message?.fragments += 1
        guard message?.fragments ?? 1 <= limits.maxFragments else { throw WebSocketError(.tooManyFragments) }
        return (opcode, length)
    }

    /// Judges what the first two bytes of a header say.
    private func opcode(of start: WebSocketFrameStart) throws(WebSocketError) -> WebSocketOpcode {
        let opcode = try start.opcode(expectsMask: role == .server, acceptsCompressed: inflater != nil)
        switch opcode {
        case .continuation: guard message != nil else { throw WebSocketError(.unexpectedContinuation) }
        case .text, .binary: guard message == nil else { throw WebSocketError(.unfinishedMessage) }
        case .close, .ping, .pong: break
        }
        return opcode
    }

    /// Takes a frame whose whole payload is there, already unmasked.
    private mutating func take(
        _ payload: consuming ByteBuffer, of opcode: WebSocketOpcode, _ start: WebSocketFrameStart
    ) throws(WebSocketError) -> WebSocketEvent? {
        if opcode.isControl { return try controlEvent(opcode, payload) }
        if message == nil {
            if start.isFinal && !start.isCompressed {
                return try WebSocketMessageAssembly.event(opcode, whole: payload, isKnownASCII: isKnownASCII)
            }
            message = beginMessage(opcode, start)
        }
        try message?.append(payload, key: 0, offset: 0)
        return start.isFinal ? try finishMessage() : nil
    }

    /// Takes the end of a frame whose payload came in pieces.
    private mutating func finish(_ frame: WebSocketPartialFrame) throws(WebSocketError) -> WebSocketEvent? {
        guard frame.opcode.isControl else { return frame.isFinal ? try finishMessage() : nil }
        let payload = control
        control = ByteBuffer()
        return try controlEvent(frame.opcode, payload)
    }

    private func beginMessage(_ opcode: WebSocketOpcode, _ start: WebSocketFrameStart) -> WebSocketMessageAssembly {
        WebSocketMessageAssembly(
            opcode, inflater: start.isCompressed ? inflater : nil, maxBytes: limits.maxMessageBytes)
    }

    private mutating func finishMessage() throws(WebSocketError) -> WebSocketEvent? {
        guard var finished = message else { return nil }
        message = nil
        return try finished.finish()
    }

    private mutating func controlEvent(
        _ opcode: WebSocketOpcode, _ payload: consuming ByteBuffer
    ) throws(WebSocketError) -> WebSocketEvent {
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close, .continuation, .text, .binary:
            let event = try WebSocketEvent(closePayload: payload)
            state = .closed
            release()
            return event
        }
    }
}

// MARK: - Input

extension WebSocketFrameDecoder {
    /// Unmasks every complete frame of the input from `unmaskedEnd` on. Headers are only measured here, ``next()`` judges them.
    private mutating func unmaskCompleteFrames() {
        var offset = unmaskedEnd - input.readerIndex
        var all: UInt64 = isKnownASCII || offset == 0 ? 0 : .max
        // Another owner of the storage (an event loop keeps its read buffer for the next read) would make the first write
        // copy all of its capacity: a copy of the bytes that are there is smaller, and lets the owner use it again.
        let unmasked: Void? = input.modifyIfUniquelyOwned { input in
            input.withUnsafeMutableReadableBytes { Self.unmaskCompleteFrames($0, from: &offset, &all) }
        }
        if unmasked == nil {
            input = ByteBuffer(bytes: input.readableBytesView)
            input.withUnsafeMutableReadableBytes { Self.unmaskCompleteFrames($0, from: &offset, &all) }
        }
        unmaskedEnd = input.readerIndex + offset
        isKnownASCII = all & 0x8080_8080_8080_8080 == 0
    }

    /// - Parameter all: joined with what the frames hold, as ``WebSocketMask/apply(_:to:offset:)`` returns it.
    private static func unmaskCompleteFrames(
        _ bytes: UnsafeMutableRawBufferPointer, from offset: inout Int, _ all: inout UInt64
    ) {
        while let header = WebSocketFrameHeader(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            let start = offset + header.length
            guard header.payloadLength <= UInt64(bytes.count - start) else { return }
            let end = start + Int(header.payloadLength)
            let payload = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
            all |= WebSocketMask.apply(header.maskingKey, to: payload)
            offset = end
        }
    }

    /// Judges the start of a header early, and keeps its bytes without the storage they came in.
    private mutating func keepIncompleteHeader() throws(WebSocketError) {
        if let start = input.withUnsafeReadableBytes({ WebSocketFrameStart($0) }) {
            _ = try opcode(of: start)
        }
        guard input.readerIndex > 0 else { return }
        input = input.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: input.readableBytesView)
        unmaskedEnd = 0
    }

    /// Lets go of all bytes.
    private mutating func release() {
        input = ByteBuffer()
        unmaskedEnd = 0
        message = nil
        control = ByteBuffer()
    }
}
