#if Hummingbird

    public import HummingbirdCore
    import JunctionTransport
    public import JunctionWebSocket
    public import Logging
    public import NIOCore
    import NIOHTTPTypes
    import NIOHTTPTypesHTTP1
    import Synchronization

    /// HTTP/1.1 for a Hummingbird application and for mounts on one port; see
    /// ``HummingbirdCore/HTTPServerBuilder/http1(mounting:configuration:)``.
    ///
    /// Hummingbird's handlers join a connection at its first request for the application. One that only ever serves a mount, as
    /// nearly every WebSocket connection does, is as light as on a server of Junction's own.
    public struct MountedHTTP1Channel: ServerChildChannel, HTTPChannelHandler {
        /// The side of a connection that is the application's.
        typealias Application = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

        /// A connection.
        public struct Value: ServerChildChannelValue {
            /// Its channel.
            public let channel: any Channel
            /// Comes with the first request for the application; `nil` when the connection ends without one.
            let application: EventLoopFuture<Application?>
        }

        /// Answers the requests that no mount takes.
        public let responder: HTTPChannelHandler.Responder

        private let mounts: MountTable
        private let configuration: HTTP1Channel.Configuration
        private let limits: HTTPLimits
        private let listeners = ListenerWatch()

        /// - Parameters:
        ///   - responder: answers the requests that no mount takes.
        ///   - mounts: the longest path that fits a request takes it.
        ///   - configuration: Hummingbird's. The limits of header fields hold for requests to the mounts, too, and so does
        ///     `idleTimeout` between two requests; a poll that waits is not idle, nor is a WebSocket connection.
        public init(
            responder: @escaping HTTPChannelHandler.Responder, mounts: [Mount],
            configuration: HTTP1Channel.Configuration = .init()
        ) {
            self.responder = responder
            self.mounts = MountTable(mounts)
            self.configuration = configuration
            var limits = HTTPLimits()
            limits.maximumHeaderSize = configuration.httpDecoder.maxHeaderListSize
            limits.maximumHeaderCount = configuration.httpDecoder.maxHeaderFieldCount
            self.limits = limits
        }

        /// Prepares a connection that was accepted. Called by Hummingbird's server.
        public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
            channel.eventLoop.makeCompletedFuture {
                let application = channel.eventLoop.makePromise(of: Application?.self)
                let isSecure = MountTable.isSecure(channel)
                let origin = HTTPOrigin(
                    remoteAddress: channel.remoteAddress, isSecure: isSecure, isNextToSocket: !isSecure)
                do {
                    try StreamChannel.configure(channel)
                    try HTTPFork.serve(
                        channel, limits: limits, application: mounts, origin: origin,
                        idleTimeout: configuration.idleTimeout
                    ) { application.succeed(try attach(to: $0, isSecure: isSecure, logger)) }
                } catch {
                    application.succeed(nil)
                    throw error
                }
                channel.closeFuture.whenComplete { _ in application.succeed(nil) }
                listeners.watch(channel, mounts)
                return Value(channel: channel, application: application.futureResult)
            }
        }

        /// Adds what ``HummingbirdCore/HTTP1Channel`` has behind its HTTP handlers. The fork in front keeps the idle timeout.
        private func attach(to channel: any Channel, isSecure: Bool, _ logger: Logger) throws -> Application {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
            try pipeline.addHandlers(configuration.additionalChannelHandlers())
            try pipeline.addHandler(HTTPConnectionStateHandler(logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }

        /// Serves a connection until it ends. Called by Hummingbird's server.
        public func handle(value: Value, logger: Logger) async {
            // Ends with the connection, if not before.
            if let application = try? await value.application.get() {
                await handleHTTP(asyncChannel: application, logger: logger)
            }
        }
    }

    /// Tells the clients of the mounts when the server no longer listens: that is how its shutdown begins.
    private final class ListenerWatch: Sendable {
        private let watched = Mutex<Set<ObjectIdentifier>>([])

        func watch(_ channel: any Channel, _ mounts: MountTable) {
            guard let listener = channel.parent, watched.withLock({ $0.insert(ObjectIdentifier(listener)).inserted })
            else { return }
            listener.closeFuture.whenComplete { _ in
                _ = self.watched.withLock { $0.remove(ObjectIdentifier(listener)) }
                Task { await mounts.shutDownAll() }
            }
        }
    }

#endif
