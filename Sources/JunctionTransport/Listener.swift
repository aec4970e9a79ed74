import JunctionCore
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Where a server listens.
package struct ListenAddress: Sendable, CustomStringConvertible {
    /// A host name or an address; `nil` is every address of the machine, IPv6 and IPv4.
    package var host: String?
    /// 0 asks for any free port.
    package var port: Int

    package init(host: String?, port: Int) {
        self.host = host
        self.port = port
    }

    package var description: String {
        let host = host ?? "*"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Binds with `bind`; a machine without IPv6 gets the IPv4 wildcard where IPv6's was meant.
    package func bind<Bound>(_ bind: (_ host: String, _ port: Int) async throws -> Bound) async throws -> Bound {
        do {
            guard let host else {
                do {
                    return try await bind("::", port)
                } catch let error as IOError where error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL {
                    return try await bind("0.0.0.0", port)
                }
            }
            return try await bind(host, port)
        } catch {
            throw NetworkError(error, doing: "listen on \(self)")
        }
    }
}

/// A TCP listener: binds, hands every accepted channel to an initializer, and drains.
package struct Listener: Sendable {
    package var address: ListenAddress
    package var backlog: CInt = 511
    package var drainTimeout: TimeAmount
    /// Runs after the listener has stopped accepting and before its connections are asked to end.
    package var willDrain: @Sendable () async -> Void = {}
    package var logger: Logger

    package init(address: ListenAddress, drainTimeout: TimeAmount, logger: Logger) {
        self.address = address
        self.drainTimeout = drainTimeout
        self.logger = logger
    }

    /// Listens until the task is cancelled or shut down gracefully, then drains `connections`.
    ///
    /// `initialize` runs on the accepted channel's loop, before the first byte is read.
    package func run(
        connections: ConnectionRegistry,
        onListening: @Sendable (SocketAddress) -> Void,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let bootstrap = ServerBootstrap(group: EventLoops.group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try StreamChannel.configure(channel)
                    try initialize(channel)
                }
            }
        let server = try await address.bind { try await bootstrap.bind(host: $0, port: $1).get() }
        if let bound = server.localAddress { onListening(bound) }
        await server.waitUntilStopped()
        await willDrain()
        await connections.drain(timeout: drainTimeout, logger: logger)
    }
}

extension Channel {
    /// Suspends until the task is cancelled or shut down gracefully, or the channel fails, and then closes the channel.
    package func waitUntilStopped() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            try? await self.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            self.close(mode: .all, promise: nil)
        }
    }
}
