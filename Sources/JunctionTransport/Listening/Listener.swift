package import JunctionCore
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle

/// A listener for stream connections: binds, hands every accepted channel to an initializer, and drains.
package struct Listener: Sendable {
    package var address: ListenAddress
    /// Connections that the kernel keeps until they are accepted; 511, as Node's and nginx's.
    package var backlog: CInt = 511
    /// One listening socket for each event loop, all on the same port, which other processes may then share, too.
    package var reusePort = false
    /// Options of the listening socket, which its connections inherit.
    package var socketOptions = SocketOptions()
    package var drainTimeout: TimeAmount
    /// Runs when a graceful shutdown begins, before the listener stops accepting.
    package var linger: (@Sendable () async -> Void)?
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
    /// `initialize` runs on the accepted channel's loop, before the first byte is read; when it throws, the channel closes.
    package func run(
        connections: ConnectionRegistry,
        onListening: @Sendable (SocketAddress) -> Void,
        gate: AcceptGate = AcceptGate(),
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let sockets: [BoundSocket]
        do {
            sockets = try await address.bind(count: reusePort ? EventLoops.all.count : nil)
        } catch is CancellationError {
            return  // before anything was open
        }
        var channels: [any Channel] = []
        do {
            for (index, socket) in sockets.enumerated() {
                let loop = reusePort && sockets.count > 1 ? EventLoops.all[index % EventLoops.all.count] : nil
                channels.append(try await open(socket, on: loop, gate, initialize))
            }
        } catch {
            for channel in channels { try? await channel.close() }
            for socket in sockets { socket.close() }
            throw NetworkError(error, doing: "listen on \(address)")
        }
        gate.open(channels)
        if let bound = sockets.first?.localAddress { onListening(bound) }
        await Self.waitUntilStopped(channels, linger) {
            for socket in sockets { socket.file?.remove() }  // first, as `BoundSocket.close()` does
        }
        gate.close()
        // What was accepted in the last moment is on its way to its loop, and must be there when the drain looks around.
        for loop in EventLoops.all { try? await loop.submit {}.get() }
        await willDrain()
        await connections.drain(timeout: drainTimeout, logger: logger)
    }

    /// - Parameter loop: the one that accepts and serves; `nil` spreads connections over all.
    private func open(
        _ socket: BoundSocket, on loop: (any EventLoop)?, _ gate: AcceptGate,
        _ initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> any Channel {
        let descriptor = try socket.listen(backlog: backlog, options: socketOptions)
        // Unix domain sockets do not inherit it from the one that listens.
        let ownOptions = socket.isLocal && socketOptions.hasBufferSizes ? socketOptions : nil
        let bootstrap =
            if let loop {
                ServerBootstrap(group: loop, childGroup: loop)
            } else {
                ServerBootstrap(group: EventLoops.group.next(), childGroup: EventLoops.group)
            }
        let channel = try await bootstrap.serverChannelOption(  // NIO would switch it on
            .tcpOption(.tcp_nodelay), value: socketOptions.noDelay ? 1 : 0
        ).serverChannelInitializer { [logger] channel in
            let handler = AcceptHandler(logger: logger, gate: gate) { child in
                try ownOptions?.apply(to: child, isLocal: true)
                try initialize(child)
                try StreamChannel.configure(child)  // throws when the channel was closed meanwhile
            }
            return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
        }.withBoundSocket(descriptor).get()
        // NIO has listened once more, with a backlog of its own.
        try SocketCalls.listen(descriptor, backlog: backlog, doing: "listen on \(socket.name)")
        return channel
    }

    /// Returns when all channels are closed: by a cancellation, a graceful shutdown, or the failure of one.
    ///
    /// - Parameter willClose: runs before they are closed on purpose.
    private static func waitUntilStopped(
        _ channels: [any Channel], _ linger: (@Sendable () async -> Void)?, willClose: @escaping @Sendable () -> Void
    ) async {
        let close: @Sendable () -> Void = {
            willClose()
            for channel in channels { channel.close(promise: nil) }
        }
        for channel in channels { channel.closeFuture.whenComplete { _ in close() } }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                for channel in channels { try? await channel.closeFuture.get() }
            } onGracefulShutdown: {
                guard let linger else { return close() }
                Task {
                    await linger()
                    close()
                }
            }
        } onCancel: {
            close()
        }
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
