package import JunctionTransport
import NIOCore

/// The receiving half of permessage-deflate on one connection. Only on the connection's loop.
package final class MessageInflater {
    private let pool: CompressionPool
    private let windowBits: Int
    private let takesOver: Bool
    /// Made with the first compressed message; kept behind it only with context takeover.
    private var inflater: Inflater?

    init(_ agreement: CompressionAgreement, on executor: LoopExecutor) {
        pool = CompressionPool.of(executor)
        windowBits = agreement.clientMaxWindowBits ?? CompressionAgreement.widestWindow
        takesOver = !agreement.clientNoContextTakeover
    }

    /// That half by itself, with the widest window, for messages that were not negotiated.
    package convenience init(takesOver: Bool, on executor: LoopExecutor) {
        let agreement = CompressionAgreement(
            serverNoContextTakeover: false, clientNoContextTakeover: !takesOver, serverMaxWindowBits: nil,
            clientMaxWindowBits: nil)
        self.init(agreement, on: executor)
    }

    /// Whether the connection has a decompressor now.
    var holdsMemory: Bool { inflater != nil }

    /// Appends what the next bytes of a message stand for.
    func take(_ bytes: ByteBuffer, into output: inout ByteBuffer, limit: Int) throws(WebSocketError) {
        guard let inflater = inflater ?? (takesOver ? Inflater(windowBits: windowBits) : pool.takeInflater()) else {
            throw WebSocketError(.outOfMemory)
        }
        self.inflater = inflater
        var failure: WebSocketError?
        bytes.withUnsafeReadableBytes { bytes in
            do throws(WebSocketError) {
                try inflater.take(bytes, into: &output, limit: limit)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Ends a message. Without one byte it is empty: senders should not do that, but it can only mean one thing.
    func endMessage(into output: inout ByteBuffer, limit: Int, isEmpty: Bool) throws(WebSocketError) {
        guard let inflater, !isEmpty else { return }
        try inflater.endMessage(into: &output, limit: limit)
        guard !takesOver else { return }
        pool.giveBack(inflater)
        self.inflater = nil
    }
}
