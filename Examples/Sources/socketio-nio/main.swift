// A Socket.IO server on an HTTP server that is built of SwiftNIO's handlers.
import JunctionSocketIO
import NIOCore
import NIOHTTP1
import NIOPosix

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

let io = SocketIOServer()

io.onConnection { socket in
    print("클라이언트가 연결되었습니다.")

    socket.on("message") { (data: String) in
        print("클라이언트로부터 데이터 수신:", data)
        socket.emit("message", "Hello Client!")
    }

    socket.onDisconnect { _ in
        print("클라이언트 연결이 종료되었습니다.")
    }
}

/// The server's own answer, to whatever is not for Socket.IO.
final class Hello: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let text = ByteBuffer(string: "Hello Client!")
        let head = HTTPResponseHead(
            version: .http1_1, status: .ok, headers: ["content-length": "\(text.readableBytes)"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

let mount = io.mount()
let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.configureHTTPServerPipeline(mounting: [mount])
            try channel.pipeline.syncOperations.addHandler(Hello())
        }
    }
    .bind(host: "0.0.0.0", port: port).get()

print("Socket.io 서버가 \(port)번 포트에서 대기 중입니다.")
try await server.closeFuture.get()
