import JunctionCore
import JunctionTransport
public import Logging
public import NIOCore
import NIOPosix

/// A UDP socket: sends and receives datagrams, which may be lost, doubled or reordered on their way.
///
/// ```swift
/// try await UDPSocket.withSocket { socket in
///     try await socket.send("ping", toHost: "localhost", port: 3000)
///     for try await datagram in socket.inbound { print(String(buffer: datagram.payload)); break }
/// }
/// ```
///
/// Every call may be made from any task. An error of a send or a receive does not end the socket.
public final class UDPSocket: Sendable {
    let executor: LoopExecutor
    private let addresses: SharedAddresses
    private let core: NIOLoopBound<DatagramCore>
    private let reader: InboxReader
    private let closed: EventLoopFuture<Void>
    /// Finds addresses that this socket can send to.
    let lookup: HostLookup

    /// Made on the core's loop.
    private init(_ core: DatagramCore) {
        executor = core.executor
        addresses = core.addresses
        closed = core.closed.futureResult
        self.core = NIOLoopBound(core, eventLoop: core.executor.eventLoop)
        reader = InboxReader(core.inbox, on: core.executor)
        lookup = HostLookup(core.configuration, core.descriptor.isIPv6 ? .ipv6 : .ipv4)
    }

    /// The address that the socket is bound to.
    public var localAddress: SocketAddress? { addresses.local }

    /// The peer of a connected socket.
    public var remoteAddress: SocketAddress? { addresses.remote }

    // MARK: Opening

    /// A socket bound to a port.
    ///
    /// - Parameters:
    ///   - host: name or address; `nil` is every address of the machine.
    ///   - port: 0, the default, asks for any free port.
    ///   - logger: told of datagrams that had to be dropped: of the first, and then ever more rarely.
    /// - Throws: ``NetworkError``, for example `.addressInUse`.
    public static func bind(
        host: String? = nil, port: Int = 0, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.udp")
    ) async throws -> UDPSocket {
        try await bind(host: host, port: port, configuration, logger, on: EventLoops.group.next())
    }

    static func bind(
        host: String?, port: Int, _ configuration: Configuration, _ logger: Logger, on eventLoop: any EventLoop
    ) async throws -> UDPSocket {
        let candidates = try await HostLookup(configuration).bindAddresses(host, port)
        do {
            var failure: (any Error)?
            for address in candidates {
                do {
                    let descriptor = try open(at: address, configuration)
                    return try await wrap(descriptor, configuration, logger, on: eventLoop)
                } catch let error as IOError where error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL {
                    failure = failure ?? error  // a machine without IPv6 gets the IPv4 wildcard where IPv6's was meant
                }
            }
            throw failure ?? NetworkError(.hostNotFound, "the host name has no address")
        } catch {
            throw NetworkError(error, doing: "listen on \(ListenAddress.text(host: host, port: port))")
        }
    }

    /// A socket of a descriptor that another part of the program has opened, for example a service manager.
    ///
    /// - Parameter descriptor: a UDP socket, bound or not, connected or not. From this call on it belongs to the socket, which
    ///   closes it; also when this call throws. It is made non-blocking, and its error queue (`IP_RECVERR`) is turned off.
    ///   Options of the configuration that concern the opening (family, sharing, buffer sizes) do not apply.
    /// - Throws: ``NetworkError`` `.invalidArgument` or `.addressFamilyNotSupported` for any other descriptor.
    public static func adopting(
        descriptor: CInt, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.udp")
    ) async throws -> UDPSocket {
        do {
            let socket = try SocketDescriptor(adopting: descriptor)
            return try await wrap(socket, configuration, logger, on: EventLoops.group.next())
        } catch {
            throw NetworkError(error, doing: "adopt the descriptor \(descriptor)")
        }
    }

    /// A socket that talks to one peer: it receives from that peer alone, and refusals reach ``inbound`` as errors.
    public static func connect(
        host: String, port: Int, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.udp")
    ) async throws -> UDPSocket {
        do {
            let lookup = HostLookup(configuration)
            let address = try await lookup.address(of: host, port: port, action: "connect to")
            let descriptor = try open(at: HostLookup.wildcard(for: address), configuration)
            let socket = try await wrap(descriptor, configuration, logger, on: EventLoops.group.next())
            do {
                try await socket.withCore { try $0.connect(to: address) }
            } catch {
                await socket.closeAndWait()
                throw error
            }
            return socket
        } catch {
            throw NetworkError(error, doing: "connect to \(host):\(port)")
        }
    }

    /// Binds, runs `body` on the socket's event loop, and closes the socket when it returns or throws.
    public static func withSocket<Result: Sendable>(
        host: String? = nil, port: Int = 0, configuration: Configuration = Configuration(),
        _ body: @Sendable (UDPSocket) async throws -> Result
    ) async throws -> Result {
        let socket = try await bind(host: host, port: port, configuration: configuration)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await withTaskExecutorPreference(socket.executor) { try await body(socket) })
        } catch {
            result = .failure(error)
        }
        await socket.closeAndWait()
        return try result.get()
    }

    private static func open(at address: SocketAddress, _ configuration: Configuration) throws -> SocketDescriptor {
        let descriptor = try SocketDescriptor(ipv6: address.protocol == .inet6)
        do {
            try descriptor.configure(configuration)
            try descriptor.bind(to: address)
            return descriptor
        } catch {
            descriptor.closeDescriptor()
            throw error
        }
    }

    /// Owns the descriptor from here on, whatever happens.
    private static func wrap(
        _ descriptor: SocketDescriptor, _ configuration: Configuration, _ logger: Logger, on eventLoop: any EventLoop
    ) async throws -> UDPSocket {
        do {
            try descriptor.configureReceiving(configuration)
        } catch {
            descriptor.closeDescriptor()
            throw error
        }
        return try await eventLoop.flatSubmit {
            let remote = descriptor.remoteAddress
            let core = DatagramCore(
                descriptor: descriptor, configuration: configuration, executor: LoopExecutor.of(eventLoop),
                addresses: SharedAddresses(local: descriptor.localAddress, remote: remote), logger: logger)
            if let remote { core.noteConnected(to: remote) }
            let socket = UDPSocket(core)
            let bound = NIOLoopBound(core, eventLoop: eventLoop)
            let started = eventLoop.makeCompletedFuture { try bound.value.startWatching() }
            return started.flatMap { $0 }.map { socket }.flatMapErrorThrowing { error in
                bound.value.close()
                throw error
            }
        }.get()
    }

    // MARK: Peer

    /// Has the socket talk to one peer from now on: it receives from that peer alone, `send(_:to:)`
    /// needs no address, and what is refused there reaches this socket as an error. A datagram of another peer that was queued
    /// before is still read.
    ///
    /// - Throws: ``NetworkError``: `.alreadyConnected` when it has a peer, `.hostNotFound`, `.addressBlocked`,
    ///   `.networkUnreachable` …
    public func connect(toHost host: String, port: Int) async throws {
        do {
            try await connect(to: try await lookup.address(of: host, port: port, action: "connect to"))
        } catch {
            throw NetworkError(error, doing: "connect to \(host):\(port)")
        }
    }

    /// Has the socket talk to the peer at an address from now on; see ``connect(toHost:port:)``.
    public func connect(to address: SocketAddress) async throws {
        do {
            try await withCore { try $0.connect(to: address) }
        } catch {
            throw NetworkError(error, doing: "connect to \(address.text)")
        }
    }

    /// Undoes ``connect(to:)``: the socket talks to everybody again, at the address that it was bound to.
    ///
    /// - Throws: ``NetworkError`` `.notConnected` when it has no peer.
    public func disconnect() async throws {
        do {
            try await withCore { try $0.disconnect() }
        } catch {
            throw NetworkError(error, doing: "disconnect")
        }
    }

    // MARK: Receiving

    /// What arrives; ends when the socket is closed, behind what has come. One reader at a time.
    ///
    /// A ``NetworkError`` thrown by a connected socket (refused, say) does not end the socket: iterate again.
    public var inbound: Inbound { Inbound(reader: reader) }

    // MARK: Counting and ending

    /// What the socket has done, and what was lost.
    public var statistics: Statistics { get async { await read { $0.statistics } } }

    /// Datagrams dropped because the reader was behind.
    public var dropped: Int { get async { await statistics.droppedByOverflow } }

    /// Datagrams that could not be sent.
    public var failedSends: Int { get async { await statistics.failedSends } }

    /// Closes the socket behind what is queued; what the kernel has no room for fails. Its port is free soon after.
    public func close() {
        onLoop { $0.close() }
    }

    /// Closes the socket and returns when its port is free again.
    func closeAndWait() async {
        close()
        try? await closed.get()
    }

    /// Returns when the socket is closed.
    func waitUntilClosed() async { try? await closed.get() }

    func endInput() {
        onLoop { $0.endInput() }
    }

    /// Runs `body` on the loop: at once if this is called there.
    func onLoop(_ body: @escaping @Sendable (DatagramCore) -> Void) {
        executor.execute { body(self.core.value) }
    }

    /// The core, if this is called on its loop.
    var coreOnLoop: DatagramCore? { executor.eventLoop.inEventLoop ? core.value : nil }

    /// Runs `body` on the loop and returns what it returns.
    func read<Value: Sendable>(_ body: @escaping @Sendable (DatagramCore) -> Value) async -> Value {
        if let core = coreOnLoop { return body(core) }
        return await withUnsafeContinuation { continuation in
            onLoop { continuation.resume(returning: body($0)) }
        }
    }

    /// Runs `body` on the loop and returns what it returns or throws.
    func withCore<Value: Sendable>(
        _ body: @escaping @Sendable (DatagramCore) throws -> Value
    ) async throws -> Value {
        if let core = coreOnLoop { return try body(core) }
        return try await withUnsafeThrowingContinuation { continuation in
            onLoop { core in continuation.resume(with: Result { try body(core) }) }
        }
    }
}
