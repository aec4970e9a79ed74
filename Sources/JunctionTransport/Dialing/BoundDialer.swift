import JunctionCore
package import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Connects a socket that has its local address already, which NIO's bootstrap does not do.
package enum BoundDialer {
    /// Connects `socket`, which is used up by it. Suspends; a thread of the pool waits meanwhile.
    ///
    /// - Returns: the connected descriptor, which the caller owns.
    /// - Throws: ``NetworkError``; `CancellationError` when the task is cancelled.
    package static func connect(
        _ socket: BoundSocket, to address: SocketAddress, timeout: Duration?
    ) async throws -> CInt {
        let action = "connect from \(socket.name) to \(address.text)"
        let cancellation = Flag()
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            let descriptor = try socket.take()
            do {
                try await NIOThreadPool.singleton.runIfActive {
                    try connect(descriptor, address, timeout, cancellation, action)
                }
                try Task.checkCancellation()
                return descriptor
            } catch {
                SocketCalls.close(descriptor)
                throw error
            }
        } onCancel: {
            cancellation.isSet.store(true, ordering: .relaxed)
        }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// How often a wait looks whether it is cancelled or its time is up.
    private static let slice: CInt = 20  // milliseconds

    private static func connect(
        _ descriptor: CInt, _ address: SocketAddress, _ timeout: Duration?, _ cancellation: Flag,
        _ action: String
    ) throws {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        let result = address.withSockAddr { SocketCalls.connect(descriptor, $0, socklen_t($1)) }
        if result == 0 { return }
        let reason = errno
        guard reason == EINPROGRESS || reason == EINTR else {
            throw NetworkError(IOError(errnoCode: reason, reason: "connect"), doing: action)
        }
        let deadline = timeout.map { NIODeadline.now() + TimeAmount($0) } ?? .distantFuture
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while try SocketCalls.check(doing: action, { wait(&poll) }) == 0 {
            if cancellation.isSet.load(ordering: .relaxed) { throw CancellationError() }
            if NIODeadline.now() >= deadline { throw NetworkError(.timedOut, "\(action): no answer in time") }
        }
        let code = try SocketCalls.get(descriptor, SOL_SOCKET, SO_ERROR, doing: action)
        if code != 0 { throw NetworkError(IOError(errnoCode: code, reason: "connect"), doing: action) }
    }

    private static func wait(_ request: inout pollfd) -> CInt { poll(&request, 1, slice) }

    /// Makes a channel of a connected descriptor; `initialize` runs on its loop, before anything is read.
    package static func adopt<Output: Sendable>(
        _ descriptor: CInt, on eventLoop: any EventLoop, initialize: @escaping @Sendable (any Channel) throws -> Output
    ) async throws -> Output {
        try await ClientBootstrap(group: eventLoop).withConnectedSocket(descriptor) { channel in
            channel.eventLoop.makeCompletedFuture { try initialize(channel) }
        }
    }
}
