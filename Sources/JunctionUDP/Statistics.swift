extension UDPSocket {
    /// What a socket has done since it was opened, and what was lost.
    public struct Statistics: Sendable, Hashable {
        /// Datagrams received and taken: given to a handler or queued for a reader.
        public var received = 0
        /// Bytes of their payloads.
        public var receivedBytes = 0
        /// Datagrams that the kernel has taken to send, which says nothing about their arrival.
        public var sent = 0
        /// Bytes of their payloads.
        public var sentBytes = 0
        /// Received datagrams of which the rest was cut off.
        public var truncated = 0
        /// Datagrams that the kernel dropped because the socket's receive buffer was full (``receiveBufferSize``), or their
        /// checksum was wrong; `nil` where the system does not tell. Linux does.
        public var droppedByKernel: Int?
        /// Datagrams dropped because a reader was behind: ``Configuration/queueLimit``.
        public var droppedByOverflow = 0
        /// Datagrams of senders for whom there was no session: ``SessionLimits/maximumSessions``.
        public var refusedBySessionLimit = 0
        /// Received datagrams dropped because a filter refuses the sender, or the socket is connected to another peer.
        public var blocked = 0
        /// Datagrams that could not be sent: the kernel refused them, the address is blocked, the send queue was full, or the
        /// socket was closed.
        public var failedSends = 0
        /// System calls that sent.
        public var sendCalls = 0
        /// Messages that these calls gave to the kernel; datagrams that the kernel cuts from one message count once.
        public var sendMessages = 0
        /// Reads that brought datagrams, each at most ``Configuration/batchSize``.
        public var receiveBatches = 0
    }
}
