import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// The bytes of a stream that no frame has been made of yet.
struct PendingBytes {
    private(set) var bytes = ByteBuffer()

    var count: Int { bytes.readableBytes }
    var last: UInt8? { count == 0 ? nil : bytes.getInteger(at: bytes.writerIndex - 1) }

    mutating func append(_ more: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            // Else the buffer grows with every byte the stream ever brought.
            bytes.discardReadBytes()
            bytes.writeImmutableBuffer(more)
        }
    }

    /// The first `length` bytes, of at least so many; they share the storage.
    mutating func take(_ length: Int) -> ByteBuffer {
        bytes.readSlice(length: length) ?? ByteBuffer()
    }

    /// Forgets the first `length` bytes, or all.
    mutating func drop(_ length: Int) {
        bytes.moveReaderIndex(forwardBy: min(length, count))
    }

    mutating func clear() { bytes = ByteBuffer() }

    /// To be called before waiting for more: a few bytes must not keep a large read buffer alive.
    mutating func settle() {
        let count = self.count
        if count == 0 {
            bytes = ByteBuffer()
        } else if bytes.storageCapacity > max(1_024, 2 * count) {
            var small = ByteBuffer()
            small.writeImmutableBuffer(bytes)
            bytes = small
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The offset of the first such byte, from `start` on.
    func firstOffset(of byte: UInt8, from start: Int) -> Int? {
        guard start < count, let base = baseAddress, let found = memchr(base + start, CInt(byte), count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - base
    }

    /// The offset of the first such sequence, of one byte or more, from `start` on.
    func firstOffset(of sequence: [UInt8], from start: Int) -> Int? {
        guard let first = sequence.first, let base = baseAddress else { return nil }
        if sequence.count == 1 { return firstOffset(of: first, from: start) }
        var offset = start
        while let found = firstOffset(of: first, from: offset), count - found >= sequence.count {
            let matches = sequence.withUnsafeBytes { memcmp(base + found, $0.baseAddress ?? base, $0.count) == 0 }
            if matches { return found }
            offset = found + 1
        }
        return nil
    }
}

extension ByteBuffer {
    /// How many such bytes there are, from the offset `start` on.
    func count(of byte: UInt8, from start: Int = 0) -> Int {
        withUnsafeReadableBytes { bytes in
            var (count, offset) = (0, start)
            while let found = bytes.firstOffset(of: byte, from: offset) {
                count += 1
                offset = found + 1
            }
            return count
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        withUnsafeReadableBytes { $0.firstOffset(of: byte, from: 0) != nil }
    }
}
