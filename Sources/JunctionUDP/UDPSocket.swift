import JunctionCore
import JunctionTransport
public import NIOCore
import NIOPosix
import Synchronization

/// A UDP socket: sends and receives datagrams, which may be lost, doubled or reordered on their way.
///
/// ```swift
/// try await UDPSocket.withSocket { socket in
///     try await socket.send("ping", toHost: "localhost", port: 3000)
///     for try await datagram in socket.inbound { print(String(buffer: datagram.payload)); break }
/// }
/// ```
///
/// Every call may be made from any task.
public final class UDPSocket: Sendable {
    /// What can be set on a socket, with the defaults.
    public struct Configuration: Sendable {
        /// Received datagrams that wait for the reader; above that the oldest is dropped and counted. 1,024.
        public var queueLimit = 1_024
        /// Datagrams read and written in one system call. 30.
        public var batchSize = 30
        /// Bytes of the largest datagram received; of a larger one the rest is cut off. 65,536, which is every datagram.
        public var maximumDatagramSize = 65_536
        /// How long a server's handler may go on with what was received when the server drains. 10 seconds.
        public var drainTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }

    /// The address that the socket is bound to.
    public let localAddress: SocketAddress?
    /// The peer of a connected socket.
    public let remoteAddress: SocketAddress?

    let executor: LoopExecutor
    private let channel: any Channel
    private let core: NIOLoopBound<DatagramCore>
    private let tickets = Atomic<DatagramCore.Ticket>(0)

    private init(channel: any Channel, core: DatagramCore, executor: LoopExecutor) {
        self.channel = channel
        self.localAddress = channel.localAddress
        self.remoteAddress = channel.remoteAddress
        self.executor = executor
        self.core = NIOLoopBound(core, eventLoop: channel.eventLoop)
    }

    // MARK: Opening

    /// A socket bound to a port.
    ///
    /// - Parameters:
    ///   - host: name or address; `nil` is every address of the machine.
    ///   - port: 0, the default, asks for any free port.
    /// - Throws: ``NetworkError``, for example `.addressInUse`.
    public static func bind(
        host: String? = nil, port: Int = 0, configuration: Configuration = Configuration()
    ) async throws -> UDPSocket {
        do {
            return try await wrap(bootstrap(configuration).bind(host: host ?? "::", port: port)).get()
        } catch {
            throw NetworkError(error, doing: "listen on \(ListenAddress.text(host: host, port: port))")
        }
    }

    /// A socket that talks to one peer: it receives from that peer alone, and refusals reach ``inbound`` as errors.
    public static func connect(
        host: String, port: Int, configuration: Configuration = Configuration()
    ) async throws -> UDPSocket {
        do {
            return try await wrap(bootstrap(configuration).connect(host: host, port: port)).get()
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

    private static func bootstrap(_ configuration: Configuration) -> DatagramBootstrap {
        let batch = max(1, configuration.batchSize)
        return DatagramBootstrap(group: EventLoops.group)
            .channelOption(.datagramVectorReadMessageCount, value: batch)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: batch * configuration.maximumDatagramSize)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let executor = LoopExecutor.of(channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramCore(executor: executor, queueLimit: max(1, configuration.queueLimit)))
                }
            }
    }

    private static func wrap(_ channel: EventLoopFuture<any Channel>) -> EventLoopFuture<UDPSocket> {
        channel.flatMapThrowing { channel in
            let core = try channel.pipeline.syncOperations.handler(type: DatagramCore.self)
            return UDPSocket(channel: channel, core: core, executor: LoopExecutor.of(channel.eventLoop))
        }
    }

    // MARK: Receiving

    /// What arrives; ends when the socket is closed. One reader at a time.
    ///
    /// A ``NetworkError`` thrown by a connected socket (refused, say) does not end the socket: iterate again.
    public var inbound: Inbound { Inbound(socket: self) }

    /// The sequence of received datagrams.
    public struct Inbound: AsyncSequence, Sendable {
        /// A received datagram.
        public typealias Element = Datagram

        let socket: UDPSocket

        /// Begins to take what arrives.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(socket: socket) }

        /// Takes one datagram after another.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let socket: UDPSocket

            /// The next datagram; suspends until there is one, and is `nil` once the socket is closed.
            public mutating func next() async throws -> Datagram? { try await socket.nextDatagram() }
        }
    }

    private func nextDatagram() async throws -> Datagram? {
        if executor.eventLoop.inEventLoop, let datagram = try core.value.takeDatagram() { return datagram }
        let ticket = tickets.wrappingAdd(1, ordering: .relaxed).newValue
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                onLoop { $0.park(continuation, ticket) }
                // A cancellation before the parking has found nothing to cancel.
                if Task.isCancelled { cancelReader(ticket) }
            }
        } onCancel: {
            cancelReader(ticket)
        }
    }

    private func cancelReader(_ ticket: DatagramCore.Ticket) {
        executor.eventLoop.execute { self.executor.turn { self.core.value.cancelReader(ticket) } }
    }

    /// Calls `handler` on the event loop for each datagram, instead of ``inbound``.
    func setInlineHandler(_ handler: @escaping @Sendable (Datagram) -> Void) {
        onLoop { $0.onDatagram = handler }
    }

    // MARK: Sending

    /// Sends one datagram and returns when the kernel has taken it, which says nothing about its arrival.
    ///
    /// - Parameter address: leave it out on a connected socket.
    /// - Throws: ``NetworkError`` of this send, for example `.messageTooLarge`; the socket lives on.
    public func send(_ payload: ByteBuffer, to address: SocketAddress? = nil) async throws {
        try check(address)
        do {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                onLoop { $0.send(payload, to: address) { continuation.resume(with: $0) } }
            }
        } catch {
            throw NetworkError(
                error, doing: "send \(payload.readableBytes) bytes to \((address ?? remoteAddress)?.text ?? "?")")
        }
    }

    /// Sends text as UTF-8.
    public func send(_ text: String, to address: SocketAddress? = nil) async throws {
        try await send(ByteBuffer(string: text), to: address)
    }

    /// Sends to a host by name. The name is looked up each time: keep the address where that matters.
    ///
    /// An IPv4 socket sends to the host's IPv4 address, another one to the address that the system prefers. Throws
    /// ``NetworkError`` `.hostNotFound` when there is none of that kind.
    public func send(_ payload: ByteBuffer, toHost host: String, port: Int) async throws {
        let family = localAddress?.protocol ?? .inet6
        let address = try await NIOThreadPool.singleton.runIfActive {  // the system's resolver blocks
            try HostLookup.address(of: host, port: port, for: family)
        }
        try await send(payload, to: address)
    }

    /// Sends text to a host by name.
    public func send(_ text: String, toHost host: String, port: Int) async throws {
        try await send(ByteBuffer(string: text), toHost: host, port: port)
    }

    /// Queues a datagram without waiting, for handlers that are not `async`; what is queued in one turn of the event loop
    /// leaves in one system call. What cannot be queued is counted in ``failedSends``; what the kernel refuses later is not
    /// known: use the `async` form where that matters.
    public func send(_ payload: ByteBuffer, to address: SocketAddress) {
        if executor.eventLoop.inEventLoop {
            core.value.enqueue(payload, to: address)  // the usual case: no closure to make
        } else {
            onLoop { $0.enqueue(payload, to: address) }
        }
    }

    /// Queues text without waiting.
    public func send(_ text: String, to address: SocketAddress) {
        send(ByteBuffer(string: text), to: address)
    }

    private func check(_ address: SocketAddress?) throws {
        guard address != nil || remoteAddress != nil else {
            throw NetworkError(.invalidState, "send: the socket is not connected, so it needs an address")
        }
    }

    // MARK: Counting and ending

    /// Datagrams dropped because the reader was behind.
    public var dropped: Int { get async { await read(\.dropped) } }

    /// Sends without `await` that could not be queued: too large, or on a closed socket.
    public var failedSends: Int { get async { await read(\.failedSends) } }

    private func read(_ count: any KeyPath<DatagramCore, Int> & Sendable) async -> Int {
        await withUnsafeContinuation { continuation in
            onLoop { continuation.resume(returning: $0[keyPath: count]) }
        }
    }

    /// Closes the socket behind what is queued.
    public func close() {
        onLoop { $0.close() }
    }

    /// Closes the socket and returns when its port is free again.
    func closeAndWait() async {
        close()
        try? await channel.closeFuture.get()
    }

    func endInput() {
        onLoop { $0.endInput() }
    }

    /// Suspends until the task is cancelled or shut down, or the socket fails.
    func waitUntilStopped() async { await channel.waitUntilStopped() }

    private func onLoop(_ body: @escaping @Sendable (DatagramCore) -> Void) {
        executor.execute { body(self.core.value) }
    }
}
