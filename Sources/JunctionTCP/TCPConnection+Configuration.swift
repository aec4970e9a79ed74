public import JunctionCore

extension TCPConnection {
    /// What can be set on a connection, accepted or dialled, with the defaults.
    public struct Configuration: Sendable {
        /// Bytes received and not yet taken by the reader, or queued and not yet taken by the peer, above which the side
        /// that is faster waits. 65,536.
        public var highWaterMark = 65_536
        /// Bytes queued by writes that do not wait, for a peer that does not read; while there are more, the next such write
        /// ends the connection with ``NetworkError/Code/peerTooSlow``. 16 MiB.
        public var maximumBufferedBytes = 16_777_216
        /// Silence in both directions after which the connection fails with ``NetworkError/Code/timedOut``; `nil`, the
        /// default, allows any. Time in which this side does not read does not count, nor does time in which the peer takes
        /// what waits for it.
        public var idleTimeout: Duration?
        /// How long a peer may take nothing of what waits for it before the connection fails with
        /// ``NetworkError/Code/timedOut``; `nil` waits for ever. 60 seconds.
        ///
        /// The connection looks once in that time whether the peer has taken something, and so finds out after once to twice
        /// the time.
        public var writeTimeout: Duration? = .seconds(60)
        /// How long a peer may take to end its side after this side has closed; what it sends meanwhile is dropped.
        /// 2 seconds.
        public var lingerTimeout: Duration = .seconds(2)
        /// Options of the socket.
        public var socket = SocketOptions()

        /// The defaults.
        public init() {}
    }

    /// What can still be done with a connection, in the words of Node's `readyState`.
    public enum ReadyState: String, Sendable {
        /// Both sides are open.
        case open
        /// This side has finished writing.
        case readOnly
        /// The peer has finished writing.
        case writeOnly
        /// Nothing any more.
        case closed
    }
}
