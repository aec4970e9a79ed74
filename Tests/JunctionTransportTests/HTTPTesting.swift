import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import JunctionTransport

/// A client's view of an HTTP connection in memory, and the exchanges that its application was given.
final class HTTPTestConnection {
    let channel: EmbeddedChannel
    let registry = ConnectionRegistry()
    /// The requests that reached the application, in order.
    var exchanges: [HTTPExchange] { application.exchanges.value }
    /// The last request that reached the application, which this lets go of.
    func takeExchange() -> HTTPExchange? { application.exchanges.value.popLast() }

    /// The exchange of one of those requests.
    func exchange(_ index: Int) throws -> HTTPExchange { try #require(exchanges.dropFirst(index).first) }

    /// How often the connection handed bytes to the kernel.
    var flushes: Int { counter.flushes }

    private let counter = FlushCounter()
    private let application: Application

    /// - Parameter answer: what the application answers at once; without it, exchanges wait for the test.
    init(limits: HTTPLimits = HTTPLimits(), answer: (@Sendable (HTTPRequest) -> HTTPResponse)? = nil) throws {
        channel = EmbeddedChannel(handler: counter)
        application = Application(
            exchanges: NIOLoopBoundBox([], eventLoop: channel.eventLoop), answer: answer)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 4711)).wait()
        try HTTPConnection.serve(channel, limits: limits, application: application, connections: registry)
    }

    /// Sends `text` in one piece.
    func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// What the server sent since the last call.
    func received() throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
        return text
    }

    /// The status lines of what the server sent since the last call.
    func receivedStatus() throws -> [String] {
        try received().split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst()
            .map { String($0.prefix { $0 != "\r\n" }) }
    }

    var isOpen: Bool { channel.isActive }
    /// The server still counts the connection among its own.
    var isRegistered: Bool {
        wait(.zero)  // lets the channel finish closing
        return registry.count > 0
    }

    func wait(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    func drain() throws { try channel.pipeline.syncOperations.handler(type: HTTPConnection.self).beginDrain() }

    private struct Application: HTTPApplication {
        let exchanges: NIOLoopBoundBox<[HTTPExchange]>
        let answer: (@Sendable (HTTPRequest) -> HTTPResponse)?

        func handle(_ exchange: HTTPExchange) {
            exchanges.value.append(exchange)
            if let answer { exchange.respond(answer(exchange.request)) }
        }
    }

    private final class FlushCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        var flushes = 0

        func flush(context: ChannelHandlerContext) {
            flushes += 1
            context.flush()
        }
    }
}

extension HTTPResponse {
    /// 200 with a text.
    static func text(_ text: String) -> HTTPResponse { HTTPResponse(status: .ok, body: ByteBuffer(string: text)) }
}
