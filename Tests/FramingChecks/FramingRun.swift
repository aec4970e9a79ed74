public import JunctionFraming
public import NIOCore

/// What came out of a framer, in order.
public enum FramingOutput: Equatable, Sendable {
    /// A whole frame.
    case frame(ByteBuffer)
    /// A violation.
    case error(FramingError)
    /// What a flush delivered.
    case flushed(ByteBuffer)
}

/// Something that must never be.
public struct FramingFault: Error, CustomStringConvertible {
    /// What it is, in a sentence.
    public let description: String
}

/// Drives one framer as a connection does that goes on after violations.
public struct FramingRun {
    private let framingCase: FramingCase
    private var framer: any Framer
    private var bytes = 0
    /// What came out so far.
    public private(set) var outputs: [FramingOutput] = []
    /// The most storage that unfinished input ever held.
    public private(set) var mostHeld = 0

    /// A run with a framer of its own.
    public init(_ framingCase: FramingCase) {
        self.framingCase = framingCase
        self.framer = framingCase.framing().newFramer()
    }

    /// What came out of `bytes`, cut into chunks of the lengths that `chunk` says, with a flush at the end.
    public static func outputs(
        of bytes: ByteBuffer, _ framingCase: FramingCase, chunk: () -> Int = { .max }
    ) throws -> [FramingOutput] {
        var run = FramingRun(framingCase)
        var rest = bytes
        while rest.readableBytes > 0 {
            try run.feed(rest.readSlice(length: min(rest.readableBytes, max(1, chunk()))) ?? rest)
        }
        try run.flush()
        return run.outputs
    }

    /// Appends a chunk and takes everything that can be had.
    public mutating func feed(_ chunk: ByteBuffer) throws {
        framer.append(chunk)
        bytes += chunk.readableBytes
        while try step() {}
        guard let framer = framer as? any MemoryReportingFramer else {
            throw FramingFault(description: "a named framer does not report its memory")
        }
        mostHeld = max(mostHeld, framer.heldBytes)
        guard framer.heldBytes <= max(1_024, 2 * framingCase.maximumHeld) else {
            throw FramingFault(description: "\(framer.heldBytes) bytes are held for an unfinished frame")
        }
    }

    private mutating func step() throws -> Bool {
        do throws(FramingError) {
            guard let frame = try framer.next() else { return false }
            outputs.append(.frame(frame))
        } catch {
            outputs.append(.error(error))
            if error.isFatal { return false }
        }
        try checkLast()
        return true
    }

    private func checkLast() throws {
        switch outputs.last {
        case .frame(let frame), .flushed(let frame):
            guard frame.readableBytes <= framingCase.maximumLength else {
                throw FramingFault(description: "a frame has \(frame.readableBytes) bytes")
            }
        case .error, nil: break
        }
        // Every frame and every violation takes a byte of its own.
        guard outputs.count <= bytes + 1 else { throw FramingFault(description: "no end of output") }
    }

    /// Flushes as at the end of the stream or at a pause.
    public mutating func flush() throws {
        do throws(FramingError) {
            guard let rest = try framer.flush() else { return }
            outputs.append(.flushed(rest))
        } catch {
            outputs.append(.error(error))
        }
        try checkLast()
    }

    /// Writes a message; false, and nothing written, if the framing cannot carry it.
    public mutating func write(_ message: ByteBuffer, into output: inout ByteBuffer) throws -> Bool {
        let before = output
        do throws(FramingError) {
            try framer.frame(message, into: &output)
            return true
        } catch {
            guard output == before else { throw FramingFault(description: "a refused message has left bytes behind") }
            return false
        }
    }
}
