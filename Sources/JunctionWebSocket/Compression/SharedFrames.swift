package import NIOCore
import Synchronization

/// Frames that were encoded once for many connections, and their compressed form, made when a connection first needs it.
package final class SharedFrames: Sendable {
    /// The frames as every connection can take them.
    package let plain: ByteBuffer
    /// One for each way to compress in use, which is mostly one.
    private let compressed = Mutex<[(parameters: DeflateParameters, frames: ByteBuffer)]>([])

    /// - Parameter plain: whole messages of a server, each in one frame, none compressed.
    package init(plain: ByteBuffer) {
        self.plain = plain
    }

    /// The frames for a connection that compresses each message by itself. Who comes while they are made waits: to make them
    /// twice would take longer.
    func compressed(by deflater: MessageDeflater) -> ByteBuffer {
        compressed.withLock { known in
            if let found = known.first(where: { $0.parameters == deflater.parameters }) { return found.frames }
            var frames = ByteBuffer()
            plain.withUnsafeReadableBytes { deflater.rewrite($0, into: &frames) }
            known.append((deflater.parameters, frames))
            return frames
        }
    }
}
