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
    /// Of what was sent, no more waits than may. Called once for each time that ``EngineSessionCore/isAwaited`` was set.
    func caughtUp()
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

    /// What was set is read there: a copy would double the size of a session.
    let server: EngineIOServer
    /// How the client's packets are written.
    let dialect: EngineDialect
    @exclusivity(unchecked) var machine: EngineServerSession
    var heartbeat: Heartbeat
    var heartbeatTimer: Scheduled<Void>?
    /// Ends an upgrade or an orderly close that the client does not complete.
    var patienceTimer: Scheduled<Void>?
    /// Carries the session, or is about to.
    @exclusivity(unchecked) var webSocket: WebSocketLink? {
        didSet { localSocket = webSocket?.local }
    }
    /// The connection under it, when it is on this loop.
    @exclusivity(unchecked) private(set) var localSocket: WebSocketHandler?
    /// Where messages wait while the client is behind; `nil` while they wait in the transport alone.
    @exclusivity(unchecked) var backlog: SessionBacklog?
    /// Messages that were dropped because the client was behind.
    var droppedMessages = 0
    /// Somebody waits for the client to catch up.
    var isAwaited = false
    var poll: Answer?
    /// Of the packets that wait for a poll, one may be compressed; then all of them are, as in the reference.
    var pollMayCompress = false
    var needsFlush = false
    var isPaused = false
    /// A polling request whose packets were not all taken yet, because reading is paused.
    var pendingPost: (packets: ArraySlice<EnginePacket>, answer: Answer)?

    /// How long a poll is kept while the client upgrades; as long as the JavaScript server does.
    static let upgradePollDelay = TimeAmount.milliseconds(100)

    init(
        id: String, request: RequestInfo, transport: EngineTransport, dialect: EngineDialect,
        server: EngineIOServer, executor: LoopExecutor
    ) {
        self.id = id
        self.request = request
        self.dialect = dialect
        self.server = server
        self.backlog = SessionBacklog(server.options.slowConsumer)
        self.executor = executor
        self.machine = EngineServerSession(transport: transport, revision: dialect.revision)
        self.heartbeat = Heartbeat(
            interval: TimeAmount(server.options.pingInterval), timeout: TimeAmount(server.options.pingTimeout),
            now: .now(),
            revision: dialect.revision)
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
        let options = server.options
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
            guard let localSocket else {
                return try webSocket.sendText(compress: compress) { buffer in
                    buffer.writeInteger(EnginePacket.Kind.message.byte)
                    return try body(&buffer)
                }
            }
            guard var message = localSocket.beginText(first: EnginePacket.Kind.message.byte) else { return nil }
            do {
                let result = try body(&message.output)
                localSocket.finishText(&message.output, from: message.start, compress: compress)
                return result
            } catch {
                localSocket.cancelText(&message.output, from: message.start)
                throw error
            }
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
        transmit(binary: bytes, compress: compress)
    }

    /// Sends a text message of the application.
    func send(text: ByteBuffer, compress: Bool = true) {
        _ = try? sendText(compress: compress, isDroppable: true) { $0.writeImmutableBuffer(text) }
    }

    func transmit(binary bytes: ByteBuffer, compress: Bool) {
        if machine.isWebSocket, observer == nil {
            write(binary: bytes, compress: compress)
        } else {
            send(EnginePacket(binary: bytes), compress: compress)
        }
    }

    /// Sends a message that was encoded once for many sessions.
    ///
    /// - Parameter isDroppable: the message may be dropped when the client is behind.
    func send(_ message: EncodedMessage, compress: Bool = true, isDroppable: Bool = false) {
        if backlog != nil || message.key != nil {
            return hold(message, compress: compress, isDroppable: isDroppable)
        }
        transmit(message, compress: compress)
    }

    func transmit(_ message: EncodedMessage, compress: Bool) {
        if machine.isWebSocket, observer == nil, dialect.binaryForm == .plain || !message.hasBinary {
            if let localSocket {
                localSocket.send(encoded: message.webSocketFrames, compress: compress)
            } else {
                webSocket?.send(encoded: message.webSocketFrames, compress: compress)
            }
        } else {
            for packet in message.packets { send(packet, compress: compress) }
        }
    }

    func send(_ packet: EnginePacket, compress: Bool = true) {
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
            if machine.queuedBytes > server.options.maximumBufferedBytes { end(.transportError) }
        case .drop:
            break
        }
    }

    func write(_ packet: EnginePacket, compress: Bool = true) {
        switch packet.body {
        case .binary(let bytes): write(binary: bytes, compress: compress)
        case .text: _ = try? webSocket?.sendText(compress: compress) { packet.write(into: &$0) }
        }
    }

    private func write(binary bytes: ByteBuffer, compress: Bool) {
        guard dialect.binaryForm == .plain else {
            return writeInOtherForm(EnginePacket(binary: bytes), compress: compress)
        }
        webSocket?.send(binary: bytes, compress: compress)
    }

    /// A binary message of a client that wants it with its type in front, or as text.
    private func writeInOtherForm(_ packet: EnginePacket, compress: Bool) {
        if dialect.binaryForm == .base64 {
            _ = try? webSocket?.sendText(compress: compress) { packet.write(into: &$0, dialect: dialect) }
        } else {
            var frame = ByteBuffer()
            packet.write(into: &frame, dialect: dialect)
            webSocket?.send(binary: frame, compress: compress)
        }
    }
}
