import CJunctionUDP
import JunctionTransport
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// What tells a socket's core that datagrams have come. Lives on the event loop.
protocol DatagramWatch: AnyObject {
    /// Stops telling, without a last word.
    func stop()
}

/// Watches by a NIO channel, which reads many datagrams in one system call.
///
/// The channel has a duplicate of the descriptor, so that the socket outlives it.
final class ChannelWatch: ChannelInboundHandler, DatagramWatch {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let core: DatagramCore
    private var context: ChannelHandlerContext?
    private var isStopped = false

    private init(_ core: DatagramCore) { self.core = core }

    /// Begins to watch; the future fails with what hinders it. Only on the core's loop.
    static func start(for core: DatagramCore) throws -> EventLoopFuture<Void> {
        let watch = ChannelWatch(core)
        let configuration = core.configuration
        let batch = max(1, configuration.batchSize)
        let eventLoop = core.executor.eventLoop
        let bound = NIOLoopBound(watch, eventLoop: eventLoop)
        var bootstrap = DatagramBootstrap(group: eventLoop)
            .channelOption(.datagramVectorReadMessageCount, value: batch)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: batch * core.receiveSlot)
            )
            .channelOption(.maxMessagesPerRead, value: 1)  // what is left makes the socket readable again
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        if configuration.reportsDestination || configuration.joinsOnReceive {
            // NIO looks at the messages of the kernel beside a datagram when it is asked for segment sizes.
            bootstrap = bootstrap.channelOption(.datagramReceiveSegmentSize, value: true)
        }
        let descriptor = try core.descriptor.duplicate()
        core.watch = watch
        return bootstrap.withBoundSocket(descriptor).map { _ in }
    }

    func stop() {
        isStopped = true
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isStopped else { return }
        let envelope = unwrapInboundIn(data)
        guard let metadata = envelope.metadata else {
            return core.receive(envelope.data, from: envelope.remoteAddress)
        }
        let (destination, interface) = (metadata.packetInfo?.destinationAddress, metadata.packetInfo?.interfaceIndex)
        guard let segment = metadata.segmentSize, segment > 0, envelope.data.readableBytes > segment else {
            return core.receive(
                envelope.data, from: envelope.remoteAddress, destination: destination, interface: interface)
        }
        var joined = envelope.data
        while let datagram = joined.readSlice(length: min(segment, joined.readableBytes)), datagram.readableBytes > 0 {
            core.receive(datagram, from: envelope.remoteAddress, destination: destination, interface: interface)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isStopped { core.readCompleted() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isStopped { core.receiveFailed(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if !isStopped { core.watchEnded() }
    }
}

#if os(Linux) || os(Android)
    /// Watches a connected socket by the poller and reads it one datagram at a time.
    final class PollerWatch: DatagramWatch {
        /// Datagrams read before other work of the loop gets its chance.
        private static let readLimit = 64

        private let core: DatagramCore
        private let poller: ReadinessPoller
        private var token: ReadinessPoller.Token?
        private let buffer: UnsafeMutableRawBufferPointer

        private init(_ core: DatagramCore, _ poller: ReadinessPoller) {
            self.core = core
            self.poller = poller
            buffer = .allocate(byteCount: core.receiveSlot, alignment: 16)
        }

        deinit { buffer.deallocate() }

        /// Begins to watch. Only on the core's loop.
        static func start(for core: DatagramCore) throws {
            let watch = PollerWatch(core, try .shared())
            let bound = NIOLoopBound(watch, eventLoop: core.executor.eventLoop)
            let token = watch.poller.register { [executor = core.executor] in
                executor.execute { bound.value.ready() }
            }
            watch.token = token
            do {
                try watch.poller.arm(token, core.descriptor.number, readable: true, writable: core.isBlocked)
            } catch {
                watch.stop()
                throw error
            }
            core.watch = watch
        }

        func stop() {
            guard let token else { return }
            self.token = nil
            poller.remove(token, core.descriptor.number)
        }

        /// Asks for another event, which room for sending is as well if the core waits for that.
        func arm() {
            guard let token else { return }
            do {
                try poller.arm(token, core.descriptor.number, readable: true, writable: core.isBlocked)
            } catch {
                core.receiveFailed(error)
            }
        }

        private func ready() {
            guard token != nil else { return }
            read()
            core.writable()
            arm()
        }

        private func read() {
            var from = sockaddr_storage()
            var truncated: CInt = 0
            for _ in 0..<Self.readLimit where token != nil {
                let size = junction_udp_receive(
                    core.descriptor.number, buffer.baseAddress, buffer.count, &from,
                    MemoryLayout<sockaddr_storage>.size, &truncated)
                if size < 0 {
                    let code = CInt(truncatingIfNeeded: -size)
                    if code == EAGAIN || code == EWOULDBLOCK { break }
                    core.receiveFailed(IOError(errnoCode: code, reason: "recvmsg"))
                    continue
                }
                guard let sender = SocketAddress(from) else { continue }
                let payload = ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: buffer[..<min(size, buffer.count)]))
                core.receive(payload, from: sender)
            }
            core.readCompleted()
        }
    }

    /// Waits until an unconnected socket has room for sending.
    final class WriteWatch {
        private let core: DatagramCore
        private let poller: ReadinessPoller
        private var token: ReadinessPoller.Token?

        /// Begins to wait. Only on the core's loop.
        init(_ core: DatagramCore) throws {
            self.core = core
            poller = try .shared()
            let bound = NIOLoopBound(self, eventLoop: core.executor.eventLoop)
            let token = poller.register { [executor = core.executor] in
                executor.execute { bound.value.ready() }
            }
            self.token = token
            try poller.arm(token, core.descriptor.number, readable: false, writable: true)
        }

        func stop() {
            guard let token else { return }
            self.token = nil
            poller.remove(token, core.descriptor.number)
        }

        private func ready() {
            guard token != nil else { return }
            stop()
            core.writable()
        }
    }
#endif
