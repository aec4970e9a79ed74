/// What a peer may ask of a ``SocketIOPacketDecoder``. Every limit is checked before anything is stored for it.
public struct SocketIOLimits: Hashable, Sendable {
    /// Attachments of one packet: 10, as in the reference.
    public var maxAttachments: Int
    /// Arrays and objects inside one another: 64. More than 128 is taken as 128.
    public var maxDepth: Int
    /// Bytes of one packet, its attachments included: 1,000,000.
    public var maxPacketBytes: Int
    /// Bytes of a namespace: 512.
    public var maxNamespaceBytes: Int

    /// The limits named; the defaults for all others.
    public init(
        maxAttachments: Int = 10, maxDepth: Int = 64, maxPacketBytes: Int = 1_000_000, maxNamespaceBytes: Int = 512
    ) {
        self.maxAttachments = maxAttachments
        self.maxDepth = maxDepth
        self.maxPacketBytes = maxPacketBytes
        self.maxNamespaceBytes = maxNamespaceBytes
    }
}
