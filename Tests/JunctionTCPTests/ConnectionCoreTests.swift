import JunctionCore
import JunctionTransport
import NIOCore
import NIOEmbedded
import Testing

@testable import JunctionTCP

@Suite("State of a TCP connection")
struct ConnectionCoreTests {
    /// A connection in memory; the kernel's side of it is the test's.
    private final class Connection {
        let channel: EmbeddedChannel
        let core: ConnectionCore
        /// How often the kernel was asked for input, and given output.
        var reads: Int { kernel.reads }
        var flushes: Int { kernel.flushes }

        private let kernel = Kernel()

        init(framing: Framing = .raw, highWaterMark: Int = 100, inline: InlineHandlers? = nil) throws {
            channel = EmbeddedChannel(handler: kernel)
            var configuration = TCPConnection.Configuration()
            configuration.highWaterMark = highWaterMark
            core = ConnectionCore(
                executor: .of(channel.eventLoop), settings: ConnectionSettings(framing: framing, configuration))
            core.inline = inline
            try channel.pipeline.syncOperations.addHandler(core)
            try channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 4711)).wait()
        }

        /// A read of the kernel brings `text`; then the channel asks for the next one, as it does with automatic reads.
        func receive(_ text: String) throws {
            try channel.writeInbound(ByteBuffer(string: text))
            channel.read()
        }

        func halfClose() { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }

        func turn(_ body: () throws -> Void) throws {
            var result = Result<Void, any Error>.success(())
            LoopExecutor.of(channel.eventLoop).turn { result = Result { try body() } }
            try result.get()
        }

        enum Taken: Equatable {
            case message(String)
            case end
            case wait
        }

        func take() throws -> Taken {
            switch try core.takeMessage() {
            case .some(.some(let message)): .message(String(buffer: message))
            case .some(.none): .end
            case .none: .wait
            }
        }

        func sent() throws -> String {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text
        }
    }

    private final class Kernel: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        var reads = 0
        var flushes = 0

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }

        func flush(context: ChannelHandlerContext) {
            flushes += 1
            context.flush()
        }
    }

    // MARK: Reading

    @Test("hands out what came, in order, and the end behind it")
    func order() throws {
        let connection = try Connection()
        #expect(try connection.take() == .wait)
        try connection.receive("a")
        try connection.receive("b")
        connection.halfClose()
        #expect(try connection.take() == .message("a"))
        #expect(try connection.take() == .message("b"))
        #expect(try connection.take() == .end)
        #expect(try connection.take() == .end)
    }

    @Test("asks the kernel for no more while the reader is behind, and once when it has caught up")
    func holdsReading() throws {
        let connection = try Connection(highWaterMark: 200)
        let message = String(repeating: "a", count: 100)
        try connection.receive(message)
        #expect(connection.reads == 1)
        try connection.receive(message)
        #expect(connection.reads == 1, "held")
        #expect(try connection.take() == .message(message))
        #expect(connection.reads == 2)
        #expect(try connection.take() == .message(message))
        #expect(connection.reads == 2)
    }

    @Test("counts empty messages, which take memory, too")
    func emptyMessages() throws {
        let connection = try Connection(framing: .lines(), highWaterMark: 1_000)
        try connection.receive(String(repeating: "\n", count: 1_000))
        #expect(connection.reads == 0)
        for _ in 0..<1_000 { #expect(try connection.take() == .message("")) }
        #expect(connection.reads == 1)
    }

    @Test("an inline connection whose peer does not read is given no more input until it does")
    func inlineHoldsReading() throws {
        let connection = try Connection(inline: InlineHandlers(onMessage: { _ in }, onEnd: {}, onClose: { _ in }))
        connection.channel.isWritable = false
        connection.channel.pipeline.fireChannelWritabilityChanged()
        try connection.receive("a")
        #expect(connection.reads == 0)
        connection.channel.isWritable = true
        connection.channel.pipeline.fireChannelWritabilityChanged()
        #expect(connection.reads == 1)
    }

    @Test("hands out the lines before one that is too long, then the error, and nothing of what broke the framing")
    func tooLong() throws {
        let connection = try Connection(framing: .lines(maximumLength: 3))
        try connection.receive("ok\nlong\nmore\n")
        #expect(try connection.take() == .message("ok"))
        for _ in 0..<2 {
            let error = #expect(throws: NetworkError.self) { try connection.take() }
            #expect(error?.code == .frameTooLong)
        }
        #expect(!connection.channel.isActive)
    }

    @Test("counts the violations that it skips")
    func skippedViolations() throws {
        let connection = try Connection(framing: .lines(maximumLength: 3).onViolation(.skip))
        try connection.receive("ok\nlong\nlonger\nend\n")
        #expect(try connection.take() == .message("ok"))
        #expect(try connection.take() == .message("end"))
        #expect(try connection.take() == .wait)
        #expect(connection.core.skippedViolations == 2)
    }

    @Test("a pause in the middle of a frame brings a fixed size into step again")
    func pause() throws {
        let framing = Framing.fixed(size: 3).flushing(after: .milliseconds(50))
        let skipping = try Connection(framing: framing.onViolation(.skip))
        try skipping.receive("ab")
        skipping.channel.embeddedEventLoop.advanceTime(by: .milliseconds(49))
        try skipping.receive("cx")
        #expect(try skipping.take() == .message("abc"), "49 ms are no pause")
        skipping.channel.embeddedEventLoop.advanceTime(by: .milliseconds(50))
        try skipping.receive("def")
        #expect(try skipping.take() == .message("def"))
        #expect(skipping.core.skippedViolations == 1)

        let strict = try Connection(framing: framing)
        try strict.receive("ab")
        strict.channel.embeddedEventLoop.advanceTime(by: .milliseconds(50))
        let error = #expect(throws: NetworkError.self) { try strict.take() }
        #expect(error?.code == .malformedFrame)
        #expect(!strict.channel.isActive)
    }

    @Test("draining ends the input behind what has come, the unfinished line included")
    func drain() throws {
        let connection = try Connection(framing: .lines())
        try connection.receive("line\nrest")
        connection.core.beginDrain()
        try connection.receive("more\n")
        #expect(try connection.take() == .message("line"))
        #expect(try connection.take() == .message("rest"))
        #expect(try connection.take() == .end)
        try connection.core.write(ByteBuffer(string: "bye"))
        connection.core.close(.localClosed)
        #expect(try connection.sent() == "bye\n")
    }

    @Test("an unfinished line is delivered when the connection falls idle, and only where that is asked for")
    func idle() throws {
        let connection = try Connection(framing: .lines(flushingAfter: .seconds(2)))
        try connection.receive("be")
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        try connection.receive("gin")
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try connection.take() == .wait, "each byte starts the time anew")
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try connection.take() == .message("begin"))

        let patient = try Connection(framing: .lines())
        try patient.receive("begin")
        patient.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(try patient.take() == .wait)
    }

    // MARK: Writing

    @Test("what is written in one turn leaves together, in order")
    func gathers() throws {
        let connection = try Connection(framing: .lines())
        try connection.turn {
            for text in ["a", "b", "c"] { try connection.core.write(ByteBuffer(string: text)) }
            #expect(connection.flushes == 0)
        }
        #expect(connection.flushes == 1)
        #expect(try connection.sent() == "a\nb\nc\n")
    }

    @Test("what an inline handler writes while it is given a read leaves together")
    func inlineGathers() throws {
        var core: ConnectionCore?
        let connection = try Connection(
            framing: .lines(),
            inline: InlineHandlers(onMessage: { try? core?.write($0) }, onEnd: {}, onClose: { _ in }))
        core = connection.core
        try connection.receive("a\nb\nc\n")
        #expect(connection.flushes == 1)
        #expect(try connection.sent() == "a\nb\nc\n")
    }

    // MARK: Ending

    @Test("refuses writes once it is closed, and says why it closed")
    func writeAfterClose() throws {
        let connection = try Connection()
        #expect(connection.core.isOpen)
        connection.core.close(.shutdown)
        connection.core.close(.localClosed)
        let error = #expect(throws: NetworkError.self) { try connection.core.write(ByteBuffer(string: "late")) }
        #expect(error?.message == "write: the connection is closed (the server is shutting down)")
        #expect(!connection.core.isOpen)
    }

    @Test("an inline connection hears of the end of input and of the close once each")
    func inlineEnd() throws {
        var events: [String] = []
        let connection = try Connection(
            framing: .lines(),
            inline: InlineHandlers(
                onMessage: { events.append(String(buffer: $0)) }, onEnd: { events.append("end") },
                onClose: { events.append("\($0)") }))
        try connection.receive("rest")
        connection.halfClose()
        connection.core.finish()
        #expect(events == ["rest", "end", "closed by the peer"])
    }

    @Test("nothing reaches an inline handler after it closed the connection")
    func inlineClosed() throws {
        var lines: [String] = []
        var core: ConnectionCore?
        let connection = try Connection(
            framing: .lines(),
            inline: InlineHandlers(
                onMessage: {
                    lines.append(String(buffer: $0))
                    core?.close(.localClosed)
                },
                onEnd: {}, onClose: { _ in }))
        core = connection.core
        try connection.receive("a\nb\n")
        #expect(lines == ["a"])
    }
}
