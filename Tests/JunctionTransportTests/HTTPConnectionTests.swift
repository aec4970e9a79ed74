import JunctionCore
import JunctionTransport
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@Suite("HTTP connection")
struct HTTPConnectionTests {
    private func echo(_ request: HTTPRequest) -> HTTPResponse { .text("\(request.head.method) \(request.head.uri)") }

    // MARK: Requests and answers

    @Test("answers a request and keeps the connection")
    func keepAlive() throws {
        let connection = try HTTPTestConnection(answer: echo)
        try connection.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try connection.received() == "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nGET /a")
        try connection.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try connection.received() == "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nGET /b")
        #expect(connection.isOpen)
        #expect(connection.isRegistered)
    }

    @Test("hands the application the whole request, however it was cut")
    func wholeRequest() throws {
        let connection = try HTTPTestConnection()
        for character in "POST /p/q?a=1?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" {
            #expect(connection.exchanges.isEmpty)
            try connection.send(String(character))
        }
        let request = try connection.exchange(0).request
        #expect(request.head.method == .POST)
        #expect(request.path == "/p/q")
        #expect(request.query == "a=1?b")
        #expect(String(buffer: request.body) == "hello")
        #expect(request.remoteAddress?.text == "192.0.2.7:4711")
        #expect(!request.asksForWebSocket)
    }

    @Test("lets go of an exchange that was answered, whatever its action for a lost client holds")
    func answeredExchangeIsReleased() throws {
        weak var released: HTTPExchange?
        let connection = try HTTPTestConnection()
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        do {
            let exchange = try #require(connection.takeExchange())
            released = exchange
            exchange.onDisconnect { exchange.respond(.text("too late")) }
            exchange.respond(.text("in time"))
        }
        #expect(released == nil)
    }

    @Test("puts a chunked body together")
    func chunkedBody() throws {
        let connection = try HTTPTestConnection()
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try connection.send("5\r\nhello\r\n1\r\n \r\n5\r\nthere\r\n0\r\n\r\n")
        #expect(String(buffer: try connection.exchange(0).request.body) == "hello there")
    }

    @Test("adds the status, the headers and the length of an answer")
    func answer() throws {
        let connection = try HTTPTestConnection { _ in
            HTTPResponse(status: .forbidden, headers: ["content-type": "text/plain"], body: ByteBuffer(string: "no"))
        }
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(
            try connection.received()
                == "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno")
    }

    @Test("gives an answer without a body the length 0, except where no body may be")
    func emptyAnswers() throws {
        let empty = try HTTPTestConnection { _ in HTTPResponse(status: .ok) }
        try empty.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try empty.received() == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

        let none = try HTTPTestConnection { _ in HTTPResponse(status: .noContent) }
        try none.send("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try none.received() == "HTTP/1.1 204 No Content\r\n\r\n")
    }

    @Test("answers HEAD with the length of the body and without the body")
    func head() throws {
        let connection = try HTTPTestConnection { _ in .text("hello") }
        try connection.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try connection.received() == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        #expect(connection.isOpen)
    }

    @Test("answers once: a second answer does nothing")
    func secondAnswer() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let exchange = try connection.exchange(0)
        exchange.respond(.text("first"))
        exchange.respond(.text("second"))
        #expect(try connection.received().hasSuffix("first"))
    }

    @Test(
        "closes behind the answer when the client asks for that",
        arguments: ["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"])
    func connectionClose(request: String) throws {
        let connection = try HTTPTestConnection(answer: echo)
        try connection.send(request)
        let answer = try connection.received()
        #expect(answer.contains("connection: close\r\n"))
        #expect(answer.hasSuffix("GET /"))
        #expect(!connection.isOpen)
        #expect(!connection.isRegistered)
    }

    @Test("tells a client to go on that asks before it sends its body, and once")
    func expectContinue() throws {
        let connection = try HTTPTestConnection(answer: echo)
        try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.received() == "HTTP/1.1 100 Continue\r\n\r\n")
        try connection.send("hello")
        #expect(try connection.receivedStatus() == ["200 OK"])
        #expect(connection.isOpen)
    }

    @Test("does not tell a client to go on between the answers to earlier requests")
    func expectContinueBehindRequest() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        try connection.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.received().isEmpty)
        try connection.send("hello")
        for index in 0..<2 { try connection.exchange(index).respond(.text("\(index)")) }
        #expect(try connection.receivedStatus() == ["200 OK", "200 OK"])
    }

    // MARK: Pipelining

    @Test("handles requests that were sent ahead one after another, and answers them in order")
    func pipelining() throws {
        let connection = try HTTPTestConnection()
        try connection.send((0..<3).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for index in 0..<3 {
            #expect(connection.exchanges.map(\.request.head.uri) == (0...index).map { "/\($0)" })
            try connection.exchange(index).respond(.text("answer \(index)"))
            #expect(try connection.received().hasSuffix("\r\n\r\nanswer \(index)"))
        }
    }

    @Test("an answer out of turn does nothing")
    func answerOutOfTurn() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET /0 HTTP/1.1\r\nHost: x\r\n\r\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        let first = try connection.exchange(0)
        first.respond(.text("0"))
        _ = try connection.received()
        first.respond(.text("again"))
        #expect(try connection.received().isEmpty)
        try connection.exchange(1).respond(.text("1"))
        #expect(try connection.received().hasSuffix("1"))
    }

    @Test("what is answered in one turn leaves together")
    func oneFlush() throws {
        let connection = try HTTPTestConnection(answer: echo)
        try connection.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(connection.flushes == 1)
        let exchangeTurn = LoopExecutor.of(connection.channel.eventLoop)
        exchangeTurn.turn {
            try? connection.send((0..<3).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        }
        #expect(connection.flushes == 2)
        #expect(try connection.receivedStatus().count == 4)
    }

    // MARK: Upgrading

    /// Keeps what arrives.
    private final class Upgraded: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var bytes = ByteBuffer()

        func handlerAdded(context: ChannelHandlerContext) { context.flush() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var read = unwrapInboundIn(data)
            bytes.writeBuffer(&read)
        }
    }

    @Test("gives the connection and the bytes behind the request to the new protocol")
    func upgrade() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\nfirst")
        let exchange = try connection.exchange(0)
        #expect(exchange.request.asksForWebSocket)
        let handler = Upgraded()
        try exchange.upgrade(headers: ["connection": "upgrade", "upgrade": "websocket"], to: handler)
        connection.wait(.zero)  // lets the handlers of HTTP leave
        #expect(
            try connection.received()
                == "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        try connection.send(" second")
        #expect(String(buffer: handler.bytes) == "first second")
        connection.wait(.hours(1))
        #expect(connection.isOpen, "the deadlines of HTTP are over")
        exchange.respond(.text("late"))
        #expect(try connection.received().isEmpty)
    }

    @Test("an exchange that was answered cannot be upgraded")
    func lateUpgrade() throws {
        let connection = try HTTPTestConnection(answer: echo)
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let exchange = try connection.exchange(0)
        #expect(throws: ChannelError.self) { try exchange.upgrade(headers: [:], to: Upgraded()) }
    }

    // MARK: Leaving

    @Test("tells the application when the client goes away before its answer")
    func disconnect() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let exchange = try connection.exchange(0)
        var disconnects = 0
        exchange.onDisconnect { disconnects += 1 }
        try connection.channel.close().wait()
        #expect(disconnects == 1)
        exchange.respond(.text("late"))
        #expect(!connection.isRegistered)
    }

    @Test("says nothing about a client that goes away behind its answer")
    func disconnectAfterAnswer() throws {
        let connection = try HTTPTestConnection()
        try connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let exchange = try connection.exchange(0)
        var disconnects = 0
        exchange.onDisconnect { disconnects += 1 }
        exchange.respond(.text("done"))
        try connection.channel.close().wait()
        #expect(disconnects == 0)
    }
}
