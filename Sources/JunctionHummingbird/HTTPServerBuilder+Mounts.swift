#if Hummingbird

    public import HummingbirdCore
    public import JunctionWebSocket

    extension HTTPServerBuilder {
        /// An HTTP/1.1 server on whose port mounts answer the requests for their paths, and the application all others.
        ///
        /// ```swift
        /// let io = SocketIOServer()
        /// let application = Application(router: router, server: .http1(mounting: io.mount()))
        /// try await application.runService()
        /// ```
        ///
        /// With TLS: `.tls(.http1(mounting: io.mount()), tlsConfiguration: tls)`. Mounts speak HTTP/1.1, which browsers use for
        /// WebSocket connections in any case.
        ///
        /// When the application shuts down gracefully, the clients of the mounts are told at once. When a mounted server is
        /// closed by itself, the application goes on. Sessions live on the application's event loops.
        ///
        /// - Parameters:
        ///   - mounts: the longest path that fits a request takes it.
        ///   - configuration: Hummingbird's; see ``MountedHTTP1Channel``.
        public static func http1(
            mounting mounts: Mount..., configuration: HTTP1Channel.Configuration = .init()
        ) -> HTTPServerBuilder {
            HTTPServerBuilder { responder in
                MountedHTTP1Channel(responder: responder, mounts: mounts, configuration: configuration)
            }
        }
    }

#endif
