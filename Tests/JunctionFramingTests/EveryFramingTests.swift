import FramingChecks
import JunctionFraming
import NIOCore
import TestSupport
import Testing

/// What holds for every framing alike.
@Suite("Every framing", .timeLimit(.minutes(5)))
struct EveryFramingTests {
    @Test("carries random messages through a stream that is cut anywhere", arguments: FramingCase.all)
    func roundTrip(framing: FramingCase) throws {
        for seed in 0..<60 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                framing.anyByte(using: &generator)
            }
            try framing.checkRoundTrip(of: bytes, seed: seed)
        }
    }

    @Test("makes the same frames and errors of garbage, however it is cut", arguments: FramingCase.all)
    func garbage(framing: FramingCase) throws {
        for seed in 0..<150 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var stream = ByteBuffer()
            for _ in 0..<Int.random(in: 0...250, using: &generator) {
                stream.writeInteger(framing.anyByte(using: &generator))
            }
            try framing.checkCuts(of: stream, seed: seed)
        }
    }

    @Test("makes the same frames and errors of damaged frames, however they are cut", arguments: FramingCase.all)
    func damaged(framing: FramingCase) throws {
        for seed in 0..<100 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var framer = framing.framing().newFramer()
            var stream = ByteBuffer()
            for _ in 0..<6 {
                let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    framing.anyByte(using: &generator)
                }
                try framer.frame(framing.message(of: bytes), into: &stream)
            }
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<stream.readableBytes, using: &generator)
                stream.setInteger(framing.anyByte(using: &generator), at: place)
            }
            try framing.checkCuts(of: stream, seed: seed)
        }
    }

    /// Framings in which a frame can be longer than the maximum.
    private static let limited = FramingCase.all.filter { $0.group != "fixed" }

    @Test("refuses a frame over the maximum before it holds it, and reads on behind it", arguments: limited)
    func tooLong(framing: FramingCase) throws {
        // A prefix of one byte says at most 255, and less than that when it counts itself.
        let tooLong = framing.longMessage(of: framing.variant.hasPrefix("oneByte") ? 250 : 40 * framing.maximumLength)
        let small = framing.message(of: "42".utf8)
        var writer = framing.framing(maximumLength: 100_000).newFramer()
        var stream = ByteBuffer()
        try writer.frame(tooLong, into: &stream)
        let end = stream.readableBytes
        try writer.frame(small, into: &stream)

        var run = FramingRun(framing)
        var refusedAfter: Int?
        for (index, byte) in stream.readableBytesView.enumerated() {
            if index == end, framing.endsAtFlush { try run.flush() }
            try run.feed(ByteBuffer(integer: byte))
            if refusedAfter == nil, !run.outputs.isEmpty { refusedAfter = index + 1 }
        }
        if framing.endsAtFlush { try run.flush() }
        guard case .error(let error) = run.outputs.first else {
            Issue.record("\(run.outputs.count) outputs, none of them an error")
            return
        }
        #expect(error.kind == .tooLong)
        #expect(!error.isFatal)
        #expect(error.message.hasSuffix("is longer than \(framing.maximumLength) bytes"))
        #expect(try #require(refusedAfter) <= framing.maximumHeld + 2)
        #expect(run.mostHeld <= max(1_024, 2 * framing.maximumHeld))
        let arrived = ByteBuffer(bytes: small.readableBytesView.map { $0 == 10 ? 32 : $0 })
        #expect(run.outputs.dropFirst() == [framing.endsAtFlush ? .flushed(arrived) : .frame(arrived)])
    }

    @Test("takes messages of just the maximum length and refuses to write longer ones", arguments: FramingCase.all)
    func maximumLength(framing: FramingCase) throws {
        var run = FramingRun(framing)
        var stream = ByteBuffer()
        let longest = framing.longMessage(of: framing.maximumLength)
        #expect(try run.write(longest, into: &stream))
        #expect(try !run.write(ByteBuffer(repeating: 0x37, count: framing.maximumLength + 1), into: &stream))
        try run.feed(stream)
        try run.flush()
        guard run.outputs.count == 1, case .frame(let message) = run.outputs[0].asFrame else {
            Issue.record("one message was expected, not \(run.outputs)")
            return
        }
        #expect(message.readableBytes == framing.maximumLength)
    }

    @Test("holds no more than the unfinished frame, however long the stream lives", arguments: FramingCase.all)
    func memory(framing: FramingCase) throws {
        var run = FramingRun(framing)
        var writer = framing.framing().newFramer()
        var stream = ByteBuffer()
        for _ in 0..<2_000 { try writer.frame(framing.message(of: "a message".utf8), into: &stream) }
        while let chunk = stream.readSlice(length: min(100, stream.readableBytes)), chunk.readableBytes > 0 {
            // In a buffer far larger than what it holds, as reading from a socket makes them.
            var read = ByteBufferAllocator().buffer(capacity: 65_536)
            read.writeImmutableBuffer(chunk)
            try run.feed(read)
            if framing.endsAtFlush { try run.flush() }
        }
        #expect(run.mostHeld <= max(1_024, 2 * framing.maximumHeld))
    }

    @Test("hands on frames that came in one piece without copying them", arguments: FramingCase.all)
    func slices(framing: FramingCase) throws {
        guard !framing.endsAtFlush else { return }
        var writer = framing.framing().newFramer()
        var stream = ByteBufferAllocator().buffer(capacity: 16_384)
        for _ in 0..<3 { try writer.frame(framing.message(of: "a message".utf8), into: &stream) }
        var reader = framing.framing().newFramer()
        reader.append(stream)
        for _ in 0..<3 { #expect(try reader.next()?.storageCapacity == stream.storageCapacity) }
        #expect(try reader.next() == nil)
    }

    @Test("begins afresh after a flush in the middle of a frame", arguments: FramingCase.all)
    func flush(framing: FramingCase) throws {
        guard framing.maximumLength > 1 else { return }
        var writer = framing.framing().newFramer()
        var frame = ByteBuffer()
        try writer.frame(framing.message(of: "77".utf8), into: &frame)
        let unfinished = try #require(frame.getSlice(at: frame.readerIndex, length: frame.readableBytes - 1))
        var run = FramingRun(framing)
        try run.feed(unfinished)
        try run.flush()
        try run.flush()
        let first = run.outputs
        try run.feed(frame)
        try run.flush()
        switch framing.group {
        case "lines", "jsonLines", "delimiter", "idleGap":
            guard case .flushed = first.first, first.count == 1 else {
                Issue.record("the unfinished message was expected, not \(first)")
                return
            }
        default:
            guard case .error(let error) = first.first, first.count == 1 else {
                Issue.record("an error was expected, not \(first)")
                return
            }
            #expect(error.kind == .truncated)
            #expect(!error.isFatal)
        }
        #expect(run.outputs.count == 2, "the whole frame arrives as if nothing had been before it")
        #expect(run.outputs.last?.asFrame != nil)
    }
}

extension FramingOutput {
    /// A message, whether it was complete or flushed.
    fileprivate var asFrame: FramingOutput? {
        switch self {
        case .frame, .error: self
        case .flushed(let message): .frame(message)
        }
    }
}

extension FramingCase {
    /// Half of them bytes that mean something.
    fileprivate func anyByte(using generator: inout SeededGenerator) -> UInt8 {
        let isSpecial = Bool.random(using: &generator)
        return isSpecial ? alphabet.randomElement(using: &generator) ?? 0 : .random(in: 0...255, using: &generator)
    }
}
