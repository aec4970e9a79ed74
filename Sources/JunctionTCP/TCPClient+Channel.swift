import JunctionTransport
package import NIOCore

extension TCPClient {
    /// A client's connection on a channel whose addresses are known and that has read nothing yet. On its loop.
    package static func connection(on channel: any Channel, framing: Framing) throws -> TCPConnection {
        let executor = LoopExecutor.of(channel.eventLoop)
        let mark = TCPServer.Configuration().highWaterMark
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
        let core = ConnectionCore(executor: executor, framing: framing, highWaterMark: mark)
        try channel.pipeline.syncOperations.addHandler(core)
        return TCPConnection(channel: channel, core: core, executor: executor)
    }
}
