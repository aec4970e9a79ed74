import JunctionCore
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import JunctionTransport

/// A connection that our application, which takes all below `/ours`, shares with another server.
@Suite("HTTP fork")
struct HTTPForkTests {
    // MARK: Whose request it is

    @Test("passes each request to whom it is for, in whatever order they come on one connection")
    func alternating() throws {
        let connection = try SharedConnection()
        for path in ["/ours/1", "/theirs/2", "/theirs/3", "/ours/4", "/theirs/5"] {
            try connection.send(SharedConnection.get(path))
            try connection.answerLast()
            #expect(try connection.received().hasSuffix(path))
        }
        #expect(connection.ours == ["/ours/1", "/ours/4"])
        #expect(connection.theirs.requests == ["/theirs/2", "/theirs/3", "/theirs/5"])
        #expect(connection.isOpen)
    }

    @Test("adds the other server's handlers at its first request, and no sooner")
    func lazy() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/ours/1"))
        try connection.answerLast()
        #expect(connection.attachments == 0)
        for _ in 0..<2 {
            try connection.send(SharedConnection.get("/theirs"))
            try connection.answerLast()
            #expect(connection.attachments == 1)
        }
    }

    @Test("streams a body to the other server as it comes")
    func body() throws {
        let connection = try SharedConnection()
        try connection.send("POST /theirs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        #expect(connection.theirs.body == "hello")
        try connection.send("there")
        #expect(connection.theirs.body == "hellothere")
    }

    @Test("our limits bind our requests alone")
    func limits() throws {
        let connection = try SharedConnection()
        let large = String(repeating: "x", count: 2_000)
        try connection.send("POST /theirs HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n\(large)")
        try connection.answerLast()
        #expect(connection.theirs.body == large)
        _ = try connection.received()
        try connection.send("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n")
        #expect(try connection.received().hasPrefix("HTTP/1.1 413 "))
    }

    // MARK: Order

    @Test("answers requests that were sent ahead in their order, whoever answers", arguments: [1, 7, 1_000])
    func pipelining(piece: Int) throws {
        let connection = try SharedConnection()
        let paths = ["/ours/1", "/theirs/2", "/ours/3", "/ours/4", "/theirs/5", "/theirs/6"]
        var bytes = Array(paths.map(SharedConnection.get).joined())
        while !bytes.isEmpty {
            try connection.send(String(bytes.prefix(piece)))
            bytes.removeFirst(min(piece, bytes.count))
        }
        // No request is seen before the one in front of it is answered.
        for path in paths {
            #expect(connection.ours.count + connection.theirs.requests.count == paths.firstIndex(of: path)! + 1)
            try connection.answerLast()
            #expect(try connection.received().hasSuffix(path))
        }
    }

    @Test("tells the other server when all that was held for it has been read")
    func readComplete() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/ours/1") + SharedConnection.get("/theirs/2"))
        try connection.answerLast()
        #expect(connection.theirs.readsSinceComplete == 0)
        #expect(connection.theirs.requests == ["/theirs/2"])
    }

    @Test("reads no more while a request is held that was sent ahead, and goes on when it is not")
    func reading() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/ours/1") + SharedConnection.get("/theirs/2"))
        let before = connection.reads
        connection.channel.pipeline.read()
        #expect(connection.reads == before)
        try connection.answerLast()
        #expect(connection.reads == before + 1)
        #expect(connection.theirs.requests == ["/theirs/2"])
    }

    @Test("an answer that comes before its request has ended lets nothing of the request get lost")
    func earlyAnswer() throws {
        let connection = try SharedConnection()
        try connection.send("POST /theirs/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        try connection.theirs.answer()
        try connection.send("there" + SharedConnection.get("/ours/2"))
        #expect(connection.theirs.body == "hellothere")
        #expect(connection.ours == ["/ours/2"])
    }

    // MARK: Time

    @Test("does not count the time in which the other server answers, or a poll waits, as idle")
    func idle() throws {
        let connection = try SharedConnection(idleTimeout: .seconds(30))
        for path in ["/theirs", "/ours"] {
            try connection.send(SharedConnection.get(path))
            connection.wait(.seconds(600))
            #expect(connection.isOpen)
            try connection.answerLast()
            connection.wait(.seconds(20))
            #expect(connection.isOpen)
        }
        connection.wait(.seconds(60))
        #expect(!connection.isOpen)
    }

    @Test("closes a connection whose request for us does not become complete, and leaves the other server's to it")
    func slowRequests() throws {
        let theirs = try SharedConnection()
        try theirs.send("POST /theirs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        theirs.wait(.hours(1))
        #expect(theirs.isOpen)
        let ours = try SharedConnection()
        try ours.send("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        ours.wait(.seconds(130))
        #expect(!ours.isOpen)
    }

    @Test("keeps an idle handler's event from the other server while a poll waits")
    func idleEvents() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/theirs"))
        try connection.answerLast()
        connection.channel.pipeline.fireUserInboundEventTriggered(IdleStateHandler.IdleStateEvent.all)
        #expect(connection.theirs.idleEvents == 1)
        try connection.send(SharedConnection.get("/ours"))
        connection.channel.pipeline.fireUserInboundEventTriggered(IdleStateHandler.IdleStateEvent.all)
        #expect(connection.theirs.idleEvents == 1)
    }

    // MARK: Errors and ends

    @Test("bad input is answered by whom the request is for, and by us where nobody else is there yet")
    func badInput() throws {
        let fresh = try SharedConnection()
        try fresh.send("nonsense\r\n\r\n")
        #expect(try fresh.received().hasPrefix("HTTP/1.1 400 "))
        let shared = try SharedConnection()
        try shared.send(SharedConnection.get("/theirs"))
        try shared.answerLast()
        _ = try shared.received()
        try shared.send("nonsense\r\n\r\n")
        #expect(shared.theirs.errors == 1)
        #expect(try shared.received().isEmpty)
    }

    @Test("a client that half-closes is gone for us; the other server decides for itself")
    func halfClose() throws {
        let theirs = try SharedConnection()
        try theirs.send(SharedConnection.get("/theirs"))
        theirs.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(theirs.isOpen)
        #expect(theirs.theirs.halfCloses == 1)
        let ours = try SharedConnection()
        try ours.send(SharedConnection.get("/ours"))
        ours.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!ours.isOpen)
    }

    @Test("a server that quiesces ends an idle connection at once, and one with a poll behind the answer")
    func quiescing() throws {
        let idle = try SharedConnection()
        idle.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(!idle.isOpen)

        let polling = try SharedConnection()
        try polling.send(SharedConnection.get("/theirs"))
        try polling.answerLast()
        try polling.send(SharedConnection.get("/ours"))
        polling.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(polling.theirs.quiesces == 0)
        #expect(polling.isOpen)
        try polling.answerLast()
        #expect(try polling.received().hasSuffix("/ours"))
        #expect(!polling.isOpen)

        let theirs = try SharedConnection()
        try theirs.send(SharedConnection.get("/theirs"))
        theirs.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(theirs.theirs.quiesces == 1)
        #expect(theirs.isOpen)
    }

    @Test("the other server's handlers learn of the end of the connection once")
    func end() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/theirs"))
        try connection.send(SharedConnection.get("/ours"))
        try connection.channel.close().wait()
        #expect(connection.theirs.ends == 1)
    }

    // MARK: Leaving HTTP

    @Test("a connection that leaves HTTP is ours alone: the other server's handlers see its end and nothing before")
    func upgrade() throws {
        let connection = try SharedConnection()
        try connection.send(SharedConnection.get("/theirs"))
        try connection.answerLast()
        _ = try connection.received()
        try connection.send("GET /ours HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: noise\r\n\r\nearly ")
        let noise = Noise()
        try #require(connection.exchanges.last).upgrade(headers: ["upgrade": "noise"], to: noise)
        connection.wait(.zero)  // lets the decoder leave
        try connection.send("bytes")
        #expect(noise.received == "early bytes")
        noise.send("answer")
        #expect(try connection.received().hasSuffix("upgrade: noise\r\n\r\nanswer"))

        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(connection.theirs.quiesces == 0)
        // What they still write goes nowhere, and their half of an orderly end is not the connection's.
        try connection.theirs.answer()
        connection.theirs.closeOutput()
        #expect(try connection.received().isEmpty)
        #expect(connection.isOpen)

        try connection.channel.close().wait()
        #expect(connection.theirs.ends == 1)
    }
}

/// Takes part in a connection that has left HTTP.
private final class Noise: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var received = ""
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received += String(buffer: unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { context.fireChannelInactive() }
    func send(_ text: String) { context?.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil) }
}

/// A client's view of a shared connection in memory, with both sides of the server.
private final class SharedConnection {
    let channel: EmbeddedChannel
    let theirs = TheirHandler()
    var attachments: Int { attached.value }
    var exchanges: [HTTPExchange] { application.exchanges.value }
    var ours: [String] { exchanges.map { $0.request.head.uri } }
    var reads: Int { counter.reads }
    var isOpen: Bool { channel.isActive }

    private let application: Application
    private let counter = ReadCounter()
    private let attached: NIOLoopBoundBox<Int>
    private var answered = 0

    init(idleTimeout: TimeAmount? = nil) throws {
        channel = EmbeddedChannel(handler: counter)
        application = Application(exchanges: NIOLoopBoundBox([], eventLoop: channel.eventLoop))
        attached = NIOLoopBoundBox(0, eventLoop: channel.eventLoop)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 4711)).wait()
        var limits = HTTPLimits()
        limits.maximumBodySize = 1_000
        let theirs = theirs
        let attached = attached
        try HTTPFork.serve(
            channel, limits: limits, application: application,
            origin: HTTPOrigin(remoteAddress: channel.remoteAddress, isNextToSocket: false), idleTimeout: idleTimeout
        ) { channel in
            attached.value += 1
            try channel.pipeline.syncOperations.addHandler(theirs)
        }
    }

    static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n" }

    func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// Answers the request that is under way with its path.
    func answerLast() throws {
        if let exchange = exchanges.dropFirst(answered).first {
            answered += 1
            exchange.respond(.text(exchange.request.head.uri))
        } else {
            try theirs.answer()
        }
        channel.embeddedEventLoop.run()
    }

    /// What the server sent since the last call.
    func received() throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
        return text
    }

    func wait(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    private struct Application: HTTPApplication {
        let exchanges: NIOLoopBoundBox<[HTTPExchange]>

        func handle(_ exchange: HTTPExchange) { exchanges.value.append(exchange) }
        func takes(_ head: HTTPRequestHead) -> Bool { head.uri.hasPrefix("/ours") }
    }

    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        var reads = 0

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }
    }
}

/// The other server.
private final class TheirHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    var requests: [String] = []
    /// Parts that no `channelReadComplete` has followed yet.
    var readsSinceComplete = 0
    var body = ""
    var errors = 0
    var halfCloses = 0
    var quiesces = 0
    var idleEvents = 0
    var ends = 0
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelReadComplete(context: ChannelHandlerContext) { readsSinceComplete = 0 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        readsSinceComplete += 1
        switch unwrapInboundIn(data) {
        case .head(let head): requests.append(head.uri)
        case .body(let part): body += String(buffer: part)
        case .end: break
        }
    }

    /// Answers the last request with its path.
    func answer() throws {
        let text = ByteBuffer(string: try #require(requests.last))
        let headers: HTTPHeaders = ["content-length": "\(text.readableBytes)"]
        let context = try #require(context)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func closeOutput() { context?.close(mode: .output, promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { errors += 1 }
    func channelInactive(context: ChannelHandlerContext) { ends += 1 }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: halfCloses += 1
        case is ChannelShouldQuiesceEvent: quiesces += 1
        case is IdleStateHandler.IdleStateEvent: idleEvents += 1
        default: break
        }
    }
}
