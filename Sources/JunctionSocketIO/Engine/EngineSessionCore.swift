import EngineIOProtocol
import JunctionCore
import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOHTTP1
import Synchronization

/// What a session tells the layer above, on its event loop.
protocol EngineSessionDelegate: AnyObject {
    /// A message came.
    func received(text: consuming ByteBuffer)
    /// A message came.
    func received(binary: consuming ByteBuffer)
    /// The server goes away; the session is closed next.
    func shutDown()
    /// The session is over. Called once, last.
    func closed(_ reason: EngineCloseReason)
}

/// A session's state and transports. Lives on one event loop, whichever connections its requests come by.
final class EngineSessionCore: TurnFlushing, HTTPExchangeObserver {
    let id: String
    let request: RequestInfo
    let executor: LoopExecutor
    // Each of the unchecked ones is used in places that call nothing which comes back to it in the midst of a change: no need
    // to check for that a message at a time.
    @exclusivity(unchecked) var delegate: (any EngineSessionDelegate)?
    /// Who sees every packet besides; `nil` while nobody does.
    @exclusivity(unchecked) var observer: EngineSessionObserver?
    /// The session has moved to WebSocket. Read from any thread.
    let isUpgraded = Atomic(false)

    let options: EngineIOOptions
    private let onEnd: () -> Void
    @exclusivity(unchecked) var machine: EngineServerSession
    private var heartbeat: Heartbeat
    private var heartbeatTimer: Scheduled<Void>?
    /// Ends an upgrade or an orderly close that the client does not complete.
    private var patienceTimer: Scheduled<Void>?
    /// Carries the session, or is about to.
    @exclusivity(unchecked) var webSocket: WebSocketLink? {
        didSet { localSocket = webSocket?.local }
    }
    /// The connection under it, when it is on this loop.
    @exclusivity(unchecked) private(set) var localSocket: WebSocketHandler?
    /// Where messages wait while the client is behind; `nil` while they wait in the transport alone.
    var backlog: SessionBacklog?
    /// Messages that were dropped because the client was behind.
    var droppedMessages = 0
    /// Counts them for the whole server.
    var losses: LossLog?
    private var poll: Answer?
    /// Of the packets that wait for a poll, one may be compressed; then all of them are, as in the reference.
    private var pollMayCompress = false
    private var needsFlush = false
    private var isPaused = false
    /// A polling request whose packets were not all taken yet, because reading is paused.
    private var pendingPost: (packets: ArraySlice<EnginePacket>, answer: Answer)?

    /// How long a poll is kept while the client upgrades; as long as the JavaScript server does.
    private static let upgradePollDelay = TimeAmount.milliseconds(100)

    init(
        id: String, request: RequestInfo, transport: EngineTransport, options: EngineIOOptions, executor: LoopExecutor,
        onEnd: @escaping () -> Void
    ) {
        self.id = id
        self.request = request
        self.options = options
        self.backlog = SessionBacklog(options.slowConsumer)
        self.executor = executor
        self.onEnd = onEnd
        self.machine = EngineServerSession(transport: transport)
        self.heartbeat = Heartbeat(
            interval: TimeAmount(options.pingInterval), timeout: TimeAmount(options.pingTimeout), now: .now())
    }

    var transport: EngineTransport { machine.transport }
    var isOpen: Bool { machine.isOpen }

    /// A message sent now would leave now; `volatile` ones are dropped otherwise.
    var isWritable: Bool {
        if let backlog, !backlog.queue.isEmpty { return false }
        return machine.isWritable && (webSocket?.isWritable ?? true)
    }

    // MARK: Opening

    /// Sends the handshake and starts the heartbeat.
    func open(by webSocket: WebSocketLink?) {
        self.webSocket = webSocket
        let upgrades = webSocket == nil && options.allowUpgrades && options.transports.contains(.websocket)
        let handshake = EngineHandshake(
            sid: id, upgrades: upgrades ? ["websocket"] : [], pingInterval: options.pingInterval,
            pingTimeout: options.pingTimeout, maxPayload: options.maxHttpBufferSize)
        var body = ByteBuffer()
        handshake.write(into: &body)
        send(EnginePacket(.open, body))
        scheduleHeartbeat(at: .now() + heartbeat.interval)
    }

    // MARK: Sending

    /// Sends a text message that `body` writes; on an open WebSocket connection straight into its output.
    ///
    /// - Parameters:
    ///   - compress: false keeps permessage-deflate from this message, or the answer to a poll from being compressed for it.
    ///   - isDroppable: the message may be dropped when the client is behind.
    func sendText<Result>(
        compress: Bool = true, isDroppable: Bool = false, _ body: (inout ByteBuffer) throws -> Result
    ) throws -> Result? {
        guard machine.isOpen else { return nil }
        if backlog != nil, !takesNow { return try holdText(compress: compress, isDroppable: isDroppable, body) }
        if machine.isWebSocket, observer == nil, let webSocket {
            func writeMessage(_ buffer: inout ByteBuffer) throws -> Result {
                buffer.writeInteger(EnginePacket.Kind.message.byte)
                return try body(&buffer)
            }
            if let localSocket { return try localSocket.send(.text, compress: compress, writeMessage) }
            return try webSocket.sendText(compress: compress, writeMessage)
        }
        var text = ByteBuffer()
        let result = try body(&text)
        send(EnginePacket(.message, text), compress: compress)
        return result
    }

    /// A text message under construction.
    struct TextMessage: ~Copyable {
        /// Where it is appended, perhaps behind others.
        var output: ByteBuffer
        fileprivate let start: Int
        /// The connection whose output this is.
        fileprivate let socket: WebSocketHandler?
    }

    /// Begins a text message that is written without a closure around it. ``finish(_:)`` or ``cancel(_:)`` it in the same turn.
    func beginText() -> TextMessage? {
        guard machine.isOpen else { return nil }
        guard let localSocket, machine.isWebSocket, observer == nil, backlog == nil else {
            return TextMessage(output: ByteBuffer(), start: 0, socket: nil)
        }
        guard let (output, start) = localSocket.beginText(first: EnginePacket.Kind.message.byte) else { return nil }
        return TextMessage(output: output, start: start, socket: localSocket)
    }

    /// Sends the message.
    func finish(_ message: inout TextMessage) {
        if let socket = message.socket {
            socket.finishText(&message.output, from: message.start)
        } else {
            let text = message.output
            send(text: text)
        }
    }

    /// Takes the message back.
    func cancel(_ message: inout TextMessage) {
        message.socket?.cancelText(&message.output, from: message.start)
    }

    /// Sends a binary message.
    func send(binary bytes: ByteBuffer, compress: Bool = true, isDroppable: Bool = false) {
        if backlog != nil { return hold(binary: bytes, compress: compress, isDroppable: isDroppable) }
        write(binary: bytes, compress: compress)
    }

    /// Sends a text message of the application.
    func send(text: ByteBuffer, compress: Bool = true) {
        _ = try? sendText(compress: compress, isDroppable: true) { $0.writeImmutableBuffer(text) }
    }

    private func holdText<Result>(
        compress: Bool, isDroppable: Bool, _ body: (inout ByteBuffer) throws -> Result
    ) throws -> Result {
        var text = ByteBuffer()
        let result = try body(&text)
        hold(EncodedMessage(text: text, attachments: []), compress: compress, isDroppable: isDroppable)
        return result
    }

    func write(binary bytes: ByteBuffer, compress: Bool) {
        if machine.isWebSocket, observer == nil {
            webSocket?.send(binary: bytes, compress: compress)
        } else {
            send(EnginePacket(binary: bytes), compress: compress)
        }
    }

    /// Sends a message that was encoded once for many sessions.
    func send(_ message: EncodedMessage, compress: Bool = true, isDroppable: Bool = true) {
        if backlog != nil || message.key != nil {
            return hold(message, compress: compress, isDroppable: isDroppable)
        }
        write(message, compress: compress)
    }

    func write(_ message: EncodedMessage, compress: Bool) {
        if machine.isWebSocket, observer == nil {
            if let localSocket {
                localSocket.send(encoded: message.webSocketFrames, compress: compress)
            } else {
                webSocket?.send(encoded: message.webSocketFrames, compress: compress)
            }
        } else {
            for packet in message.packets { send(packet, compress: compress) }
        }
    }

    private func send(_ packet: EnginePacket, compress: Bool = true) {
        if machine.isOpen { observer?.creates(packet) }
        if compress { pollMayCompress = true }
        switch machine.send(packet) {
        case .write:
            write(packet, compress: compress)
            observer?.onDrain()
        case .answerPollSoon:
            guard !needsFlush else { return }
            needsFlush = true
            executor.flushAtTurnEnd(self)
        case .queued:
            if machine.queuedBytes > options.maximumBufferedBytes { end(.transportError) }
        case .drop:
            break
        }
    }

    private func write(_ packet: EnginePacket, compress: Bool = true) {
        switch packet.body {
        case .binary(let bytes): webSocket?.send(binary: bytes, compress: compress)
        case .text: _ = try? webSocket?.sendText(compress: compress) { packet.write(into: &$0) }
        }
    }

    /// Answers the poll that waits with what this turn brought.
    func flushNow() {
        needsFlush = false
        if let packets = machine.takeQueue() {
            answerPoll(packets)
            observer?.onDrain()
        }
    }

    private func answerPoll(_ packets: [EnginePacket]) {
        if let poll { respond(to: poll, packets) }
        poll = nil
    }

    private func respond(to answer: Answer, _ packets: [EnginePacket]) {
        answer.respond(packets, mayCompress: pollMayCompress)
        if machine.queuedBytes == 0 { pollMayCompress = false }
    }

    // MARK: Polling requests

    /// GET: the client asks for packets.
    func get(_ answer: Answer) {
        if heartbeat.isOverdue(.now()) { end(.pingTimeout) }
        releaseBacklogForPoll()
        switch machine.pollArrived() {
        case .answer(let packets):
            respond(to: answer, packets)
            observer?.onDrain()
        case .answerLast(let packets):
            respond(to: answer, packets)
            finish(.forcedClose)
        case .park:
            park(answer)
        case .parkBriefly:
            park(answer)
            after(Self.upgradePollDelay) { core in
                if core.machine.releasePoll() { core.answerPoll([EnginePacket(.noop)]) }
            }
        case .overlap(let closing):
            finish(closing)
            answer.respond(.badRequest)
        case .refuse:
            answer.refuse(EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH"))
        }
    }

    private func park(_ answer: Answer) {
        poll = answer
        let exchange = answer.exchange
        guard exchange.executor !== executor else { return exchange.onDisconnect(tell: self) }
        let bound = NIOLoopBound(self, eventLoop: executor.eventLoop)
        exchange.executor.execute { [executor] in
            exchange.onDisconnect { executor.execute { bound.value.disconnected(exchange) } }
        }
    }

    /// The client of a poll went away.
    func disconnected(_ exchange: HTTPExchange) {
        guard poll?.exchange === exchange else { return }
        poll = nil
        end(.transportError)
    }

    /// POST: the client sends packets.
    func post(_ answer: Answer) {
        guard !machine.isWebSocket else {
            return answer.refuse(EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH"))
        }
        let request = answer.exchange.request
        guard pendingPost == nil else {
            end(.transportError)
            return answer.respond(.badRequest)
        }
        guard request.head.headers.first(name: "content-type") != "application/octet-stream" else {
            end(.transportError)
            return answer.respond(.badRequest)
        }
        // A server that others share may let larger requests through.
        guard request.body.readableBytes <= options.maxHttpBufferSize else { return answer.respond(.payloadTooLarge) }
        do {
            pendingPost = (try EnginePayload.decode(request.body)[...], answer)
            takePost()
        } catch {
            end(.parseError)
            answer.respond(.badRequest)
        }
    }

    /// Takes the packets of a request as long as reading goes on, and answers it behind the last one.
    private func takePost() {
        guard var post = pendingPost else { return }
        while !isPaused, let packet = post.packets.popFirst() {
            receive(packet)
        }
        if post.packets.isEmpty || !machine.isOpen {
            pendingPost = nil
            post.answer.respondOK()
        } else {
            pendingPost = post
        }
    }

    // MARK: WebSocket connections

    /// A WebSocket connection wants to carry the session. False when it is not wanted.
    func probe(by link: WebSocketLink) -> Bool {
        guard options.allowUpgrades, machine.probeArrived() else { return false }
        webSocket = link
        setPatience(TimeAmount(options.upgradeTimeout)) { $0.abortProbe() }
        return true
    }

    private func abortProbe() {
        machine.probeLeft()
        webSocket?.close(.normal)
        webSocket = nil
        patienceTimer?.cancel()
    }

    func received(text: consuming ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        if machine.isWebSocket, text.getInteger(at: text.readerIndex) == EnginePacket.Kind.message.byte {
            text.moveReaderIndex(forwardBy: 1)
            if let observer { observer.sees(EnginePacket(.message, copy text), for: delegate) }
            delegate?.received(text: text)
            return
        }
        do {
            let packet = try EnginePacket(text: text)
            if machine.isWebSocket { receive(packet) } else { receiveProbe(packet) }
        } catch {
            if machine.isWebSocket { end(.parseError) } else { abortProbe() }
        }
    }

    func received(binary bytes: consuming ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        guard machine.isWebSocket else { return abortProbe() }
        if let observer { observer.sees(EnginePacket(binary: copy bytes), for: delegate) }
        delegate?.received(binary: bytes)
    }

    /// The connection takes more.
    func writable(_ link: WebSocketLink) {
        if link === webSocket, machine.isWebSocket { releaseBacklog() }
    }

    func closed(_ link: WebSocketLink, _ close: WebSocketClose) {
        guard link === webSocket else { return }
        if machine.isWebSocket {
            end(close.isFailure ? .transportError : .transportClose)
        } else {
            webSocket = nil
            machine.probeLeft()
            patienceTimer?.cancel()
        }
    }

    private func receiveProbe(_ packet: EnginePacket) {
        switch machine.probeReceived(packet) {
        case .answerProbe(let noop):
            write(EnginePacket(.pong, EngineServerSession.probe))
            if noop { answerPoll([EnginePacket(.noop)]) }
        case .upgraded(let queue):
            patienceTimer?.cancel()
            poll?.respond(EngineRequestError(.badRequest))
            poll = nil
            for packet in queue { write(packet) }
            isUpgraded.store(true, ordering: .relaxed)
            observer?.onUpgrade(.websocket)
            releaseBacklog()
            if isPaused { webSocket?.pause() }
        case .abort:
            abortProbe()
        }
    }

    // MARK: Receiving

    private func receive(_ packet: EnginePacket) {
        observer?.sees(packet, for: delegate)
        switch machine.receive(packet) {
        case .none: break
        case .deliver(.text(let text)): delegate?.received(text: text)
        case .deliver(.binary(let bytes)): delegate?.received(binary: bytes)
        case .pong: heartbeat.pong(.now())
        case .close(let closing): finish(closing)
        }
    }

    /// Stops delivering messages: the layer above is behind. The client is slowed down by its transport.
    func pause() {
        guard !isPaused else { return }
        isPaused = true
        heartbeat.pause(.now())
        if machine.isWebSocket { webSocket?.pause() }
    }

    /// Goes on after ``pause()``.
    func resume() {
        guard isPaused else { return }
        isPaused = false
        heartbeat.resume(.now())
        takePost()
        webSocket?.resume()
    }

    // MARK: Time
    //
    // The timers hold the session until it ends, which cancels them. Not weakly: an object that was referred to weakly once
    // is retained and released by a slow path for ever, and this one is touched for every message.

    private func scheduleHeartbeat(at time: NIODeadline) {
        heartbeatTimer = executor.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.executor.turn { self.beat() }
        }
    }

    private func beat() {
        guard machine.isOpen else { return }
        switch heartbeat.check(.now()) {
        case .wait(let until):
            scheduleHeartbeat(at: until)
        case .ping(let next):
            scheduleHeartbeat(at: next)
            send(EnginePacket(.ping))
        case .timeout:
            end(.pingTimeout)
        }
    }

    private func setPatience(_ time: TimeAmount, _ action: @escaping (EngineSessionCore) -> Void) {
        patienceTimer?.cancel()
        patienceTimer = after(time, action)
    }

    @discardableResult
    private func after(_ time: TimeAmount, _ action: @escaping (EngineSessionCore) -> Void) -> Scheduled<Void> {
        executor.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.executor.turn { action(self) }
        }
    }

    // MARK: Ending

    /// Ends the session from this side; what was sent before still reaches the client.
    func close() {
        flushBacklog()
        switch machine.close() {
        case .closed(let closing):
            finish(closing)
        case .awaitPoll:
            abortProbe()  // its end must not be taken for the session's, nor its timer
            setPatience(TimeAmount(options.pollingCloseTimeout)) { $0.end(.forcedClose) }
        case .none:
            break
        }
    }

    /// Ends the session because the server goes away.
    func shutDown() {
        delegate?.shutDown()
        close()
    }

    /// Ends the session because something went wrong.
    func end(_ reason: EngineCloseReason) {
        if let closing = machine.end(reason) { finish(closing) }
    }

    private func finish(_ closing: EngineServerSession.Closing) {
        if let packets = closing.answer { answerPoll(packets) }
        finish(closing.reason)
    }

    private func finish(_ reason: EngineCloseReason) {
        heartbeatTimer?.cancel()
        patienceTimer?.cancel()
        poll = nil
        backlog = nil
        pendingPost?.answer.respondOK()
        pendingPost = nil
        webSocket?.close(.normal)
        webSocket = nil
        onEnd()
        let delegate = delegate
        self.delegate = nil
        observer?.seesEnd(reason, for: delegate)
        observer = nil
        delegate?.closed(reason)
    }
}
