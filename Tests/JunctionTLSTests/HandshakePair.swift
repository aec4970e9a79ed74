import JunctionTLS
import NIOCore
import NIOEmbedded

/// A server and a client in one thread, whose bytes pass when the test says so, and whose time does not pass by itself.
final class HandshakePair {
    let loop = EmbeddedEventLoop()
    let server: EmbeddedChannel
    let client: EmbeddedChannel
    let serverSession: EventLoopFuture<TLSSession>
    let clientSession: EventLoopFuture<TLSSession>
    private(set) weak var serverHandler: TLSHandler?
    /// What may happen to the bytes on their way.
    var transit: (inout ByteBuffer) -> Void = { _ in }

    /// - Parameter isConnected: whether the channels are connected before they are given TLS, or after that.
    init(server tls: ServerTLS, client prepared: ClientTLS.Prepared, isConnected: Bool = false) throws {
        server = EmbeddedChannel(loop: loop)
        client = EmbeddedChannel(loop: loop)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        let connect = { [server, client] in
            server.connect(to: address, promise: nil)
            client.connect(to: address, promise: nil)
        }
        if isConnected { connect() }
        let handler = try tls.addHandlers(to: server, doing: "serve", position: .first)
        serverHandler = handler
        serverSession = handler.handshake
        clientSession = try prepared.addHandlers(
            to: client, host: "localhost", doing: "connect", position: .first
        ).handshake
        if !isConnected { connect() }
    }

    /// Carries bytes both ways until nobody has any, and returns what the client agreed on.
    func complete() throws -> TLSSession {
        try carry()
        return try clientSession.wait()
    }

    /// Carries bytes both ways until nobody has any.
    func carry() throws {
        var isMoving = true
        while isMoving {
            isMoving = false
            for (from, to) in [(client, server), (server, client)] {
                while var bytes = try from.readOutbound(as: ByteBuffer.self) {
                    transit(&bytes)
                    if to.isActive { try to.writeInbound(bytes) }
                    isMoving = true
                }
                loop.run()
            }
        }
    }
}
