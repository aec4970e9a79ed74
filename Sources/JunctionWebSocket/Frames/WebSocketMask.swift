/// The masking of RFC 6455, section 5.3: an exclusive or with a key of four bytes, which undoes itself.
package enum WebSocketMask {
    /// Masks or unmasks bytes in place.
    ///
    /// - Parameters:
    ///   - key: The key in network order: `0x37fa213d` stands for the bytes 37, fa, 21, 3d.
    ///   - bytes: The bytes to change.
    ///   - offset: How many bytes of the payload came before these.
    /// - Returns: All bytes as they are now, eight at a time, joined by or: no more than ASCII when none has its highest bit.
    @discardableResult
    static func apply(_ key: UInt32, to bytes: UnsafeMutableRawBufferPointer, offset: Int = 0) -> UInt64 {
        guard let start = bytes.baseAddress else { return 0 }
        // The key's first byte in the lowest position, then turned to where the payload stands.
        let littleEndianKey = key.byteSwapped
        let turn = UInt32(truncatingIfNeeded: offset & 3) &* 8
        let turned = (littleEndianKey &>> turn) | (turn == 0 ? 0 : littleEndianKey &<< (32 &- turn))
        let pattern = UInt64(turned) | UInt64(turned) << 32

        // Eight bytes at a time; the compiler makes vector instructions of it.
        let words = bytes.count & ~7
        let wordPattern = UInt64(littleEndian: pattern)
        var index = 0
        var all: UInt64 = 0
        while index < words {
            let word = start.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wordPattern
            start.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            all |= word
            index &+= 8
        }
        var rest = pattern
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: rest)
            all |= UInt64(bytes[index])
            rest &>>= 8
            index &+= 1
        }
        return all
    }
}
