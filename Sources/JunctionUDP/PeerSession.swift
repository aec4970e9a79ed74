import JunctionCore
import JunctionTransport
public import NIOCore

/// How many peers may have a session with a server, and for how long.
public struct SessionLimits: Sendable, Hashable {
    /// A session whose peer has sent nothing for this long ends. 5 minutes.
    public var idleTimeout: Duration = .seconds(300)
    /// Sessions at a time, of each socket of the server; datagrams of further peers are dropped and counted
    /// (``UDPSocket/Statistics/refusedBySessionLimit``). 10,000.
    public var maximumSessions = 10_000

    /// The defaults.
    public init() {}
}

/// What one peer sends to a UDP server, and the way back to it.
///
/// UDP knows no connections: a session begins with a peer's first datagram and ends when its handler returns, when ``close()``
/// is called, or when the peer has sent nothing for ``SessionLimits/idleTimeout``. A later datagram begins another one. Nothing
/// proves that a peer has the address that it sends from.
///
/// Every call may be made from any task.
public final class PeerSession: Sendable {
    /// The peer.
    public let remoteAddress: SocketAddress
    /// The server's socket, which other peers use as well.
    public let socket: UDPSocket

    private let table: NIOLoopBound<SessionTable>
    private let entry: NIOLoopBound<SessionTable.Entry>
    private let reader: InboxReader

    /// Made on the socket's event loop.
    init(_ entry: SessionTable.Entry, of table: SessionTable, on socket: UDPSocket) {
        remoteAddress = entry.address
        self.socket = socket
        self.table = NIOLoopBound(table, eventLoop: socket.executor.eventLoop)
        self.entry = NIOLoopBound(entry, eventLoop: socket.executor.eventLoop)
        reader = InboxReader(entry.inbox, on: socket.executor)
    }

    /// What the peer sends, in the order of arrival; ends with the session, behind what has come. One reader at a time.
    ///
    /// While the reader is behind, datagrams queue up to ``UDPSocket/Configuration/queueLimit``.
    public var inbound: UDPSocket.Inbound { UDPSocket.Inbound(reader: reader) }

    /// Sends one datagram to the peer and returns when the kernel has taken it, as `UDPSocket.send(_:to:)` does.
    public func send(_ payload: ByteBuffer) async throws { try await socket.send(payload, to: remoteAddress) }

    /// Sends text as UTF-8.
    public func send(_ text: String) async throws { try await socket.send(text, to: remoteAddress) }

    /// Queues a datagram to the peer without waiting, for functions that are not `async`.
    public func send(_ payload: ByteBuffer) { socket.send(payload, to: remoteAddress) }

    /// Queues text without waiting.
    public func send(_ text: String) { socket.send(text, to: remoteAddress) }

    /// Ends the session: ``inbound`` ends behind what has come.
    public func close() {
        socket.executor.execute { self.table.value.end(self.entry.value) }
    }
}
