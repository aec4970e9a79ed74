import JSONText
import NIOCore

/// One JSON value a line.
struct JSONLineFramer: MemoryReportingFramer {
    private var lines: LineFramer

    init(maximumLength: Int) { lines = LineFramer(maximumLength: maximumLength) }

    var heldBytes: Int { lines.heldBytes }

    mutating func append(_ bytes: ByteBuffer) { lines.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        while let line = try lines.next() {
            if Self.isBlank(line) { continue }
            try Self.check(line)
            return line
        }
        return nil
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        guard let rest = try lines.flush(), !Self.isBlank(rest) else { return nil }
        try Self.check(rest, isUnfinished: true)
        return rest
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= lines.maximumLength else { throw .message(of: length, over: lines.maximumLength) }
        try Self.check(message)
        let start = output.writerIndex
        try lines.frame(message, into: &output)
        guard message.contains(UInt8(ascii: "\n")) || message.contains(UInt8(ascii: "\r")) else { return }
        let offset = start - output.readerIndex
        output.withUnsafeMutableReadableBytes { bytes in
            for index in offset..<(offset + length)
            where bytes[index] == UInt8(ascii: "\n") || bytes[index] == UInt8(ascii: "\r") {
                bytes[index] = UInt8(ascii: " ")
            }
        }
    }

    private static func isBlank(_ line: ByteBuffer) -> Bool {
        var end = 0
        line.readableBytesSpan.skipWhitespace(&end)
        return end == line.readableBytes
    }

    private static func check(_ text: ByteBuffer, isUnfinished: Bool = false) throws(FramingError) {
        do throws(JSONSyntaxError) {
            try text.readableBytesSpan.validateJSON(from: 0, maxDepth: RawSpan.maxJSONDepth)
        } catch {
            if isUnfinished, error.reason == .truncated { throw .truncated("a JSON text") }
            throw FramingError(.malformed, "not JSON: \(error.reason.rawValue), at byte \(error.offset)")
        }
    }
}
