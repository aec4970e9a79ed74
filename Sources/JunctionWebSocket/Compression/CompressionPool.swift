import JunctionTransport
import NIOCore
import Synchronization

/// The compressors and decompressors that the connections of one event loop share: those of messages that are compressed by
/// themselves, and so need nothing of the ones before. Only on the loop.
final class CompressionPool {
    let executor: LoopExecutor
    private var deflaters: [DeflateParameters: Deflater] = [:]
    private var inflaters: [Inflater] = []

    /// Decompressors kept when no message arrives.
    private static let maximumKept = 4

    private init(executor: LoopExecutor) { self.executor = executor }

    private static let known = Mutex<[ObjectIdentifier: NIOLoopBound<CompressionPool>]>([:])

    /// The pool of a loop; one for each, made at its first use. Only on the loop.
    static func of(_ executor: LoopExecutor) -> CompressionPool {
        let bound = known.withLock { known in
            if let bound = known[ObjectIdentifier(executor)] { return bound }
            let bound = NIOLoopBound(CompressionPool(executor: executor), eventLoop: executor.eventLoop)
            known[ObjectIdentifier(executor)] = bound
            return bound
        }
        return bound.value
    }

    /// A compressor that knows nothing of what came before, for one message; `nil` when there is not enough memory.
    func deflater(_ parameters: DeflateParameters) -> Deflater? {
        if let deflater = deflaters[parameters] {
            deflater.reset()
            return deflater
        }
        let deflater = Deflater(parameters)
        deflaters[parameters] = deflater
        return deflater
    }

    /// A decompressor for one message; `nil` when there is not enough memory.
    func takeInflater() -> Inflater? {
        inflaters.popLast() ?? Inflater(windowBits: CompressionAgreement.widestWindow)
    }

    /// Takes a decompressor back behind its message.
    func giveBack(_ inflater: Inflater) {
        guard inflaters.count < Self.maximumKept else { return }
        inflater.reset()
        inflaters.append(inflater)
    }
}
