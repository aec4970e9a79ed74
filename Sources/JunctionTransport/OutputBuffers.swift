package import NIOCore

/// Buffers that the connections of one loop gather their output in, used again and again.
///
/// A connection takes one when it first writes in a turn and gives it back when it flushes, so an idle connection holds
/// none. A buffer that the kernel has not taken completely is still shared with the channel; `ByteBuffer` then makes new
/// storage when it is cleared.
package struct OutputBuffers {
    private var free: [ByteBuffer] = []

    /// Buffers kept, and the capacity above which one is not kept.
    private static let maximumKept = 64
    private static let maximumCapacity = 65_536

    /// An empty buffer.
    package mutating func take() -> ByteBuffer {
        guard var buffer = free.popLast() else { return ByteBufferAllocator().buffer(capacity: 1024) }
        buffer.clear()
        return buffer
    }

    /// Takes a buffer back after it was handed to the channel.
    package mutating func giveBack(_ buffer: ByteBuffer) {
        guard free.count < Self.maximumKept, buffer.capacity <= Self.maximumCapacity else { return }
        free.append(buffer)
    }
}
