public import JunctionTCP

extension TCPConnection {
    /// Everything the peer sends until it ends its side.
    public func readAll() async throws -> ByteBuffer {
        var all = ByteBuffer()
        for try await var part in inbound { all.writeBuffer(&part) }
        return all
    }

    /// The next message as text; `nil` at the end.
    public func readText() async throws -> String? {
        var iterator = inbound.makeAsyncIterator()
        return try await iterator.next().map { String(buffer: $0) }
    }
}
