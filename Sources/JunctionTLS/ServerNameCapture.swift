import NIOCore

/// In front of NIOSSL's handler during a handshake; see ``ServerName``.
final class ServerNameCapture: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    let serverName = ServerName()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        ServerName.$ofCurrentHandshake.withValue(serverName) { context.fireChannelRead(data) }
    }
}
