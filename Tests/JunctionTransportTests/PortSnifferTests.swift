import NIOCore
import NIOEmbedded
import Testing

@testable import JunctionTransport

@Suite("Telling HTTP from other protocols on one port")
struct PortSnifferTests {
    /// A connection whose first bytes are looked at, and what became of it.
    private final class Connection {
        let channel = EmbeddedChannel()
        private(set) var verdicts: [PortSniffer.Verdict] = []
        private let recorder = Recorder()

        init(patience: TimeAmount = .seconds(1), failing: (any Error)? = nil) throws {
            channel.allowRemoteHalfClosure = true
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            let sniffer = PortSniffer(patience: patience) { [unowned self] verdict, channel in
                verdicts.append(verdict)
                if let failing { throw failing }
                try channel.pipeline.syncOperations.addHandler(recorder)
            }
            try channel.pipeline.syncOperations.addHandler(sniffer)
        }

        /// The bytes that reached the handlers behind the sniffer.
        var handedOn: String { String(buffer: recorder.bytes) }
        var endings: Int { recorder.endings }
        var isSniffing: Bool { (try? channel.pipeline.syncOperations.handler(type: PortSniffer.self)) != nil }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }
        func halfClose() { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        func wait(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var bytes = ByteBuffer()
        var endings = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var read = unwrapInboundIn(data)
            bytes.writeBuffer(&read)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { endings += 1 }
        }
    }

    @Test(
        "takes a request line of any method for HTTP",
        arguments: [
            "GET / HTTP/1.1\r\n", "POST /socket.io/?EIO=4 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n",
            "HEAD / HTTP/1.0\r\n",
            "PUT /a HTTP/1.1\r\n", "DELETE /a HTTP/1.1\r\n", "PATCH /a HTTP/1.1\r\n", "CONNECT /a HTTP/1.1\r\n",
            "TRACE / HTTP/1.1\r\n", "GET http://localhost/ HTTP/1.1\r\n",
        ])
    func http(line: String) throws {
        let connection = try Connection()
        try connection.send(line)
        #expect(connection.verdicts == [.http])
        #expect(connection.handedOn == line)
        #expect(!connection.isSniffing)
    }

    @Test("decides as early as it can, byte by byte, and loses none", arguments: ["GET /x", "PATCH /x", "OPTIONS *x"])
    func byteByByte(start: String) throws {
        let connection = try Connection()
        let target = try #require(start.firstIndex { $0 == "/" || $0 == "*" })
        for character in start[..<target] {
            try connection.send(String(character))
            #expect(connection.verdicts.isEmpty)
        }
        try connection.send(String(start[target]))
        #expect(connection.verdicts == [.http])
        try connection.send("x")
        #expect(connection.handedOn == start)
    }

    @Test(
        "takes anything else for raw as soon as it cannot become HTTP",
        arguments: [
            "hello\n", "{\"id\":1}\n", "get / HTTP/1.1", "GETTER", "GET x", "GE\n", "PUTS", "P\n", "\r\n", "GET\t/",
            "\u{0}\u{1}", "한국어",
        ])
    func raw(start: String) throws {
        let connection = try Connection()
        try connection.send(start)
        #expect(connection.verdicts == [.raw])
        #expect(connection.handedOn == start)
        #expect(!connection.isSniffing)
        try connection.send("more")
        #expect(connection.handedOn == start + "more")
    }

    @Test("waits while the bytes may become a request line", arguments: ["G", "GET", "GET ", "P", "PO", "PAT", "O"])
    func undecided(start: String) throws {
        let connection = try Connection()
        try connection.send(start)
        #expect(connection.verdicts.isEmpty && connection.isSniffing)
        connection.wait(.seconds(1))
        #expect(connection.verdicts == [.raw], "its patience is limited")
    }

    @Test("takes a client that stays silent for raw when its patience is over, and not before")
    func silence() throws {
        let connection = try Connection(patience: .seconds(3))
        connection.wait(.milliseconds(2_999))
        #expect(connection.verdicts.isEmpty)
        connection.wait(.milliseconds(1))
        #expect(connection.verdicts == [.raw])
        try connection.send("hello\n")
        #expect(connection.verdicts == [.raw])
        #expect(connection.handedOn == "hello\n")
        #expect(!connection.isSniffing)
    }

    @Test("hands on what came before its patience was over without waiting for more")
    func undecidedThenSilent() throws {
        let connection = try Connection()
        try connection.send("GE")
        connection.wait(.seconds(1))
        #expect(connection.handedOn == "GE")
        #expect(!connection.isSniffing)
        try connection.send("T / HTTP/1.1\r\n")
        #expect(connection.verdicts == [.raw])
        #expect(connection.handedOn == "GET / HTTP/1.1\r\n")
    }

    @Test("tells of a connection that speaks HTTP after its silence was taken for raw, and hands on its bytes")
    func lateHTTP() throws {
        let connection = try Connection()
        connection.wait(.seconds(1))
        #expect(connection.verdicts == [.raw])
        try connection.send("GET / HTTP/1.1\r\n")
        #expect(connection.verdicts == [.raw, .httpAfterSilence])
        #expect(connection.handedOn == "GET / HTTP/1.1\r\n")
        #expect(!connection.isSniffing)
    }

    @Test("the timer is gone once the first bytes have decided")
    func noLateVerdict() throws {
        let connection = try Connection()
        try connection.send("hello\n")
        connection.wait(.seconds(60))
        #expect(connection.verdicts == [.raw])
    }

    @Test("hands on a few bytes and the end of a client that half-closes behind them")
    func halfCloseAfterBytes() throws {
        let connection = try Connection()
        try connection.send("GE")
        connection.halfClose()
        #expect(connection.verdicts == [.raw])
        #expect(connection.handedOn == "GE")
        #expect(connection.endings == 1)
        #expect(!connection.isSniffing)
    }

    @Test("hands on the end of a client that sends nothing")
    func halfCloseAtOnce() throws {
        let connection = try Connection()
        connection.halfClose()
        #expect(connection.verdicts == [.raw])
        #expect(connection.endings == 1)
    }

    @Test("hands on the end of a client that was taken for silent")
    func halfCloseAfterSilence() throws {
        let connection = try Connection()
        connection.wait(.seconds(1))
        connection.halfClose()
        #expect(connection.verdicts == [.raw])
        #expect(connection.endings == 1)
    }

    @Test("closes a connection that cannot be served")
    func failure() throws {
        let connection = try Connection(failing: ChannelError.operationUnsupported)
        try connection.send("hello\n")
        #expect(!connection.channel.isActive)
    }

    @Test("a client that leaves before it spoke is forgotten")
    func disconnect() throws {
        let connection = try Connection()
        try connection.channel.close().wait()
        connection.wait(.seconds(60))
        #expect(connection.verdicts.isEmpty)
    }
}
