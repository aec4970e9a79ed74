import JunctionTLS
import NIOCore
import NIOEmbedded

/// A server and a client in one thread, whose bytes pass when the test says so, and whose time does not pass by itself.
final class HandshakePair {
    let loop = EmbeddedEventLoop()
    let server: EmbeddedChannel
    let client: EmbeddedChannel
    private let session: EventLoopFuture<TLSSession>

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
        _ = try tls.addHandlers(to: server, doing: "serve")
        session = try prepared.addHandlers(to: client, host: "localhost", doing: "connect").handshake
        if !isConnected { connect() }
    }

    /// Carries bytes both ways until nobody has any, and returns what the client agreed on.
    func complete() throws -> TLSSession {
        var isMoving = true
        while isMoving {
            isMoving = false
            while let bytes = try client.readOutbound(as: ByteBuffer.self) {
                try server.writeInbound(bytes)
                isMoving = true
            }
            loop.run()
            while let bytes = try server.readOutbound(as: ByteBuffer.self) {
                try client.writeInbound(bytes)
                isMoving = true
            }
            loop.run()
        }
        return try session.wait()
    }
}
