import JunctionFraming
import NIOCore
import Testing

/// Bytes on the wire, as the specifications give them.
@Suite("Frames on the wire", .timeLimit(.minutes(5)))
struct WireTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let framing: Framing
        let message: [UInt8]
        let frame: [UInt8]

        init(_ name: String, _ framing: Framing, _ message: [UInt8], _ frame: [UInt8]) {
            (self.name, self.framing, self.message, self.frame) = (name, framing, message, frame)
        }

        init(_ name: String, _ framing: Framing, _ message: String, _ frame: String) {
            self.init(name, framing, Array(message.utf8), Array(frame.utf8))
        }

        var testDescription: String { name }
    }

    private static let examples: [Example] =
        [
            Example("a line", .lines(), "hello", "hello\n"),
            Example("a delimiter", .delimiter("\r\n\r\n"), "hello\r", "hello\r\r\n\r\n"),
            Example("one delimiter byte", .delimiter([0x1E]), [1, 2], [1, 2, 0x1E]),
            // https://cr.yp.to/proto/netstrings.txt
            Example("the specification's netstring", .netstring(), "hello world!", "12:hello world!,"),
            Example("an empty netstring", .netstring(), "", "0:,"),
            Example("JSON", .jsonLines(), "{\n  \"a\": [1,\r\n 2]\n}", "{   \"a\": [1,   2] }\n"),
            Example("JSON on one line", .jsonLines(), #""a\nb""#, #""a\nb""# + "\n"),
        ] + binary + cobs

    private static let binary: [Example] = [
        // RFC 1055, section "Protocol": END, ESC and what stands for them.
        Example("SLIP", .slip(), [1, 0xC0, 2, 0xDB, 3], [0xC0, 1, 0xDB, 0xDC, 2, 0xDB, 0xDD, 3, 0xC0]),
        Example("SLIP, bytes that only look like escapes", .slip(), [0xDC, 0xDD], [0xC0, 0xDC, 0xDD, 0xC0]),
        Example("STX–ETX", .stxEtx(), "AT", "\u{2}AT\u{3}"),
        Example(
            "STX–ETX, escaped", .stxEtx(escaped: true), [2, 0x41, 3, 0x10], [2, 0x10, 2, 0x41, 0x10, 3, 0x10, 0x10, 3]),
        Example("fixed", .fixed(size: 3), [1, 2, 3], [1, 2, 3]),
        Example("one byte of length", .lengthPrefix(.oneByte), "abc", "\u{3}abc"),
        Example("two bytes, itself included", .lengthPrefix(.twoBytes, countsItself: true), [9], [0, 3, 9]),
        Example(
            "three bytes, little-endian", .lengthPrefix(.threeBytes, endianness: .little),
            Array(repeating: 7, count: 258),
            [2, 1, 0] + Array(repeating: 7, count: 258)),
        Example("four bytes", .lengthPrefix(), [1, 2], [0, 0, 0, 2, 1, 2]),
        Example(
            "eight bytes, little-endian, itself included",
            .lengthPrefix(.eightBytes, endianness: .little, countsItself: true), [5], [9, 0, 0, 0, 0, 0, 0, 0, 5]),
        Example("varint 0", .varint(), [], [0]),
        // https://protobuf.dev/programming-guides/encoding: 150 is 96 01.
        Example(
            "varint 150", .varint(), Array(repeating: 1, count: 150), [0x96, 0x01] + Array(repeating: 1, count: 150)),
    ]

    /// Cheshire and Baker, "Consistent Overhead Byte Stuffing", and the examples that have become customary.
    private static let cobs: [Example] = [
        Example(
            "COBS, the example of the paper", .cobs(),
            [0x45, 0x00, 0x00, 0x2C, 0x4C, 0x79, 0x00, 0x00, 0x40, 0x06, 0x4F, 0x37],
            [0x02, 0x45, 0x01, 0x04, 0x2C, 0x4C, 0x79, 0x01, 0x05, 0x40, 0x06, 0x4F, 0x37, 0]),
        Example("COBS, nothing", .cobs(), [], [1, 0]),
        Example("COBS, a zero", .cobs(), [0], [1, 1, 0]),
        Example("COBS, two zeros", .cobs(), [0, 0], [1, 1, 1, 0]),
        Example("COBS, a zero between", .cobs(), [0x11, 0x22, 0, 0x33], [3, 0x11, 0x22, 2, 0x33, 0]),
        Example("COBS, zeros at the end", .cobs(), [0x11, 0, 0, 0], [2, 0x11, 1, 1, 1, 0]),
        Example("COBS, 254 bytes", .cobs(), Array(1...254), [0xFF] + Array(1...254) + [0]),
        Example("COBS, a zero and 254 bytes", .cobs(), Array(0...254), [1, 0xFF] + Array(1...254) + [0]),
        Example("COBS, 255 bytes", .cobs(), Array(1...255), [0xFF] + Array(1...254) + [2, 0xFF, 0]),
        Example(
            "COBS, 254 bytes and a zero", .cobs(), Array(2...255) + [0], [0xFF] + Array(2...255) + [1, 1, 0]),
        Example(
            "COBS, 253 bytes, a zero and one more", .cobs(), Array(3...255) + [0, 1],
            [0xFE] + Array(3...255) + [2, 1, 0]),
    ]

    @Test("are as the specification has them", arguments: examples)
    func writes(example: Example) throws {
        var framer = example.framing.newFramer()
        var output = ByteBuffer(string: "before")
        try framer.frame(ByteBuffer(bytes: example.message), into: &output)
        #expect(output == ByteBuffer(bytes: Array("before".utf8) + example.frame))
    }

    @Test("are read as they were meant", arguments: examples)
    func reads(example: Example) throws {
        var framer = example.framing.newFramer()
        framer.append(ByteBuffer(bytes: example.frame + example.frame))
        var expected = ByteBuffer(bytes: example.message)
        if example.name == "JSON" { expected = ByteBuffer(bytes: example.frame.dropLast()) }
        #expect(try framer.next() == expected)
        #expect(try framer.next() == expected)
        #expect(try framer.next() == nil)
        #expect(try framer.flush() == nil)
    }

    /// What several inputs make of a stream: frames as text, errors by kind.
    private func read(_ bytes: [UInt8], _ framing: Framing) -> [String] {
        var framer = framing.newFramer()
        var outputs: [String] = []
        framer.append(ByteBuffer(bytes: bytes))
        while true {
            do throws(FramingError) {
                guard let frame = try framer.next() else { return outputs }
                outputs.append(String(buffer: frame))
            } catch {
                outputs.append("\(error.kind): \(error.message)\(error.isFatal ? " (fatal)" : "")")
            }
        }
    }

    private func read(_ text: String, _ framing: Framing) -> [String] { read(Array(text.utf8), framing) }

    @Test("SLIP ignores empty packets and reads on behind an invalid escape")
    func slip() {
        #expect(read([0xC0, 0xC0, 0x61, 0xC0, 0xC0, 0x62, 0xC0], .slip()) == ["a", "b"])
        let invalid = "malformed: a SLIP packet has an invalid escape"
        #expect(read([0x61, 0xDB, 0x61, 0xC0, 0x62, 0xC0], .slip()) == [invalid, "b"])
        #expect(read([0x61, 0xDB, 0xC0, 0x62, 0xC0], .slip()) == [invalid, "b"])
    }

    @Test("SLIP counts a packet without its escapes, and refuses one of escapes alone")
    func slipLength() {
        let stuffed: [UInt8] = [0xDB, 0xDC, 0xDB, 0xDD, 0xDB, 0xDC]
        #expect(read(stuffed + [0xC0], .slip(maximumLength: 3)).count == 1)
        let tooLong = "tooLong: a SLIP packet is longer than 2 bytes"
        #expect(read(stuffed, .slip(maximumLength: 2)) == [tooLong])
        #expect(read([0x61, 0x61, 0x61], .slip(maximumLength: 2)) == [tooLong])
        #expect(read(Array(repeating: 0xDB, count: 6), .slip(maximumLength: 2)) == [tooLong])
    }

    @Test("SLIP refuses to write an empty message, which no receiver would deliver")
    func slipEmpty() {
        var (framer, output) = (Framing.slip().newFramer(), ByteBuffer())
        #expect(throws: FramingError(.malformed, "SLIP cannot carry an empty message")) {
            try framer.frame(ByteBuffer(), into: &output)
        }
    }

    @Test("COBS ignores zeros between packets, takes a redundant code, and reads on behind an invalid one")
    func cobsReading() {
        #expect(read([0, 0, 2, 0x61, 0, 0, 2, 0x62, 0], .cobs()) == ["a", "b"])
        // The encoder of the paper ends a full run with a code of its own.
        let run = Array(repeating: UInt8(ascii: "x"), count: 254)
        #expect(read([0xFF] + run + [1, 0], .cobs()) == [String(repeating: "x", count: 254)])
        let invalid = "malformed: a COBS code points beyond the end of its packet"
        #expect(read([3, 0x61, 0, 2, 0x62, 0], .cobs()) == [invalid, "b"])
        #expect(read([2, 0x61, 0x09, 0, 2, 0x62, 0], .cobs()) == [invalid, "b"])
        #expect(
            read([1, 1, 1, 1, 0, 2, 0x62, 0], .cobs(maximumLength: 2)) == [
                "tooLong: a COBS packet is longer than 2 bytes", "b",
            ])
    }

    @Test("STX–ETX skips what stands between messages, up to the maximum")
    func betweenMessages() {
        #expect(read("\r\n\u{2}a\u{3}\r\n\u{2}b\u{3}\r\n", .stxEtx(maximumLength: 4)) == ["a", "b"])
        let lost = "malformed: no STX within 4 bytes"
        #expect(read("12345\u{2}a\u{3}", .stxEtx(maximumLength: 4)) == [lost, "a"])
        #expect(read("1234567890", .stxEtx(maximumLength: 4)) == [lost])
    }

    @Test("STX–ETX begins a new message at an STX and reads on behind an invalid escape")
    func insideMessages() {
        #expect(read("\u{2}a\u{2}b\u{3}", .stxEtx()) == ["malformed: an STX inside a message", "b"])
        #expect(read("\u{2}a\u{10}\u{2}b\u{3}", .stxEtx(escaped: true)) == ["a\u{2}b"])
        #expect(
            read("\u{2}a\u{10}x\u{10}\u{2}\u{2}b\u{3}", .stxEtx(escaped: true)) == [
                "malformed: a DLE before a byte that needs none", "b",
            ])
        #expect(read("\u{2}\u{10}\u{3}", .stxEtx()) == ["\u{10}"], "DLE is a byte like any other without escapes")
    }

    @Test("messages that contain the framing's own bytes are refused where it has no escapes")
    func ownBytes() {
        for (framing, message) in [
            (Framing.stxEtx(), "a\u{2}"), (.stxEtx(), "\u{3}a"), (.delimiter("##"), "a##b"), (.delimiter("##"), "a#"),
            (.fixed(size: 2), "a"), (.jsonLines(), "no JSON"), (.jsonLines(), "\"a\nb\""), (.jsonLines(), " "),
        ] {
            var (framer, output) = (framing.newFramer(), ByteBuffer(string: "before"))
            let error = #expect(throws: FramingError.self) {
                try framer.frame(ByteBuffer(string: message), into: &output)
            }
            #expect(error?.kind == .malformed)
            #expect(output == ByteBuffer(string: "before"))
        }
    }

    @Test("a length that is none is fatal, and nothing is read behind it")
    func fatalLengths() {
        let tooShort = "malformed: a length of 1 bytes cannot count its own 2 (fatal)"
        #expect(read([0, 1, 0, 3, 9], .lengthPrefix(.twoBytes, countsItself: true)) == [tooShort])
        let tooWide = "malformed: a varint has more than 64 bits (fatal)"
        #expect(read(Array(repeating: 0xFF, count: 9) + [2, 1, 1], .varint()) == [tooWide])
        #expect(read(Array(repeating: 0x80, count: 10), .varint()) == [tooWide])
        let noLength = "malformed: a netstring does not begin with its length (fatal)"
        for text in ["x", ":", "01:a,", "1 :a,", "-1:"] { #expect(read(text, .netstring()) == [noLength]) }
        #expect(read("1:ab1:c,", .netstring()) == ["malformed: the byte behind a message is wrong (fatal)"])
        let tooGreat = "malformed: the length of a netstring has more than 64 bits (fatal)"
        #expect(read("18446744073709551616:", .netstring()) == [tooGreat])
    }

    @Test("a length of 64 bits is refused like any other that is too long")
    func greatLengths() {
        let tooLong = "tooLong: a message is longer than 1048576 bytes"
        #expect(read(Array(repeating: 0xFF, count: 8) + [1, 2, 3], .lengthPrefix(.eightBytes)) == [tooLong])
        #expect(read(Array(repeating: 0xFF, count: 9) + [1, 5], .varint()) == [tooLong])
        #expect(read("18446744073709551615:x", .netstring()) == [tooLong])
    }

    @Test("varints longer than they need be are taken, as in Protocol Buffers")
    func longVarints() {
        #expect(read([0x81, 0x80, 0x00, 0x61], .varint()) == ["a"])
    }

    @Test("a message that a length prefix cannot say is refused")
    func prefixTooNarrow() {
        var (framer, output) = (Framing.lengthPrefix(.oneByte, countsItself: true).newFramer(), ByteBuffer())
        #expect(throws: FramingError(.tooLong, "a message of 255 bytes does not fit into a frame of at most 254")) {
            try framer.frame(ByteBuffer(repeating: 0, count: 255), into: &output)
        }
        #expect(throws: Never.self) { try framer.frame(ByteBuffer(repeating: 0, count: 254), into: &output) }
        #expect(output.readableBytes == 255)
    }

    @Test("JSON lines skips blank lines and reads on behind a line that is not JSON")
    func jsonLines() {
        #expect(read("\n \t\r\n{\"a\":1}\r\n[]\n", .jsonLines()) == ["{\"a\":1}", "[]"])
        #expect(
            read("nope\n1\n{} {}\n2\n", .jsonLines()) == [
                "malformed: not JSON: a byte that JSON does not allow here, at byte 1", "1",
                "malformed: not JSON: bytes after the end of the JSON text, at byte 3", "2",
            ])
        let deep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
        #expect(read(deep + "\n", .jsonLines()) == ["malformed: not JSON: JSON nested too deeply, at byte 128"])
    }

    @Test("an unfinished JSON line is delivered if it is JSON")
    func jsonFlush() throws {
        var framer = Framing.jsonLines().newFramer()
        framer.append(ByteBuffer(string: "[1]"))
        #expect(try framer.next() == nil)
        #expect(try framer.flush() == ByteBuffer(string: "[1]"))
        framer.append(ByteBuffer(string: "[1"))
        #expect(try framer.next() == nil)
        #expect(throws: FramingError(.truncated, "the stream stopped in the middle of a JSON text")) {
            try framer.flush()
        }
        #expect(try framer.flush() == nil)
    }
}
