import NIOCore
import Testing

@testable import JunctionFraming

@Suite("Lines", .timeLimit(.minutes(5)))
struct LineFramerTests {
    /// What a framer made of its input: whole lines, the unfinished one at the end, and the error that ended it.
    private struct Outcome: Equatable {
        var lines: [String] = []
        var rest: String?
        var error: FramingError.Kind?
    }

    /// Feeds `pieces` one after another and takes everything each time.
    private func frame(_ pieces: [some Sequence<UInt8>], maximumLength: Int = 65_536) -> Outcome {
        var framer = LineFramer(maximumLength: maximumLength)
        var outcome = Outcome()
        do throws(FramingError) {
            for piece in pieces {
                framer.append(ByteBuffer(bytes: piece))
                while let line = try framer.next() { outcome.lines.append(String(buffer: line)) }
            }
            outcome.rest = try framer.flush().map { String(buffer: $0) }
        } catch {
            outcome.error = error.kind
        }
        return outcome
    }

    private func frame(_ text: String, maximumLength: Int = 65_536) -> Outcome {
        frame([Array(text.utf8)], maximumLength: maximumLength)
    }

    @Test("ends lines at LF and CRLF, and at nothing else")
    func endings() {
        #expect(frame("a\nb\r\nc\n") == Outcome(lines: ["a", "b", "c"]))
        #expect(frame("a\rb\n") == Outcome(lines: ["a\rb"]))
        #expect(frame("a\r\r\n") == Outcome(lines: ["a\r"]))
        #expect(frame("\n\r\n\n") == Outcome(lines: ["", "", ""]))
        #expect(frame("가\u{2028}나\n") == Outcome(lines: ["가\u{2028}나"]))
    }

    @Test("keeps an unfinished line until its end or a flush")
    func unfinished() {
        #expect(frame("a\nrest") == Outcome(lines: ["a"], rest: "rest"))
        #expect(frame("a\n") == Outcome(lines: ["a"]))
        #expect(frame("a\r") == Outcome(rest: "a"))
        #expect(frame("") == Outcome())
    }

    @Test("goes on with the next line after a flush")
    func afterFlush() throws {
        var framer = LineFramer(maximumLength: 10)
        framer.append(ByteBuffer(string: "abc"))
        #expect(try framer.next() == nil)
        #expect(try framer.flush() == ByteBuffer(string: "abc"))
        #expect(try framer.flush() == nil)
        framer.append(ByteBuffer(string: "de\n"))
        #expect(try framer.next() == ByteBuffer(string: "de"))
    }

    @Test("takes a line of just the maximum length, with either ending, and none longer")
    func maximumLength() {
        #expect(frame("12345\n12345\r\n", maximumLength: 5) == Outcome(lines: ["12345", "12345"]))
        #expect(frame("12345", maximumLength: 5) == Outcome(rest: "12345"))
        #expect(frame("ok\n123456\n", maximumLength: 5) == Outcome(lines: ["ok"], error: .tooLong))
        #expect(frame("123456", maximumLength: 5).error == .tooLong)
        #expect(frame(["12345".utf8, "\r".utf8, "\n".utf8], maximumLength: 5) == Outcome(lines: ["12345"]))
        #expect(frame(["12345".utf8, "\r".utf8, "6".utf8], maximumLength: 5).error == .tooLong)
    }

    @Test("writes each message as a line")
    func writes() throws {
        var framer = LineFramer(maximumLength: 10)
        var output = ByteBuffer(string: "before ")
        try framer.frame(ByteBuffer(string: "line"), into: &output)
        try framer.frame(ByteBuffer(), into: &output)
        #expect(String(buffer: output) == "before line\n\n")
    }

    @Test("writes a message with line breaks in it as several lines, each of which may have the maximum length")
    func severalLines() throws {
        var framer = LineFramer(maximumLength: 5)
        var output = ByteBuffer()
        try framer.frame(ByteBuffer(string: "12345\n12345"), into: &output)
        #expect(String(buffer: output) == "12345\n12345\n")
        #expect(throws: FramingError(.tooLong, "a message of 6 bytes does not fit into a frame of at most 5")) {
            try framer.frame(ByteBuffer(string: "1\n123456\n1"), into: &output)
        }
    }
}
