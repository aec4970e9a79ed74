import CJunctionUDP
import JunctionCore
import JunctionTransport
import Logging
import NIOCore
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

/// One UDP socket's state. Lives on the socket's event loop alone.
///
/// The descriptor is its own from the opening to ``close()``; the watch that tells what has come may change meanwhile.
final class DatagramCore: TurnFlushing {
    /// What is done with a received datagram.
    enum Delivery {
        case queue
        case handler((Datagram) -> Void)
        case sessions(SessionTable)
    }

    /// Watches that end one after another, without a datagram between them, until the socket is given up.
    private static let watchLimit = 8

    let executor: LoopExecutor
    let configuration: UDPSocket.Configuration
    let descriptor: SocketDescriptor
    /// Where other threads see the addresses.
    let addresses: SharedAddresses
    let inbox: DatagramInbox
    /// Succeeds when the socket is closed.
    let closed: EventLoopPromise<Void>
    var delivery = Delivery.queue
    var watch: (any DatagramWatch)?
    var memberships: Set<GroupMembership> = []

    private let logger: Logger
    private let sender: DatagramSender
    private var counts = UDPSocket.Statistics()
    private var blockedSends = 0
    private(set) var isOpen = true
    private var boundAddress: SocketAddress?
    private var peer: PeerKey?
    private var needsFlush = false
    private var isReading = false
    private var endedWatches = 0
    private var batchTime: NIODeadline?
    #if os(Linux) || os(Android)
        private var writeWatch: WriteWatch?
    #endif

    init(
        descriptor: SocketDescriptor, configuration: UDPSocket.Configuration, executor: LoopExecutor,
        addresses: SharedAddresses, logger: Logger
    ) {
        self.descriptor = descriptor
        self.configuration = configuration
        self.executor = executor
        self.addresses = addresses
        self.logger = logger
        inbox = DatagramInbox(limit: configuration.queueLimit, policy: configuration.overflowPolicy)
        closed = executor.eventLoop.makePromise()
        sender = DatagramSender(
            descriptor: descriptor.number, segments: configuration.segmentsOnSend,
            queueLimit: configuration.sendQueueLimit)
        boundAddress = addresses.local
    }

    /// Bytes of one place of the receive buffer: one more than the largest datagram, so that a larger one shows.
    var receiveSlot: Int {
        let whole = 65_536
        guard !configuration.joinsOnReceive else { return whole }
        return min(max(0, configuration.maximumDatagramSize), whole - 1) + 1
    }

    // MARK: Watching

    /// Begins to receive: by NIO's channel, or by the poller where the socket is connected.
    func startWatching() throws -> EventLoopFuture<Void> {
        #if os(Linux) || os(Android)
            if peer != nil {
                try PollerWatch.start(for: self)
                return executor.eventLoop.makeSucceededVoidFuture()
            }
        #endif
        return try ChannelWatch.start(for: self)
    }

    private func changeWatch() {
        if isReading { readCompleted() }
        watch?.stop()
        watch = nil
        #if os(Linux) || os(Android)
            writeWatch?.stop()
            writeWatch = nil
        #endif
        do {
            let bound = NIOLoopBound(self, eventLoop: executor.eventLoop)
            try startWatching().whenFailure { bound.value.giveUp($0) }
        } catch {
            giveUp(error)
        }
        waitForRoom()
    }

    /// NIO has closed its channel, which the socket survives.
    func watchEnded() {
        guard isOpen else { return }
        watch = nil
        endedWatches += 1
        guard endedWatches < Self.watchLimit else {
            return giveUp(NetworkError(.other, "receive: the socket fails again and again"))
        }
        changeWatch()
    }

    private func giveUp(_ error: any Error) {
        receiveFailed(error)
        close()
    }

    // MARK: Receiving

    /// A datagram has come.
    func receive(
        _ payload: ByteBuffer, from sender: SocketAddress, destination: SocketAddress? = nil, interface: Int? = nil
    ) {
        isReading = true
        guard configuration.receiveFilter.permits(sender), peer == nil || peer == PeerKey(sender) else {
            counts.blocked += 1
            return
        }
        let size = payload.readableBytes
        counts.received += 1
        guard size > configuration.maximumDatagramSize else {
            counts.receivedBytes += size
            return deliver(
                Datagram(sender: sender, payload: payload, destination: destination, interfaceIndex: interface))
        }
        counts.receivedBytes += configuration.maximumDatagramSize
        counts.truncated += 1
        let beginning = payload.getSlice(at: payload.readerIndex, length: max(0, configuration.maximumDatagramSize))
        deliver(
            Datagram(
                sender: sender, payload: beginning ?? ByteBuffer(), isTruncated: true, destination: destination,
                interfaceIndex: interface))
    }

    private func deliver(_ datagram: Datagram) {
        switch delivery {
        case .handler(let handler):
            if !inbox.hasEnded { handler(datagram) }
        case .queue:
            guard !inbox.hasEnded else { return }
            if !inbox.append(datagram) { countOverflow(of: datagram) }
        case .sessions(let table):
            let now = batchTime ?? .now()
            batchTime = now
            switch table.receive(datagram, now: now) {
            case .taken: break
            case .overflow: countOverflow(of: datagram)
            case .refused: countRefusal(of: datagram)
            }
        }
    }

    /// Delivers a datagram that was queued before the way of delivery was known.
    func redeliver(_ datagram: Datagram) { deliver(datagram) }

    /// All datagrams of one read have been delivered.
    func readCompleted() {
        counts.receiveBatches += isReading ? 1 : 0
        endedWatches = 0
        batchTime = nil
        executor.turn {}  // the tasks that were woken
        isReading = false
        flushNow()
    }

    /// For example the ICMP answer to an earlier datagram of a connected socket. The socket lives on.
    func receiveFailed(_ error: any Error) {
        let error = NetworkError(error, doing: "receive")
        logger.debug("receiving failed", metadata: ["error": "\(error)"])
        inbox.fail(error)
    }

    /// Ends what readers get behind what is queued. What comes later is not looked at.
    func endInput() {
        inbox.end()
        if case .sessions(let table) = delivery { table.endAll() }
    }

    // The first, and then ever more rarely: a flood must not fill the log as well.
    private func countOverflow(of datagram: Datagram) {
        counts.droppedByOverflow += 1
        guard counts.droppedByOverflow.nonzeroBitCount == 1 else { return }
        logger.warning(
            "a reader is behind, datagrams dropped",
            metadata: ["peer": "\(datagram.sender.text)", "dropped": "\(counts.droppedByOverflow)"])
    }

    private func countRefusal(of datagram: Datagram) {
        counts.refusedBySessionLimit += 1
        guard counts.refusedBySessionLimit.nonzeroBitCount == 1 else { return }
        logger.warning(
            "too many UDP sessions, datagrams dropped",
            metadata: ["peer": "\(datagram.sender.text)", "dropped": "\(counts.refusedBySessionLimit)"])
    }

    // MARK: Sending

    /// Sends now and wakes `waiter` when the kernel has taken the datagram, or has refused it.
    func send(_ payload: ByteBuffer, to address: SocketAddress?, waiter: DatagramSender.Waiter) {
        do {
            let peer = try destination(address)
            sender.add(payload, to: peer, waiter: waiter)
            flush()
        } catch {
            sender.countFailure()
            waiter.resume(throwing: error)
        }
    }

    /// Sends with everything else that is queued in this turn of the loop; what cannot be queued is counted.
    func enqueue(_ payload: ByteBuffer, to address: SocketAddress?) {
        guard let peer = try? destination(address) else { return sender.countFailure() }
        sender.add(payload, to: peer)
        guard !needsFlush else { return }
        needsFlush = true
        if !isReading { executor.flushAtTurnEnd(self) }  // the end of the read flushes as well
    }

    private func destination(_ address: SocketAddress?) throws -> PeerKey {
        guard isOpen else { throw ChannelError.alreadyClosed }
        guard let address else {
            guard peer != nil else {
                throw NetworkError(.notConnected, "send: the socket is not connected, so it needs an address")
            }
            return .connected
        }
        guard var key = PeerKey(address) else {
            throw NetworkError(.addressFamilyNotSupported, "send: UDP has no addresses that are paths")
        }
        if descriptor.isIPv6 { key = key.asIPv6 }
        if let peer {
            guard peer == key else {
                throw NetworkError(
                    .alreadyConnected, "send to \(address.text): the socket is connected to another peer")
            }
            return .connected
        }
        guard configuration.sendFilter.permits(address) else {
            throw NetworkError(.addressBlocked, "send to \(address.text): the address is not permitted")
        }
        return key
    }

    private func flush() {
        needsFlush = false
        sender.flush()
        waitForRoom()
    }

    func flushNow() {
        if needsFlush { flush() }
    }

    /// Whether the kernel has no room for what is queued.
    var isBlocked: Bool { sender.isBlocked }

    /// The kernel may have room again.
    func writable() {
        #if os(Linux) || os(Android)
            writeWatch = nil
        #endif
        guard isOpen, sender.isBlocked else { return }
        sender.resume()
        waitForRoom()
    }

    private func waitForRoom() {
        guard isOpen, sender.isBlocked else { return }
        #if os(Linux) || os(Android)
            if let watch = watch as? PollerWatch { return watch.arm() }
            if writeWatch == nil { writeWatch = try? WriteWatch(self) }
            if writeWatch != nil { return }
        #endif
        let bound = NIOLoopBound(self, eventLoop: executor.eventLoop)
        executor.eventLoop.scheduleTask(in: .milliseconds(1)) { bound.value.writable() }
    }

    // MARK: Connecting and closing

    /// Has the kernel deliver from one peer alone, and report what is refused there.
    func connect(to address: SocketAddress) throws {
        guard isOpen else { throw ChannelError.alreadyClosed }
        guard peer == nil else { throw IOError(errnoCode: EISCONN, reason: "connect") }
        guard configuration.sendFilter.permits(address) else {
            throw NetworkError(.addressBlocked, "connect to \(address.text): the address is not permitted")
        }
        flush()
        try descriptor.connect(to: address)
        addresses.update(local: descriptor.localAddress, remote: descriptor.remoteAddress ?? address)
        peer = addresses.remote.flatMap(PeerKey.init)
        if let peer { sender.connected(to: peer) }
        changeWatch()
    }

    /// Undoes ``connect(to:)``.
    func disconnect() throws {
        guard isOpen else { throw ChannelError.alreadyClosed }
        guard peer != nil else { throw IOError(errnoCode: ENOTCONN, reason: "disconnect") }
        flush()
        try descriptor.disconnect(restoring: boundAddress)
        peer = nil
        addresses.update(local: descriptor.localAddress, remote: nil)
        changeWatch()
    }

    /// An adopted socket that is connected already.
    func noteConnected(to address: SocketAddress) {
        peer = PeerKey(address)
        if let peer { sender.connected(to: peer) }
    }

    /// Closes behind what is queued; what the kernel has no room for fails.
    func close() {
        guard isOpen else { return }
        isOpen = false
        needsFlush = false
        sender.close()
        watch?.stop()
        watch = nil
        #if os(Linux) || os(Android)
            writeWatch?.stop()
            writeWatch = nil
        #endif
        // The counters go with the descriptor.
        counts.droppedByKernel = kernelDrops
        descriptor.closeDescriptor()
        endInput()
        delivery = .queue  // lets go of handlers, which hold the socket
        addresses.update(local: addresses.local, remote: nil)
        closed.succeed()
    }

    // MARK: Counting

    var statistics: UDPSocket.Statistics {
        var all = counts
        all.sent = sender.sent
        all.sentBytes = sender.sentBytes
        all.failedSends = sender.failed
        all.sendCalls = sender.calls
        all.sendMessages = sender.messages
        if isOpen { all.droppedByKernel = kernelDrops }
        return all
    }

    private var kernelDrops: Int? {
        let drops = junction_udp_kernel_drops(descriptor.number)
        return drops < 0 ? nil : Int(drops)
    }

    /// Datagrams and bytes that wait because the kernel has no room, or for the end of the turn.
    var sendQueue: (count: Int, bytes: Int) { (sender.queuedCount, sender.queuedBytes) }
}

/// A socket's addresses for readers on any thread.
final class SharedAddresses: Sendable {
    private let state: Mutex<(local: SocketAddress?, remote: SocketAddress?)>

    init(local: SocketAddress?, remote: SocketAddress?) { state = Mutex((local, remote)) }

    var local: SocketAddress? { state.withLock { $0.local } }
    var remote: SocketAddress? { state.withLock { $0.remote } }

    func update(local: SocketAddress?, remote: SocketAddress?) { state.withLock { $0 = (local, remote) } }
}
