import NIOCore

/// Cuts a stream where a delimiter stands.
struct DelimitedBytes {
    enum Outcome {
        /// What stands before a delimiter.
        case frame(ByteBuffer)
        /// A frame is longer than allowed; what it still has to come is skipped.
        case tooLong
        /// Nothing until more bytes come.
        case none
    }

    let delimiter: [UInt8]
    private var pending = PendingBytes()
    /// Bytes known to hold no delimiter, so that a slow frame is not searched again from its start.
    private var searched = 0
    private var isSkipping = false

    /// - Parameter delimiter: one byte or more.
    init(delimiter: [UInt8]) { self.delimiter = delimiter }

    /// The unfinished frame as far as it has come.
    var unfinished: ByteBuffer { pending.bytes }
    var last: UInt8? { pending.last }
    var heldBytes: Int { pending.bytes.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) { pending.append(bytes) }

    /// The next frame of at most `limit` bytes.
    mutating func next(upTo limit: Int) -> Outcome {
        while let end = nextDelimiter() {
            searched = 0
            if isSkipping {
                isSkipping = false
                pending.drop(end + delimiter.count)
            } else if end > limit {
                pending.drop(end + delimiter.count)
                return .tooLong
            } else {
                let frame = pending.take(end)
                pending.drop(delimiter.count)
                return .frame(frame)
            }
        }
        if isSkipping {
            refuse()
            return .none
        }
        searched = max(0, pending.count - (delimiter.count - 1))
        guard pending.count - delimiter.count < limit else {
            refuse()
            return .tooLong
        }
        pending.settle()
        return .none
    }

    /// Skips the unfinished frame, and all of it that is still to come.
    mutating func refuse() {
        isSkipping = true
        searched = 0
        // The end may be the beginning of a delimiter.
        pending.drop(max(0, pending.count - (delimiter.count - 1)))
        pending.settle()
    }

    /// The unfinished frame unless it is being skipped; the next byte begins a new one.
    mutating func flush() -> ByteBuffer? {
        defer {
            pending.clear()
            searched = 0
            isSkipping = false
        }
        return isSkipping || pending.count == 0 ? nil : pending.bytes
    }

    private func nextDelimiter() -> Int? {
        pending.bytes.withUnsafeReadableBytes { $0.firstOffset(of: delimiter, from: searched) }
    }
}
