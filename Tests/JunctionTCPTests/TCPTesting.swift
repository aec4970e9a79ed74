import JunctionTCP
import NIOCore
import Synchronization

extension TCPServer {
    /// A server on a free port of the loopback interface.
    static func local(
        framing: Framing = .raw, configuration: Configuration = Configuration(),
        handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) -> TCPServer {
        TCPServer(host: "127.0.0.1", port: 0, framing: framing, configuration: configuration, handler: handler)
    }
}

/// A counter that tasks share.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ amount: Int) { count.wrappingAdd(amount, ordering: .relaxed) }
}

/// A pattern in which lost, doubled and moved bytes show.
func pattern(_ count: Int) -> ByteBuffer {
    // Of a length that fits no buffer's, so that the repetitions do not hide a move.
    let block = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
    var pattern = ByteBufferAllocator().buffer(capacity: count)
    while pattern.readableBytes < count { pattern.writeBytes(block.prefix(count - pattern.readableBytes)) }
    return pattern
}
