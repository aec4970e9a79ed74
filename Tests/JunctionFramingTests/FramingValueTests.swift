import JunctionFraming
import NIOCore
import Testing

@Suite("A framing", .timeLimit(.minutes(5)))
struct FramingValueTests {
    @Test("ends connections at a violation unless told to skip it")
    func violations() {
        #expect(Framing.lines().violations == .close)
        #expect(Framing.lines().onViolation(.skip).violations == .skip)
        #expect(Framing.raw.violations == .close)
    }

    @Test("is flushed when idle only where that is asked for or is its nature")
    func idleFlush() {
        #expect(Framing.lines().idleFlush == nil)
        #expect(Framing.lines(flushingAfter: .milliseconds(5)).idleFlush == .milliseconds(5))
        #expect(Framing.fixed(size: 2).flushing(after: .seconds(1)).idleFlush == .seconds(1))
        #expect(Framing.idleGap(.milliseconds(4)).idleFlush == .milliseconds(4))
        #expect(Framing.raw.makeFramer == nil)
    }

    @Test("makes a framer for streams that are no connections, raw ones included")
    func newFramer() throws {
        var framer = Framing.raw.newFramer()
        framer.append(ByteBuffer(string: "a\n"))
        #expect(try framer.next() == ByteBuffer(string: "a\n"))
        #expect(try framer.next() == nil)
        #expect(try framer.flush() == nil)
        var output = ByteBuffer()
        try framer.frame(ByteBuffer(string: "b"), into: &output)
        #expect(output == ByteBuffer(string: "b"))
    }

    @Test("makes a framer of its own for each stream")
    func independent() throws {
        let framing = Framing.lines()
        var (first, second) = (framing.newFramer(), framing.newFramer())
        first.append(ByteBuffer(string: "a"))
        second.append(ByteBuffer(string: "b\n"))
        #expect(try second.next() == ByteBuffer(string: "b"))
        #expect(try first.flush() == ByteBuffer(string: "a"))
    }

    @Test("reports its violations as network errors with codes of their own")
    func networkErrors() {
        let tooLong = NetworkError(FramingError(.tooLong, "a line is longer than 8 bytes"), doing: "read")
        #expect(tooLong.description == "ERR_FRAME_TOO_LONG: read: a line is longer than 8 bytes")
        #expect(
            NetworkError(FramingError(.malformed, "an STX inside a message"), doing: "read").code == .malformedFrame)
        #expect(NetworkError(FramingError(.truncated, "the stream stopped"), doing: "read").code == .malformedFrame)
    }
}
