import JunctionCore
import NIOCore
import TestSupport
import Testing

@testable import JunctionTCP

@Suite("Lines")
struct LineFramerTests {
    /// What a framer made of its input: whole lines, the unfinished one at the end, and the error that ended it.
    private struct Outcome: Equatable {
        var lines: [String] = []
        var rest: String?
        var error: NetworkError.Code?
    }

    /// Feeds `pieces` one after another and takes everything each time.
    private func frame(_ pieces: [some Sequence<UInt8>], maximumLength: Int = 65_536) -> Outcome {
        var framer = LineFramer(maximumLength: maximumLength)
        var outcome = Outcome()
        do {
            for piece in pieces {
                framer.append(ByteBuffer(bytes: piece))
                while let line = try framer.next() { outcome.lines.append(String(buffer: line)) }
            }
            outcome.rest = framer.flush().map { String(buffer: $0) }
        } catch {
            outcome.error = (error as? NetworkError)?.code
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
        #expect(framer.flush() == ByteBuffer(string: "abc"))
        #expect(framer.flush() == nil)
        framer.append(ByteBuffer(string: "de\n"))
        #expect(try framer.next() == ByteBuffer(string: "de"))
    }

    @Test("takes a line of just the maximum length, with either ending, and none longer")
    func maximumLength() {
        #expect(frame("12345\n12345\r\n", maximumLength: 5) == Outcome(lines: ["12345", "12345"]))
        #expect(frame("12345", maximumLength: 5) == Outcome(rest: "12345"))
        #expect(frame("ok\n123456\n", maximumLength: 5) == Outcome(lines: ["ok"], error: .frameTooLong))
        #expect(frame("123456", maximumLength: 5).error == .frameTooLong)
        #expect(frame(["12345".utf8, "\r".utf8, "\n".utf8], maximumLength: 5) == Outcome(lines: ["12345"]))
        #expect(frame(["12345".utf8, "\r".utf8, "6".utf8], maximumLength: 5).error == .frameTooLong)
    }

    @Test("makes the same lines of the same bytes, however they are cut", arguments: 0..<200 as Range<UInt64>)
    func anyCut(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ab\n\n\r\r\n".utf8)
        let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator) ?? 0
        }
        let maximumLength = Int.random(in: 3...40, using: &generator)
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Int.random(in: 1...min(9, rest.count), using: &generator)
            pieces.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        #expect(
            frame(pieces, maximumLength: maximumLength) == frame([bytes], maximumLength: maximumLength))
    }

    @Test("holds no more than the unfinished line, however long the connection lives")
    func memory() throws {
        var framer = LineFramer(maximumLength: 1_000)
        framer.append(ByteBuffer(string: "begin"))
        for _ in 0..<10_000 {
            framer.append(ByteBuffer(string: "end\nbegin"))
            let line = try #require(try framer.next())
            #expect(line == ByteBuffer(string: "beginend"))
            #expect(line.storageCapacity < 1_000)
        }
    }

    @Test("writes each message as a line")
    func writes() {
        let framer = LineFramer(maximumLength: 10)
        var output = ByteBuffer(string: "before ")
        framer.frame(ByteBuffer(string: "line"), into: &output)
        framer.frame(ByteBuffer(), into: &output)
        #expect(String(buffer: output) == "before line\n\n")
    }
}
