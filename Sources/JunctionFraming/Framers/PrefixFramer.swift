import NIOCore

/// How a length is written before a message.
protocol LengthHeader {
    /// What stands behind each message.
    static var trailer: UInt8? { get }
    /// The greatest length that can be written.
    var greatestLength: UInt64 { get }
    /// Reads the header at the start of `bytes`.
    func read(_ bytes: ByteBuffer) -> HeaderReading
    /// Appends the header of a message of `length` bytes, which is at most ``greatestLength``.
    func write(_ length: UInt64, into output: inout ByteBuffer)
}

/// What the start of a frame says.
enum HeaderReading: Equatable {
    /// More bytes must come first.
    case incomplete
    /// The message has `length` bytes and begins behind the `size` bytes of the header.
    case header(length: UInt64, size: Int)
    /// No header, for the reason given.
    case malformed(String)
}

/// Messages that stand behind their length.
struct PrefixFramer<Header: LengthHeader>: MemoryReportingFramer {
    private enum State {
        case frames
        /// So many bytes of a refused message are still to be skipped, and then the trailer.
        case skipping(UInt64)
        case broken
    }

    let maximumLength: Int
    private let header: Header
    private var pending = PendingBytes()
    private var state = State.frames

    init(_ header: Header, maximumLength: Int) {
        self.header = header
        self.maximumLength = maximumLength
    }

    private static var trailerSize: Int { Header.trailer == nil ? 0 : 1 }

    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) {
        if case .broken = state { return }
        pending.append(bytes)
    }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        if case .skipping(let rest) = state, try !skip(rest) { return nil }
        switch header.read(pending.bytes) {
        case .incomplete:
            pending.settle()
            return nil
        case .malformed(let reason):
            throw broken(reason)
        case .header(let length, let size):
            guard length <= UInt64(maximumLength) else {
                pending.drop(size)
                state = .skipping(length)
                throw .tooLong("a message", maximum: maximumLength)
            }
            let length = Int(length)
            guard pending.count - size - Self.trailerSize >= length else {
                pending.settle()
                return nil
            }
            pending.drop(size)
            let message = pending.take(length)
            try checkTrailer()
            return message
        }
    }

    /// Skips what is there of a refused message; false until all of it has come.
    private mutating func skip(_ rest: UInt64) throws(FramingError) -> Bool {
        let length = min(rest, UInt64(pending.count))
        pending.drop(Int(length))
        guard length == rest, pending.count >= Self.trailerSize else {
            state = .skipping(rest - length)
            pending.settle()
            return false
        }
        state = .frames
        try checkTrailer()
        return true
    }

    private mutating func checkTrailer() throws(FramingError) {
        guard let trailer = Header.trailer else { return }
        guard pending.bytes.getInteger(at: pending.bytes.readerIndex) == trailer else {
            throw broken("the byte behind a message is wrong")
        }
        pending.drop(1)
    }

    private mutating func broken(_ reason: String) -> FramingError {
        state = .broken
        pending.clear()
        return FramingError(.malformed, reason, isFatal: true)
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        let rest = pending.count
        pending.clear()
        switch state {
        case .broken: return nil
        case .skipping: state = .frames
        case .frames: guard rest == 0 else { throw .truncated("a message") }
        }
        return nil
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength, UInt64(length) <= header.greatestLength else {
            throw .message(of: length, over: Int(min(UInt64(maximumLength), header.greatestLength)))
        }
        output.reserveCapacity(minimumWritableBytes: length + 20)
        header.write(UInt64(length), into: &output)
        output.writeImmutableBuffer(message)
        if let trailer = Header.trailer { output.writeInteger(trailer) }
    }
}
