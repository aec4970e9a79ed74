package import NIOCore

/// How every TCP connection of Junction is set up, accepted or dialled.
package enum StreamChannel {
    /// Sets the options of a new channel. On its loop, before the first read. Options of the socket are inherited from the
    /// listener, or set by who dials.
    package static func configure(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.allowRemoteHalfClosure, value: true)
        // The channel keeps its read buffer while it is idle; it grows with what comes.
        try options.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 512, maximum: 65_536))
    }

    /// A read that fills this much is a bulk transfer's.
    package static let bulkRead = 16_384

    /// Lets the buffers of a bulk transfer grow: one of 64 KiB messages costs half as much as with reads of 64 KiB at most.
    package static func tuneForBulk(_ channel: any Channel) {
        guard let options = channel.syncOptions else { return }
        // One read for each readiness: the next readiness tells the same at no cost, and other connections come sooner.
        try? options.setOption(.maxMessagesPerRead, value: 1)
        try? options.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 65_536, maximum: 262_144))
    }
}
