public import JunctionCore
public import JunctionTLS
import JunctionTransport
public import NIOCore
import Synchronization

/// A TCP connection: an ordered stream of bytes, or of messages when it has a ``Framing``.
///
/// Every call may be made from any task; calls from a server's handler run on the connection's own event loop and do not
/// switch threads.
public final class TCPConnection: Sendable {
    /// The peer's address: the one that it says by the PROXY protocol, where that is on.
    public let remoteAddress: SocketAddress?
    /// This side's address.
    public let localAddress: SocketAddress?

    /// The task of a server's handler, which a forced close cancels.
    let handler = Mutex<Task<Void, Never>?>(nil)

    let executor: LoopExecutor
    private let channel: any Channel
    private let core: NIOLoopBound<ConnectionCore>
    private let tickets = Atomic<ConnectionCore.Ticket>(0)

    /// Only on the channel's loop.
    init(channel: any Channel, core: ConnectionCore, executor: LoopExecutor, remoteAddress: SocketAddress?) {
        self.channel = channel
        self.remoteAddress = remoteAddress
        self.localAddress = channel.localAddress
        self.executor = executor
        self.core = NIOLoopBound(core, eventLoop: channel.eventLoop)
    }

    // MARK: Reading

    /// What the peer sends, in order; ends when the peer ends its side.
    ///
    /// Nothing more is read from the kernel while the reader is behind. One reader at a time. Throws ``NetworkError`` when
    /// the connection fails, and `CancellationError` when the task is cancelled.
    public var inbound: Inbound { Inbound(connection: self) }

    /// The sequence of received messages.
    public struct Inbound: AsyncSequence, Sendable {
        /// A chunk of the stream, or a whole message when the connection has a framing.
        public typealias Element = ByteBuffer

        let connection: TCPConnection

        /// Begins to take what arrives.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(connection: connection) }

        /// Takes one message after another.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let connection: TCPConnection

            /// The next message; suspends until there is one, and is `nil` once the peer has ended its side.
            public nonisolated(nonsending) mutating func next() async throws -> ByteBuffer? {
                try await connection.nextMessage()
            }

            /// The next message, as ``next()``; `for await` calls this.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
                try await connection.nextMessage()
            }
        }
    }

    @inline(__always)  // a frame less in the memory of every idle connection's task
    private nonisolated(nonsending) func nextMessage() async throws -> ByteBuffer? {
        if executor.eventLoop.inEventLoop, let message = try core.value.takeMessage() { return message }
        let ticket = nextTicket()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if executor.eventLoop.inEventLoop {
                    core.value.park(continuation, ticket)  // the usual case: no closure to make
                } else {
                    onLoop { $0.park(continuation, ticket) }
                }
                // A cancellation before the parking has found nothing to cancel.
                if Task.isCancelled { cancelReader(ticket) }
            }
        } onCancel: {
            cancelReader(ticket)
        }
    }

    private func cancelReader(_ ticket: ConnectionCore.Ticket) {
        executor.eventLoop.execute { self.executor.turn { self.core.value.cancelReader(ticket) } }
    }

    // MARK: Writing

    /// Sends `bytes`, as one frame when the connection has a framing.
    ///
    /// Returns when the bytes are queued; suspends while more is queued than the high-water mark, that is while the peer
    /// does not read. What is written in one turn of the event loop leaves together.
    ///
    /// - Throws: ``NetworkError`` `.brokenPipe` when the connection is closed; what has failed, for example `.timedOut`, when
    ///   that happens while the call waits; `CancellationError` when the task is cancelled meanwhile, which does not take
    ///   back what is queued.
    public nonisolated(nonsending) func write(_ bytes: ByteBuffer) async throws {
        if executor.eventLoop.inEventLoop {
            let core = core.value
            try core.write(bytes)
            if core.mayGoOn { return }
        } else {
            try await withUnsafeThrowingContinuation { (continuation: ConnectionCore.Writer) in
                onLoop { core in continuation.resume(with: Result { try core.write(bytes) }) }
            }
        }
        try await untilWritable()
    }

    /// Sends text as UTF-8.
    public nonisolated(nonsending) func write(_ text: String) async throws {
        try await write(ByteBuffer(string: text))
    }

    /// Sends several buffers behind one another, as one frame when the connection has a framing; they leave together.
    ///
    /// Suspends and throws as `write(_:)` does.
    public func write(contentsOf parts: [ByteBuffer]) async throws {
        try await withUnsafeThrowingContinuation { (continuation: ConnectionCore.Writer) in
            onLoop { core in continuation.resume(with: Result { try core.write(contentsOf: parts) }) }
        }
        try await untilWritable()
    }

    /// Queues `bytes` without waiting, for handlers that are not `async`. On a closed connection it does nothing.
    ///
    /// A server's inline handler is given no more input while the peer does not read; elsewhere prefer the `async` form. A
    /// peer that more than ``Configuration/maximumBufferedBytes`` wait for is cut off with the next such write.
    public func write(_ bytes: ByteBuffer) {
        if executor.eventLoop.inEventLoop {
            core.value.enqueue(bytes)  // the usual case: no closure to make
        } else {
            onLoop { $0.enqueue(bytes) }
        }
    }

    /// Queues text as UTF-8 without waiting.
    public func write(_ text: String) {
        write(ByteBuffer(string: text))
    }

    private nonisolated(nonsending) func untilWritable() async throws {
        let ticket = nextTicket()
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                onLoop { $0.parkWriter(continuation, ticket) }
                if Task.isCancelled { cancelWriter(ticket) }
            }
        } onCancel: {
            cancelWriter(ticket)
        }
    }

    private func cancelWriter(_ ticket: ConnectionCore.Ticket) {
        executor.eventLoop.execute { self.executor.turn { self.core.value.cancelWriter(ticket) } }
    }

    private func nextTicket() -> ConnectionCore.Ticket {
        tickets.wrappingAdd(1, ordering: .relaxed).newValue
    }

    // MARK: Ending

    /// Ends the write side behind what is queued; reading goes on until the peer ends its side (half-close).
    public func finish() {
        onLoop { $0.finish() }
    }

    /// Ends the read side: ``inbound`` ends, and what the peer still sends is dropped; writing goes on.
    public func stopReading() {
        onLoop { $0.stopReading() }
    }

    /// Closes both sides behind what is queued. A server does it when the handler returns.
    ///
    /// The peer has ``Configuration/lingerTimeout`` to end its side; what it sends meanwhile is dropped.
    public func close() {
        onLoop { $0.close(.localClosed) }
    }

    /// Closes at once with a reset (RST): what is queued is lost, and the peer's calls fail with
    /// ``NetworkError/Code/connectionReset``.
    public func reset() {
        onLoop { $0.reset() }
    }

    /// Suspends until the connection has ended on both sides.
    public func waitUntilClosed() async {
        try? await channel.closeFuture.get()
    }

    // MARK: State

    /// Why the connection ended; `nil` while it is open.
    public var closeReason: CloseReason? {
        get async { await read { $0.isOpen ? nil : $0.closeReason } }
    }

    /// Which sides are open.
    public var readyState: ReadyState {
        get async { await read { $0.readyState } }
    }

    /// Bytes received so far.
    public var bytesRead: UInt64 {
        get async { await read { $0.bytesRead } }
    }

    /// Bytes written so far, framing included, whether the peer has taken them or not.
    public var bytesWritten: UInt64 {
        get async { await read { $0.output.bytesWritten + UInt64($0.output.pendingBytes) } }
    }

    /// Frames that broke the framing and were skipped; see ``Framing/onViolation(_:)``.
    public var skippedViolations: Int {
        get async { await read { $0.skippedViolations } }
    }

    /// Bytes written that the kernel has not taken yet, because the peer reads slowly.
    public var queuedBytes: Int {
        get async { await read { $0.queuedBytes } }
    }

    /// What the TLS handshake agreed on; `nil` without TLS.
    public var tlsSession: TLSSession? {
        get async { await read { $0.tls?.session } }
    }

    /// Returns when the TLS handshake is done.
    func waitUntilSecured() async throws {
        _ = try await channel.eventLoop.flatSubmit { [core] in
            core.value.tls?.handshake.map { _ in } ?? core.value.executor.eventLoop.makeSucceededVoidFuture()
        }.get()
    }

    private func read<Value: Sendable>(_ value: @escaping @Sendable (ConnectionCore) -> Value) async -> Value {
        await withUnsafeContinuation { continuation in
            onLoop { continuation.resume(returning: value($0)) }
        }
    }

    // MARK: Options

    /// Changes the silence that is allowed; `nil` allows any. The time counts from now.
    public func setIdleTimeout(_ timeout: Duration?) {
        onLoop { $0.setIdleLimit(timeout.map(TimeAmount.init)) }
    }

    /// Sends small writes at once (`TCP_NODELAY`), or lets the system wait for more.
    public func setNoDelay(_ isOn: Bool) async throws {
        try await setOption { try SocketOptions.setNoDelay(isOn, on: $0) }
    }

    /// Changes the probes of an idle connection; `nil` ends them.
    public func setKeepAlive(_ keepAlive: SocketOptions.KeepAlive?) async throws {
        try await setOption { try SocketOptions.setKeepAlive(keepAlive, on: $0) }
    }

    /// Changes the type-of-service byte of outgoing packets.
    public func setTypeOfService(_ value: UInt8) async throws {
        try await setOption { try SocketOptions.setTypeOfService(value, on: $0) }
    }

    /// - Throws: ``NetworkError`` when the system refuses, or the connection is closed.
    private func setOption(_ set: @escaping @Sendable (CInt) throws -> Void) async throws {
        try await withDescriptor(doing: "set an option", set)
    }

    /// Calls `body` with the socket, on the event loop; a connection in memory has none.
    @discardableResult
    func withDescriptor<Result: Sendable>(
        doing action: String, _ body: @escaping @Sendable (CInt) throws -> Result
    ) async throws -> Result? {
        let channel = channel
        return try await channel.eventLoop.submit {
            guard channel.isActive else { throw NetworkError(.notConnected, "\(action): the connection is closed") }
            return try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self, body)
        }.get()
    }

    /// Runs `body` with the connection's state, in a turn of its loop.
    private func onLoop(_ body: @escaping @Sendable (ConnectionCore) -> Void) {
        executor.execute { body(self.core.value) }
    }
}

extension TCPConnection: Drainable {
    package func beginDrain() { onLoop { $0.beginDrain() } }
    package func forceClose() {
        onLoop { $0.abort(.shutdown) }
        handler.withLock { $0 }?.cancel()
    }
}
