import JunctionFraming
public import NIOCore
import TestSupport

extension FramingCase {
    /// Holds any bytes against what every framing promises. The fuzz targets and the tests call it.
    ///
    /// The first byte chooses the variant, the second how the rest is cut into chunks and into messages.
    ///
    /// - Throws: ``FramingFault``.
    public static func check(_ input: some Collection<UInt8>, group: String) throws {
        let cases = all.filter { $0.group == group }
        guard let choice = input.first, let seed = input.dropFirst().first, !cases.isEmpty else { return }
        let framingCase = cases[Int(choice) % cases.count]
        let bytes = Array(input.dropFirst(2))
        try framingCase.checkCuts(of: ByteBuffer(bytes: bytes), seed: UInt64(seed))
        try framingCase.checkRoundTrip(of: bytes, seed: UInt64(seed))
    }

    /// However a stream is cut into chunks, the same comes out of it.
    public func checkCuts(of stream: ByteBuffer, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try FramingRun.outputs(of: stream, self)
        let bytewise = try FramingRun.outputs(of: stream, self) { 1 }
        let cut = try FramingRun.outputs(of: stream, self) { Int.random(in: 1...17, using: &generator) }
        guard whole == bytewise, whole == cut else {
            throw FramingFault(
                description: "\(self): whole \(whole), byte by byte \(bytewise), in other chunks \(cut)")
        }
    }

    /// What the framing agrees to write arrives as it was, and between its neighbours.
    public func checkRoundTrip(of bytes: [UInt8], seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (writer, reader) = (FramingRun(self), FramingRun(self))
        var stream = ByteBuffer()
        var expected: [FramingOutput] = []
        var rest = bytes[...]
        repeat {
            let piece = Array(rest.prefix(Int.random(in: 0...maximumLength + 2, using: &generator)))
            rest = rest.dropFirst(max(1, piece.count))
            let possible = message(of: piece)
            guard try writer.write(possible, into: &stream), let arrived = arriving(Array(possible.readableBytesView))
            else { throw FramingFault(description: "\(self) cannot carry \(possible)") }
            expected.append(output(arrived))
            try deliver(&stream, to: &reader)
            // The bytes as they are; the framing may refuse them.
            if let arrived = arriving(piece), try writer.write(ByteBuffer(bytes: piece), into: &stream) {
                expected.append(output(arrived))
                try deliver(&stream, to: &reader)
            }
        } while !rest.isEmpty
        var chunks = stream
        while chunks.readableBytes > 0 {
            let length = Int.random(in: 1...chunks.readableBytes, using: &generator)
            try reader.feed(chunks.readSlice(length: length) ?? chunks)
        }
        try reader.flush()
        guard reader.outputs == expected else {
            throw FramingFault(description: "\(self): written \(expected), arrived \(reader.outputs)")
        }
    }

    private func output(_ message: [UInt8]) -> FramingOutput {
        endsAtFlush ? .flushed(ByteBuffer(bytes: message)) : .frame(ByteBuffer(bytes: message))
    }

    /// Where only a flush ends a message, each is delivered by itself.
    private func deliver(_ stream: inout ByteBuffer, to reader: inout FramingRun) throws {
        guard endsAtFlush else { return }
        try reader.feed(stream)
        try reader.flush()
        stream.clear()
    }
}
