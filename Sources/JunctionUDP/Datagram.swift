public import NIOCore

/// One received UDP packet.
public struct Datagram: Sendable {
    /// Who sent it.
    public let sender: SocketAddress
    /// What it carries; possibly empty.
    public let payload: ByteBuffer

    /// Makes a datagram.
    public init(sender: SocketAddress, payload: ByteBuffer) {
        self.sender = sender
        self.payload = payload
    }
}
