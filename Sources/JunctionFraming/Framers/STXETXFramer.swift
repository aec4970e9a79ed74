import JSONText
import NIOCore

/// Messages between STX and ETX.
struct STXETXFramer: MemoryReportingFramer {
    private static let stx: UInt8 = 0x02
    private static let etx: UInt8 = 0x03

    private enum Escapes: Stuffing {
        static let escape: UInt8 = 0x10  // DLE

        static func countEscapes(_ message: ByteBuffer) -> Int {
            message.count(of: stx) + message.count(of: etx) + message.count(of: escape)
        }

        static func escaped(_ byte: UInt8) -> UInt8? { unescaped(byte) }

        static func unescaped(_ byte: UInt8) -> UInt8? {
            switch byte {
            case stx, etx, escape: byte
            default: nil
            }
        }
    }

    /// Where in the stream the first pending byte stands.
    private enum Place {
        /// Between two messages, behind `skipped` bytes of no message; `nil` once a violation has been reported there.
        case between(skipped: Int?)
        /// Behind an STX.
        case inside
    }

    let isEscaped: Bool
    let maximumLength: Int
    private var pending = PendingBytes()
    private var place = Place.between(skipped: 0)
    /// Inside: the pending bytes that have been looked at, and the length of the message that they make.
    private var searched = 0
    private var length = 0
    /// Whether the byte before was a DLE.
    private var isBehindEscape = false

    init(isEscaped: Bool, maximumLength: Int) {
        self.isEscaped = isEscaped
        self.maximumLength = maximumLength
    }

    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) { pending.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        if case .between(let skipped) = place, try !findStart(skipped) {
            pending.clear()
            return nil
        }
        switch scan() {
        case .end: return finish()
        case .start:
            pending.drop(searched)
            begin()
            throw FramingError(.malformed, "an STX inside a message")
        case .invalidEscape:
            leave(reported: true)
            throw FramingError(.malformed, "a DLE before a byte that needs none")
        case .tooLong:
            leave(reported: true)
            throw .tooLong("a message", maximum: maximumLength)
        case nil:
            pending.settle()
            return nil
        }
    }

    /// Skips to the byte behind the next STX; false if there is none yet.
    private mutating func findStart(_ skipped: Int?) throws(FramingError) -> Bool {
        var isBehindEscape = isBehindEscape
        let start = pending.bytes.withUnsafeReadableBytes { bytes -> Int? in
            guard isEscaped else { return bytes.firstOffset(of: Self.stx, from: 0) }
            for offset in 0..<bytes.count {
                if isBehindEscape {
                    isBehindEscape = false
                } else if bytes[offset] == Escapes.escape {
                    isBehindEscape = true
                } else if bytes[offset] == Self.stx {
                    return offset
                }
            }
            return nil
        }
        self.isBehindEscape = isBehindEscape
        let length = start ?? pending.count
        pending.drop(length)
        if let skipped {
            guard length <= maximumLength - skipped else {
                place = .between(skipped: nil)
                throw FramingError(.malformed, "no STX within \(maximumLength) bytes")
            }
            place = .between(skipped: skipped + length)
        }
        guard start != nil else { return false }
        pending.drop(1)
        begin()
        return true
    }

    private enum Event { case end, start, invalidEscape, tooLong }

    /// Looks at the bytes of the message that have not been looked at, up to and with the first that matters.
    private mutating func scan() -> Event? {
        var (at, length, isBehindEscape) = (searched, self.length, self.isBehindEscape)
        let event = pending.bytes.withUnsafeReadableBytes { bytes -> Event? in
            while at < bytes.count {
                if !isBehindEscape {
                    let run = Self.plainRun(in: bytes, from: at, upTo: maximumLength - length)
                    at += run
                    length += run
                    if at == bytes.count { return nil }
                }
                let byte = bytes[at]
                at += 1
                if isBehindEscape {
                    isBehindEscape = false
                    if Escapes.unescaped(byte) == nil { return .invalidEscape }
                } else if byte <= Escapes.escape {
                    if byte == Self.etx { return .end }
                    if byte == Self.stx { return .start }
                    if byte == Escapes.escape, isEscaped {
                        isBehindEscape = true
                        continue
                    }
                }
                length += 1
                if length > maximumLength { return .tooLong }
            }
            return nil
        }
        (searched, self.length, self.isBehindEscape) = (at, length, isBehindEscape)
        return event
    }

    /// A number of bytes, in eights and at most `limit`, that are above all those that mean something.
    private static func plainRun(in bytes: UnsafeRawBufferPointer, from start: Int, upTo limit: Int) -> Int {
        var run = 0
        while run + 8 <= limit, start + run + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: start + run, as: UInt64.self)
            if EightBytes.containsByte(below: Escapes.escape + 1, in: word) { break }
            run += 8
        }
        return run
    }

    private mutating func finish() -> ByteBuffer? {
        let (written, length) = (searched - 1, length)
        let message = pending.take(written)
        leave(reported: false, dropping: 1)
        return written == length ? message : Escapes.undo(message)
    }

    private mutating func begin() {
        place = .inside
        (searched, length, isBehindEscape) = (0, 0, false)
    }

    /// Leaves the message behind what has been searched, or behind so many bytes.
    private mutating func leave(reported: Bool, dropping count: Int? = nil) {
        pending.drop(count ?? searched)
        begin()
        place = .between(skipped: reported ? nil : 0)
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        let isInside = if case .inside = place { true } else { false }
        pending.clear()
        leave(reported: false)
        if isInside { throw .truncated("a message") }
        return nil
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength else { throw .message(of: length, over: maximumLength) }
        if isEscaped { return Escapes.write(message, between: Self.stx, and: Self.etx, into: &output) }
        guard !message.contains(Self.stx), !message.contains(Self.etx) else {
            throw FramingError(.malformed, "a message contains STX or ETX")
        }
        output.reserveCapacity(minimumWritableBytes: length + 2)
        output.writeInteger(Self.stx)
        output.writeImmutableBuffer(message)
        output.writeInteger(Self.etx)
    }
}
