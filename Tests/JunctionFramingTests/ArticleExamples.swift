import JunctionFraming
import NIOCore
import Testing

/// The code of the article on framing, so that it goes on to compile and to do what the article says.
@Suite("The examples of the article", .timeLimit(.minutes(5)))
struct ArticleExamples {
    @Test("work without sockets")
    func withoutSockets() throws {
        var framer = Framing.cobs().newFramer()
        framer.append(ByteBuffer(bytes: [3, 0x11, 0x22, 2, 0x33, 0]))
        var frames: [ByteBuffer] = []
        while let frame = try framer.next() { frames.append(frame) }
        #expect(frames == [ByteBuffer(bytes: [0x11, 0x22, 0, 0x33])])

        var output = ByteBuffer()
        try framer.frame(ByteBuffer(string: "answer"), into: &output)
        #expect(output == ByteBuffer(bytes: [7] + Array("answer".utf8) + [0]))
    }

    @Test("combine policies")
    func policies() {
        let sensors = Framing.fixed(size: 12).flushing(after: .milliseconds(50)).onViolation(.skip)
        #expect(sensors.violations == .skip)
        #expect(Framing.slip(maximumLength: 1_500).onViolation(.skip).violations == .skip)
    }
}
