package import NIOCore

/// How every TCP connection of Junction is set up, accepted or dialled.
package enum StreamChannel {
    /// Sets the options of a new channel. On its loop, before the first read.
    ///
    /// - Parameter isTCP: false for a Unix domain socket, which has no TCP options.
    package static func configure(_ channel: any Channel, isTCP: Bool = true) throws {
        guard let options = channel.syncOptions else { return }
        if isTCP { try options.setOption(.tcpOption(.tcp_nodelay), value: 1) }
        try options.setOption(.allowRemoteHalfClosure, value: true)
        // One read for each readiness: the next readiness tells the same at no cost, and other connections come sooner.
        try options.setOption(.maxMessagesPerRead, value: 1)
        // It grows with the stream: a bulk transfer of 64 KiB messages costs half as much as with reads of 64 KiB at most.
        try options.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 262_144))
    }
}
