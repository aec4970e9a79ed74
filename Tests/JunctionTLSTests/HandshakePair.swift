import JunctionTLS
import NIOCore
import NIOEmbedded

/// A server and a client in one thread, whose bytes pass when the test says so, and whose time does not pass by itself.
final class HandshakePair {
    let loop = EmbeddedEventLoop()
    let server: EmbeddedChannel
    let client: EmbeddedChannel
    private let session: EventLoopFuture<TLSSession>

    init(server tls: ServerTLS, client prepared: ClientTLS.Prepared) throws {
        server = EmbeddedChannel(loop: loop)
        client = EmbeddedChannel(loop: loop)
        _ = try tls.addHandlers(to: server)
        session = try prepared.addHandlers(to: client, host: "localhost", doing: "connect").handshake
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        server.connect(to: address, promise: nil)
        client.connect(to: address, promise: nil)
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
