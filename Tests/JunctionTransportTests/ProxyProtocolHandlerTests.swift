import JunctionCore
import NIOCore
import NIOEmbedded
import Testing

@testable import JunctionTransport

@Suite("Reading the PROXY header of an accepted connection")
struct ProxyProtocolHandlerTests {
    /// An accepted connection, and what became of it.
    private final class Connection {
        let channel = EmbeddedChannel()
        /// What it was served with; `.some(nil)` for a connection without a header.
        private(set) var served: [ProxyHeader?] = []
        private(set) var refusals: [NetworkError] = []
        private let recorder = Recorder()

        init(
            from sender: String = "10.0.0.2", failing: (any Error)? = nil,
            _ set: (inout ProxyProtocol) -> Void = { _ in }
        ) throws {
            var configuration = ProxyProtocol { $0.ipAddress == "10.0.0.2" }
            set(&configuration)
            channel.allowRemoteHalfClosure = true
            let address = try SocketAddress(ipAddress: sender, port: 7)
            channel.remoteAddress = address
            try ProxyProtocolHandler.install(
                on: channel, configuration,
                serve: { [unowned self] header, channel in
                    served.append(header)
                    if let failing { throw failing }
                    try channel.pipeline.syncOperations.addHandler(recorder)
                },
                refused: { [unowned self] in refusals.append($0) })
            if refusals.isEmpty { try channel.connect(to: address).wait() }
        }

        var handedOn: String { String(buffer: recorder.bytes) }
        var endings: Int { recorder.endings }
        var isReadingHeader: Bool {
            (try? channel.pipeline.syncOperations.handler(type: ProxyProtocolHandler.self)) != nil
        }

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

    private static let line = "PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\n"

    @Test("serves a connection with the client's address, and with the bytes behind the header")
    func header() throws {
        let connection = try Connection()
        try connection.send(Self.line + "hello")
        #expect(connection.served.map { $0?.source?.text } == ["192.0.2.7:5000"])
        #expect(connection.served.first??.destination?.text == "192.0.2.1:443")
        #expect(connection.handedOn == "hello")
        #expect(!connection.isReadingHeader)
        try connection.send(Self.line)
        #expect(connection.handedOn == "hello" + Self.line, "a second header is data")
        connection.wait(.seconds(60))
        #expect(connection.refusals.isEmpty && connection.channel.isActive)
    }

    @Test("serves nothing before the header is complete, however it is cut")
    func byteByByte() throws {
        let connection = try Connection()
        for character in Self.line.unicodeScalars.dropLast() {
            try connection.send(String(character))
            #expect(connection.served.isEmpty)
        }
        try connection.send("\n")
        #expect(connection.served.count == 1)
        #expect(connection.handedOn.isEmpty)
        try connection.send("hello")
        #expect(connection.handedOn == "hello")
    }

    @Test("a connection that the proxy opens for itself is served without another address")
    func local() throws {
        let connection = try Connection()
        try connection.channel.writeInbound(ProxyHeader.local.encoded())
        #expect(connection.served == [.local])
    }

    @Test(
        "closes a connection that lies, and says why",
        arguments: [
            ("GET / HTTP/1.1\r\n", "the connection does not begin with a header"),
            ("PROXY TCP4 nonsense\r\n", "the line has 3 fields instead of 6"),
            (
                "PROXY UNKNOWN " + String(repeating: "x", count: 200), "the line has no end within 107 bytes"
            ),
            ("\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\u{7F}\u{7F}", "the header has 32655 bytes, more than 4096"),
        ])
    func lies(text: String, reason: String) throws {
        let connection = try Connection()
        try connection.send(text)
        #expect(connection.refusals.map(\.description) == ["ERR_PROXY_PROTOCOL: PROXY protocol: \(reason)"])
        #expect(connection.refusals.first?.address?.text == "10.0.0.2:7")
        #expect(connection.served.isEmpty)
        #expect(!connection.channel.isActive)
    }

    @Test("closes a connection whose header is not complete in time, and not before", arguments: ["", "PROXY TCP4"])
    func timeout(start: String) throws {
        let connection = try Connection { $0.headerTimeout = .seconds(3) }
        connection.wait(.milliseconds(2_999))
        try connection.send(start)
        #expect(connection.refusals.isEmpty && connection.channel.isActive)
        connection.wait(.milliseconds(1))
        #expect(connection.refusals.map(\.message) == ["PROXY protocol: no header within 3000 ms"])
        #expect(!connection.channel.isActive)
    }

    @Test("closes a connection whose client ends its side before the header is complete")
    func halfClose() throws {
        let connection = try Connection()
        try connection.send("PROXY TCP4")
        connection.halfClose()
        #expect(connection.refusals.map(\.message) == ["PROXY protocol: the connection ended before its header"])
        #expect(!connection.channel.isActive)
    }

    @Test("a client that leaves before its header is complete is forgotten")
    func disconnect() throws {
        let connection = try Connection()
        try connection.channel.close().wait()
        connection.wait(.seconds(60))
        #expect(connection.refusals.isEmpty && connection.served.isEmpty)
    }

    @Test("closes a connection from an address that is not trusted")
    func untrusted() throws {
        let connection = try Connection(from: "10.0.0.3")
        #expect(
            connection.refusals.map(\.message) == ["PROXY protocol: 10.0.0.3:7 is not trusted to send a header"])
        #expect(connection.served.isEmpty)
        #expect(!connection.channel.isActive)
    }

    @Test("serves an address that is not trusted as it is, if so configured: a header is data then")
    func untrustedWithoutHeader() throws {
        let connection = try Connection(from: "10.0.0.3") { $0.untrusted = .serveWithoutHeader }
        #expect(connection.served == [nil])
        try connection.send(Self.line)
        #expect(connection.handedOn == Self.line)
        #expect(connection.refusals.isEmpty)
    }

    @Test("serves a trusted connection without a header where none is required", arguments: ["GET /", "hello"])
    func optional(text: String) throws {
        let connection = try Connection { $0.requirement = .optional }
        try connection.send(text)
        #expect(connection.served == [nil])
        #expect(connection.handedOn == text)
        #expect(!connection.isReadingHeader)
    }

    @Test("hands on what was only the beginning of a header when none is required", arguments: ["", "PROXY TCP4"])
    func optionalAndSilent(start: String) throws {
        let silent = try Connection { $0.requirement = .optional }
        try silent.send(start)
        silent.wait(.seconds(5))
        #expect(silent.served == [nil])
        #expect(silent.handedOn == start)
        let ended = try Connection { $0.requirement = .optional }
        try ended.send(start)
        ended.halfClose()
        #expect(ended.served == [nil])
        #expect(ended.handedOn == start)
        #expect(ended.endings == 1)
    }

    @Test("refuses a malformed header also where none is required")
    func optionalAndMalformed() throws {
        let connection = try Connection { $0.requirement = .optional }
        try connection.send("PROXY TCP4 nonsense\r\n")
        #expect(connection.refusals.count == 1)
        #expect(connection.served.isEmpty)
    }

    @Test("refuses a version that is not accepted, and a header beyond the limit")
    func versionsAndLimit() throws {
        let connection = try Connection { $0.versions = [.v2] }
        try connection.send(Self.line)
        #expect(connection.refusals.count == 1)
        let limited = try Connection { $0.maximumHeaderLength = 15 }
        try limited.channel.writeInbound(ProxyHeader.local.encoded())
        #expect(limited.refusals.map(\.message) == ["PROXY protocol: the header has 16 bytes, more than 15"])
    }

    @Test("closes a connection that cannot be served")
    func failure() throws {
        let connection = try Connection(failing: ChannelError.operationUnsupported)
        try connection.send(Self.line + "hello")
        #expect(!connection.channel.isActive)
        #expect(connection.handedOn.isEmpty)
    }
}
