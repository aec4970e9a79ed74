package import JunctionCore
package import Logging
package import NIOCore

/// Who is let in to a server: finds out where a connection comes from, asks the filter, and counts and reports whom the server
/// refuses.
package final class Admission: Sendable {
    private let filter: AddressFilter?
    private let proxyProtocol: ProxyProtocol?
    private let onDrop: (@Sendable (DroppedConnection) -> Void)?
    private let logger: Logger
    private let drops: LossLog
    /// Those that have not sent the PROXY protocol header yet.
    private let arriving = ConnectionRegistry()

    package init(
        filter: AddressFilter?, proxyProtocol: ProxyProtocol?, onDrop: (@Sendable (DroppedConnection) -> Void)?,
        logger: Logger
    ) {
        self.filter = filter
        self.proxyProtocol = proxyProtocol
        self.onDrop = onDrop
        self.logger = logger
        self.drops = LossLog(logger, "connection refused")
    }

    /// Connections refused so far.
    package var droppedCount: Int { drops.count }

    /// Has an accepted channel served, on its loop: at once, or as soon as the PROXY protocol header has come.
    ///
    /// Throws when the connection is refused, which has been counted then, or when `serve` throws; the caller closes the
    /// channel.
    ///
    /// - Parameter serve: is given where the connection really comes from.
    package func admit(_ channel: any Channel, serve: @escaping (_ peer: SocketAddress?) throws -> Void) throws {
        guard let proxyProtocol else { return try check(channel, channel.remoteAddress, serve) }
        let arrival = ArrivingConnection(channel: channel)
        arriving.insert(arrival)
        channel.closeFuture.whenComplete { [arriving] _ in arriving.remove(arrival) }
        var refusal: NetworkError?
        try ProxyProtocolHandler.install(
            on: channel, proxyProtocol,
            serve: { header, channel in
                try self.check(channel, header?.source ?? channel.remoteAddress, serve)
                self.arriving.remove(arrival)
            },
            refused: { refusal = self.refused($0, channel, channel.remoteAddress) })
        if let refusal { throw refusal }
    }

    private func check(
        _ channel: any Channel, _ peer: SocketAddress?, _ serve: (_ peer: SocketAddress?) throws -> Void
    ) throws {
        if let filter, let peer, !filter.permits(peer) {
            throw refused(NetworkError(.addressBlocked, "accept: \(peer.text) is not let in"), channel, peer)
        }
        try serve(peer)
    }

    /// Counts and reports a connection that is not served. Returns the reason, for who closes the channel.
    @discardableResult
    package func refused(_ reason: NetworkError, _ channel: any Channel, _ peer: SocketAddress?) -> NetworkError {
        drops.note(reason, peer: peer?.text)
        onDrop?(DroppedConnection(remoteAddress: peer, localAddress: channel.localAddress, reason: reason))
        return reason
    }

    /// The same for a connection that is one too many.
    package func refusedAsTooMany(limit: Int?, _ channel: any Channel, _ peer: SocketAddress?) -> NetworkError {
        let text = "accept: \(limit ?? 0) connections are open, which is the limit"
        return refused(NetworkError(.tooManyConnections, text), channel, peer)
    }

    /// Closes what has not said yet where it comes from; nobody has told it anything.
    ///
    /// The deadline is a timer of `eventLoop`, or of any loop of the process.
    package func drain(timeout: TimeAmount, on eventLoop: (any EventLoop)? = nil) async {
        await arriving.drain(timeout: timeout, logger: logger, on: eventLoop)
    }
}
