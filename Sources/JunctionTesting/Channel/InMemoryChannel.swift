import JunctionTransport
package import NIOCore
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

/// One end of a link: a channel that behaves as NIO's TCP channels do, with another such channel in place of the kernel.
///
/// NIO's own channels for tests know no back pressure, no half-close and no peer.
///
/// `@unchecked Sendable`: what is mutable is touched on `eventLoop` alone, but for the two atomics.
package final class InMemoryChannel: Channel, ChannelCore, ResettableChannel, @unchecked Sendable {
    private enum Stage {
        case made
        case active
        case closed
    }

    package let eventLoop: any EventLoop
    package let allocator = ByteBufferAllocator()
    package let localAddress: SocketAddress?
    package let remoteAddress: SocketAddress?
    package var parent: (any Channel)? { nil }
    package private(set) lazy var pipeline = ChannelPipeline(channel: self)

    var options = Options()
    /// The next write fails with this error, as one that the kernel refuses.
    var nextWriteError: (any Error)?

    private let incoming: ByteStream
    private let outgoing: ByteStream
    private let closePromise: EventLoopPromise<Void>
    private let active = Atomic(false)
    private let writable = Atomic(true)

    private var stage = Stage.made
    private var readPending = false
    private var inputShutdown = false
    private var output = OutputQueue()
    private var outputShutdown = false
    private var announcedWritability = true
    private var isFlushing = false
    private var closesByReset = false
    /// The end of the write side that waits for what was written before it.
    private var outputEnds: [EventLoopPromise<Void>?] = []

    private init(
        loop: any EventLoop, incoming: ByteStream, outgoing: ByteStream, local: SocketAddress, remote: SocketAddress
    ) {
        self.eventLoop = loop
        self.incoming = incoming
        self.outgoing = outgoing
        self.localAddress = local
        self.remoteAddress = remote
        self.closePromise = loop.makePromise()
        _ = pipeline  // made here, so that other threads only read it
    }

    /// Two channels that are each other's peer. Neither is active before ``registerAlreadyConfigured0(promise:)``.
    package static func pair(
        on loop: any EventLoop, conditions: InMemoryLink.Conditions, client: SocketAddress, server: SocketAddress
    ) -> (client: InMemoryChannel, server: InMemoryChannel) {
        let toServer = ByteStream(loop: loop, conditions: conditions, direction: 0)
        let toClient = ByteStream(loop: loop, conditions: conditions, direction: 1)
        toServer.reverse = toClient
        toClient.reverse = toServer
        let ends = (
            client: InMemoryChannel(loop: loop, incoming: toClient, outgoing: toServer, local: client, remote: server),
            server: InMemoryChannel(loop: loop, incoming: toServer, outgoing: toClient, local: server, remote: client)
        )
        (toServer.sender, toServer.receiver) = (ends.client, ends.server)
        (toClient.sender, toClient.receiver) = (ends.server, ends.client)
        return ends
    }

    package var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    package var isActive: Bool { active.load(ordering: .relaxed) }
    package var isWritable: Bool { writable.load(ordering: .relaxed) }
    package var _channelCore: any ChannelCore { self }

    var bufferedWritableBytes: Int { output.bufferedBytes }
    /// What this end has sent and the peer has not read.
    var sentAndNotRead: Int { outgoing.bufferedBytes }
    var isOpen: Bool { stage != .closed }

    /// The connection breaks, for both ends, when this end's byte at `position` would arrive.
    func breakConnection(at position: Int) { outgoing.breakPosition = position }
    func breakConnection() { outgoing.breakConnection() }

    // MARK: Beginning

    package func localAddress0() throws -> SocketAddress { try known(localAddress) }
    package func remoteAddress0() throws -> SocketAddress { try known(remoteAddress) }

    private func known(_ address: SocketAddress?) throws -> SocketAddress {
        guard let address else { throw ChannelError.operationUnsupported }
        return address
    }

    package func register0(promise: EventLoopPromise<Void>?) { registerAlreadyConfigured0(promise: promise) }

    /// Opens this end; as with an accepted socket, the handlers are in place by then.
    package func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) {
        guard stage == .made else {
            promise?.fail(isOpen ? ChannelError.inappropriateOperationForState : ChannelError.ioOnClosedChannel)
            return
        }
        stage = .active
        active.store(true, ordering: .relaxed)
        promise?.succeed(())
        pipeline.syncOperations.fireChannelRegistered()
        guard isActive else { return }
        pipeline.syncOperations.fireChannelActive()
        flushNow()
        readIfNeeded()
    }

    package func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func channelRead0(_ data: NIOAny) {}
    package func errorCaught0(error: any Error) {}

    // MARK: Reading

    package func read0() {
        guard isOpen, !inputShutdown else { return }
        readPending = true
        // In a turn of its own, as the readiness of a socket.
        if incoming.hasArrivedBytes { eventLoop.assumeIsolated().execute { self.inputHasArrived() } }
    }

    private func readIfNeeded() {
        if isActive, !inputShutdown, !readPending, options.autoRead { pipeline.syncOperations.read() }
    }

    /// Something is there to be read.
    func inputHasArrived() {
        if isActive, readPending, !inputShutdown, incoming.hasArrivedBytes { readOnce() }
    }

    private func readOnce() {
        for _ in 0..<max(1, options.maxMessagesPerRead) {
            guard isActive, !inputShutdown, incoming.hasArrivedBytes else { break }
            var buffer = options.recvAllocator.buffer(allocator: allocator)
            if buffer.writableBytes == 0 { buffer.reserveCapacity(minimumWritableBytes: 1) }
            incoming.read(into: &buffer)
            _ = options.recvAllocator.record(actualReadBytes: buffer.readableBytes)
            readPending = false
            let isFull = buffer.writableBytes == 0
            pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
            guard isFull else { break }
        }
        if isActive { pipeline.syncOperations.fireChannelReadComplete() }
        readIfNeeded()
    }

    /// NIO reads all that is left when it learns of the end of a stream, whether it was asked to or not.
    private func readTheRest() {
        while isActive, !inputShutdown, incoming.hasArrivedBytes { readOnce() }
    }

    func inputHasEnded() {
        readTheRest()
        guard isActive, !inputShutdown else { return }
        pipeline.syncOperations.fireChannelReadComplete()
        readPending = false
        close0(error: ChannelError.eof, mode: options.allowRemoteHalfClosure ? .input : .all, promise: nil)
    }

    func inputWasReset() {
        readTheRest()
        guard isActive else { return }
        let error = IOError(errnoCode: ECONNRESET, reason: "read(in memory)")
        if !inputShutdown { pipeline.syncOperations.fireErrorCaught(error) }
        close0(error: error, mode: .all, promise: nil)
    }

    // MARK: Writing

    package func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard !outputShutdown else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        guard let bytes = tryUnwrapData(data, as: ByteBuffer.self) else {
            promise?.fail(ChannelError.operationUnsupported)  // a region of a file
            return
        }
        output.append(bytes, promise)
        guard output.bufferedBytes > options.writeBufferWaterMark.high, isWritable else { return }
        writable.store(false, ordering: .relaxed)
        announceWritability()
    }

    package func flush0() {
        guard isOpen else { return }
        output.markFlush()
        flushNow()
    }

    /// The peer has read something of what filled the way.
    func outputHasRoom() { flushNow() }

    private func flushNow() {
        guard isActive, !isFlushing else { return }
        isFlushing = true
        var isBlocked = false
        while isActive, output.isFlushPending, !isBlocked {
            if let error = nextWriteError {
                nextWriteError = nil
                readTheRest()
                close0(error: error, mode: .all, promise: nil)
                break
            }
            let written = output.sendFirst(to: outgoing)
            isBlocked = written == nil
            if output.bufferedBytes < options.writeBufferWaterMark.low { writable.store(true, ordering: .relaxed) }
            written?()
            // When all is sent that can be: what the handlers write then goes the same way.
            if isBlocked || !output.isFlushPending { announceWritability() }
        }
        isFlushing = false
        if isActive, !outputEnds.isEmpty, output.isEmpty { shutOutputDown() }
    }

    private func announceWritability() {
        guard isActive, isWritable != announcedWritability else { return }
        announcedWritability = isWritable
        pipeline.syncOperations.fireChannelWritabilityChanged()
    }

    // MARK: Ending

    package func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch mode {
        case .output:
            guard !outputShutdown else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            if inputShutdown { return closeAll(error, promise) }
            outputEnds.append(promise)
            if output.isEmpty { shutOutputDown() }
        case .input:
            guard !inputShutdown else {
                promise?.fail(ChannelError.inputClosed)
                return
            }
            if outputShutdown { return closeAll(error, promise) }
            inputShutdown = true
            promise?.succeed(())
            pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .all:
            closeAll(error, promise)
        }
    }

    package func resetOnClose() { closesByReset = true }

    private func shutOutputDown() {
        // As NIO does: a peer that has ended its side meanwhile makes it a full close.
        if inputShutdown { return closeAll(ChannelError.outputClosed, nil) }
        outputShutdown = true
        outgoing.sendEnd()
        let ends = outputEnds
        outputEnds.removeAll()
        for end in ends { end?.succeed(()) }
        pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
    }

    private func closeAll(_ error: any Error, _ promise: EventLoopPromise<Void>?) {
        let wasActive = isActive
        stage = .closed
        active.store(false, ordering: .relaxed)

        // What the kernel does: a close with unread input is a reset (RFC 2525 section 2.17), and so is one without lingering.
        if incoming.receiverHasClosed() || closesByReset {
            outgoing.sendReset()
        } else if !outputShutdown {
            outgoing.sendEnd()
        }
        outgoing.sender = nil

        let ends = outputEnds
        outputEnds.removeAll()
        output.failAll(error)
        for end in ends { end?.fail(error) }
        promise?.succeed(())
        if wasActive {
            pipeline.syncOperations.fireChannelInactive()
            pipeline.syncOperations.fireChannelUnregistered()
        }
        // Later: handlers may still be walking through the pipeline.
        eventLoop.assumeIsolated().execute {
            self.removeHandlers(pipeline: self.pipeline)
            self.closePromise.succeed(())
        }
    }
}
