public import NIOCore

/// One received UDP packet.
public struct Datagram: Sendable {
    /// Who sent it.
    public let sender: SocketAddress
    /// What it carries; possibly empty. Its `readableBytes` is the size of the datagram.
    ///
    /// A handler on the event loop gets a part of the buffer of a whole read, which is cheap to send on; copy the bytes to keep
    /// them for long. What a sequence gives has bytes of its own.
    public internal(set) var payload: ByteBuffer
    /// Whether the datagram was larger than ``UDPSocket/Configuration/maximumDatagramSize``; the payload is its beginning.
    public let isTruncated: Bool
    /// The address that it was sent to, without a port: one of this machine, of a multicast group, or of a broadcast. `nil`
    /// unless ``UDPSocket/Configuration/reportsDestination`` is set.
    public let destination: SocketAddress?
    /// The number of the network interface that it came by; `nil` unless ``UDPSocket/Configuration/reportsDestination`` is set.
    public let interfaceIndex: Int?

    /// Makes a datagram.
    public init(
        sender: SocketAddress, payload: ByteBuffer, isTruncated: Bool = false, destination: SocketAddress? = nil,
        interfaceIndex: Int? = nil
    ) {
        self.sender = sender
        self.payload = payload
        self.isTruncated = isTruncated
        self.destination = destination
        self.interfaceIndex = interfaceIndex
    }
}
