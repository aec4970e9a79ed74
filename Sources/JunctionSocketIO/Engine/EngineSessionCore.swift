import EngineIOProtocol
import JunctionCore
import JunctionTransport
import JunctionWebSocket
import NIOCore
import NIOHTTP1

/// What a session tells the layer above, on its event loop.
protocol EngineSessionDelegate: AnyObject {
    /// A message came.
    func received(text: ByteBuffer)
    /// A message came.
    func received(binary: ByteBuffer)
    /// The server goes away; the session is closed next.
    func shutDown()
    /// The session is over. Called once, last.
    func closed(_ reason: EngineCloseReason)
}

/// A session's state and transports. Lives on one event loop, whichever connections its requests come by.
final class EngineSessionCore: TurnFlushing {
    let id: String
    let request: RequestInfo
    let executor: LoopExecutor
    var delegate: (any EngineSessionDelegate)?

    let options: EngineIOOptions
    /// How the client's packets are written.
    let dialect: EngineDialect
    let onEnd: () -> Void
    var machine: EngineServerSession
    var heartbeat: Heartbeat
    var heartbeatTimer: Scheduled<Void>?
    /// Ends an upgrade or an orderly close that the client does not complete.
    var patienceTimer: Scheduled<Void>?
    /// Carries the session, or is about to.
    var webSocket: WebSocketLink? {
        didSet { localSocket = webSocket?.local }
    }
    /// The connection under it, when it is on this loop.
    private var localSocket: WebSocketHandler?
    var poll: Answer?
    var needsFlush = false
    var isPaused = false
    /// A polling request whose packets were not all taken yet, because reading is paused.
    var pendingPost: (packets: ArraySlice<EnginePacket>, answer: Answer)?

    /// How long a poll is kept while the client upgrades; as long as the JavaScript server does.
    static let upgradePollDelay = TimeAmount.milliseconds(100)

    init(
        id: String, request: RequestInfo, transport: EngineTransport, dialect: EngineDialect = .revision4,
        options: EngineIOOptions, executor: LoopExecutor, onEnd: @escaping () -> Void
    ) {
        self.id = id
        self.request = request
        self.dialect = dialect
        self.options = options
        self.executor = executor
        self.onEnd = onEnd
        self.machine = EngineServerSession(transport: transport, revision: dialect.revision)
        self.heartbeat = Heartbeat(
            interval: TimeAmount(options.pingInterval), timeout: TimeAmount(options.pingTimeout), now: .now(),
            revision: dialect.revision)
    }

    var transport: EngineTransport { machine.transport }
    var isOpen: Bool { machine.isOpen }

    /// A message sent now would leave now; `volatile` ones are dropped otherwise.
    var isWritable: Bool { machine.isWritable && (webSocket?.isWritable ?? true) }

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
    func sendText<Result>(_ body: (inout ByteBuffer) throws -> Result) throws -> Result? {
        guard machine.isOpen else { return nil }
        if machine.isWebSocket, let webSocket {
            func writeMessage(_ buffer: inout ByteBuffer) throws -> Result {
                buffer.writeInteger(EnginePacket.Kind.message.byte)
                return try body(&buffer)
            }
            if let localSocket { return try localSocket.send(.text, writeMessage) }
            return try webSocket.sendText(writeMessage)
        }
        var text = ByteBuffer()
        let result = try body(&text)
        send(EnginePacket(.message, text))
        return result
    }

    /// Sends a binary message.
    func send(binary bytes: ByteBuffer) {
        if machine.isWebSocket { write(binary: bytes) } else { send(EnginePacket(binary: bytes)) }
    }

    /// Sends a message that was encoded once for many sessions.
    func send(_ message: EncodedMessage) {
        if machine.isWebSocket, dialect.binaryForm == .plain || !message.hasAttachments {
            if let localSocket {
                localSocket.send(encoded: message.webSocketFrames)
            } else {
                webSocket?.send(encoded: message.webSocketFrames)
            }
        } else {
            for packet in message.packets { send(packet) }
        }
    }

    func send(_ packet: EnginePacket) {
        switch machine.send(packet) {
        case .write:
            write(packet)
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

    func write(_ packet: EnginePacket) {
        switch packet.body {
        case .binary(let bytes): write(binary: bytes)
        case .text: _ = try? webSocket?.sendText { packet.write(into: &$0) }
        }
    }

    private func write(binary bytes: ByteBuffer) {
        guard dialect.binaryForm != .plain else { webSocket?.send(binary: bytes); return }
        writeInOtherForm(EnginePacket(binary: bytes))
    }

    /// A binary message of a client that wants it with its type in front, or as text.
    private func writeInOtherForm(_ packet: EnginePacket) {
        if dialect.binaryForm == .base64 {
            _ = try? webSocket?.sendText { packet.write(into: &$0, dialect: dialect) }
        } else {
            var frame = ByteBuffer()
            packet.write(into: &frame, dialect: dialect)
            webSocket?.send(binary: frame)
        }
    }
}
