extension InMemoryLink {
    /// What the way between the two ends of a link is like; the same in both directions.
    public struct Conditions: Sendable {
        /// How what has arrived is cut into reads.
        public enum Reads: Sendable {
            /// A read takes everything that has arrived, up to the size of its buffer.
            case asTheyArrive
            /// A read takes at most so many bytes, and at least one.
            case atMost(Int)
            /// A read takes from 1 to `limit` bytes; the same seed cuts in the same places.
            case random(upTo: Int, seed: UInt64)
        }

        /// How what has arrived is cut into reads. As it arrives.
        public var splitReads: Reads
        /// How long bytes, and the end of the stream, are on their way by the virtual clock. Zero: they arrive as soon as the
        /// event loop gets there.
        public var delay: Duration
        /// Bytes that are on their way or wait to be read, above which the sender waits: the buffers of kernel and network.
        /// 65,536, and at least 1.
        public var capacity: Int

        /// A perfect network, unless told otherwise.
        public init(splitReads: Reads = .asTheyArrive, delay: Duration = .zero, capacity: Int = 65_536) {
            self.splitReads = splitReads
            self.delay = delay
            self.capacity = capacity
        }
    }
}

/// Decides how much one read takes.
enum ReadSplitter {
    case asTheyArrive
    case atMost(Int)
    case random(limit: Int, generator: SeededGenerator)

    /// - Parameter direction: gives the two directions of a link numbers of their own.
    init(_ reads: InMemoryLink.Conditions.Reads, direction: UInt64) {
        switch reads {
        case .asTheyArrive: self = .asTheyArrive
        case .atMost(let limit): self = .atMost(max(1, limit))
        case .random(let limit, let seed):
            self = .random(limit: max(1, limit), generator: SeededGenerator(seed: seed &+ direction))
        }
    }

    mutating func next() -> Int {
        switch self {
        case .asTheyArrive: return .max
        case .atMost(let limit): return limit
        case .random(let limit, var generator):
            let size = Int.random(in: 1...limit, using: &generator)
            self = .random(limit: limit, generator: generator)
            return size
        }
    }
}
