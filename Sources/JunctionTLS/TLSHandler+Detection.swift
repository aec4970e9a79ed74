package import NIOCore
import NIOSSL

extension TLSHandler {
    /// Whether a pipeline speaks TLS, by handlers of this package or by NIOSSL's own. On the channel's loop.
    package static func isUsed(by pipeline: ChannelPipeline.SynchronousOperations) -> Bool {
        (try? pipeline.context(handlerType: NIOSSLServerHandler.self)) != nil
    }
}
