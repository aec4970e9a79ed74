import EngineIOProtocol
import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol

/// One client's connection: routes the packets of its session to its sockets, one in each namespace. Lives on the session's
/// event loop.
final class ClientConnection: EngineSessionDelegate {
    let session: EngineSessionCore
    let conn: EngineSession

    let server: SocketIOServer
    var options: SocketIOOptions { server.options }
    @exclusivity(unchecked) private var decoder: SocketIOPacketDecoder
    /// The main namespace's socket, which nearly all packets are for.
    @exclusivity(unchecked) var main: Socket?
    var others: [String: Socket] = [:]
    /// Namespaces that are not decided about yet.
    var pending: Set<String> = []
    /// Sockets whose handlers are behind.
    private var behind: Set<ObjectIdentifier> = []
    var connectTimer: Scheduled<Void>?

    init(session: EngineSessionCore, conn: EngineSession, server: SocketIOServer) {
        self.session = session
        self.conn = conn
        self.server = server
        let options = server.options
        self.decoder = SocketIOPacketDecoder(
            parser: options.parser,
            limits: SocketIOLimits(
                maxAttachments: options.maximumAttachments, maxDepth: options.maximumDepth,
                maxPacketBytes: options.engine.maxHttpBufferSize))
        self.connectTimer = session.executor.eventLoop.assumeIsolated().scheduleTask(
            in: TimeAmount(options.connectTimeout)
        ) {
            self.session.executor.turn { self.closeIfUnused() }
        }
    }

    // MARK: Receiving

    func received(text: consuming ByteBuffer) {
        do {
            if let packet = try decoder.decode(text: text) { receive(packet) }
        } catch {
            fail(error)
        }
    }

    func received(binary: consuming ByteBuffer) {
        do {
            if let packet = try decoder.decode(binary: binary) { receive(packet) }
        } catch {
            fail(error)
        }
    }

    private func receive(_ packet: consuming SocketIOPacket) {
        let socket = packet.namespace == "/" ? main : connectedSocket(in: namespaceName(of: packet))
        switch packet.kind {
        case .event, .binaryEvent:
            guard let core = socket?.core else { return outOfPlace(packet) }
            core.receive(packet)
        case .ack, .binaryAck:
            guard let core = socket?.core else { return outOfPlace(packet) }
            core.receiveAck(packet)
        case .disconnect:
            guard let core = socket?.core else { return outOfPlace(packet) }
            core.disconnected(.clientNamespaceDisconnect)
        case .connect:
            let name = namespaceName(of: packet)
            guard socket == nil, !pending.contains(name) else { return outOfPlace(packet) }
            connect(name, auth(of: packet))
        case .connectError:
            outOfPlace(packet)
        }
    }

    private func fail(_ error: SocketIOParseError) {
        options.logger.debug("invalid packet", metadata: ["session": "\(session.id)", "error": "\(error)"])
        session.end(.parseError)
    }

    /// A packet that does not fit the state, such as an event for a namespace that the client is not in.
    private func outOfPlace(_ packet: SocketIOPacket) {
        options.logger.debug(
            "packet out of place",
            metadata: ["session": "\(session.id)", "kind": "\(packet.kind)", "namespace": "\(packet.namespace)"])
        closeAll(.forcedServerClose)
    }

    // MARK: Called by the sockets

    var errorPolicy: EventErrorPolicy { server.errorPolicy }

    /// A socket is no longer connected.
    func remove(_ socket: Socket) {
        if socket.namespace.name == "/" { main = nil } else { others[socket.namespace.name] = nil }
        server.namespaces.left(socket.namespace)
    }

    /// Slows the client down: the socket's handlers are behind.
    func pause(for socket: SocketCore) {
        behind.insert(ObjectIdentifier(socket))
        session.pause()
    }

    /// The socket's handlers have caught up. Reading goes on when those of all sockets have: one that is fast must not fill
    /// the mailbox of one that is slow.
    func resume(for socket: SocketCore) {
        behind.remove(ObjectIdentifier(socket))
        if behind.isEmpty { session.resume() }
    }

    /// Reads on in any case: an answer of the client is awaited, perhaps by the handler that is behind.
    func readOn() { session.resume() }

    /// The client owes one of its sockets an answer.
    var awaitsAnswer: Bool { sockets.contains { $0.core?.awaitsAnswer == true } }

    /// Ends the connection because the client does not play by the rules.
    func abort() { closeAll(.forcedServerClose) }

    /// Ends the connection because the client has a new one.
    func superseded() { closeAll(.transportClose) }

    /// Disconnects every socket, tells the client so, and closes the connection.
    func disconnectAll() {
        for socket in sockets { socket.core?.disconnect(close: false) }
        closeAll(.forcedServerClose)
    }

    // MARK: Ending

    func caughtUp() {
        for socket in sockets { socket.core?.caughtUp() }
    }

    func closed(_ reason: EngineCloseReason) {
        end(DisconnectReason(reason))
    }

    func shutDown() {
        end(.serverShuttingDown)
    }

    private func closeIfUnused() {
        if main == nil && others.isEmpty { closeAll(.forcedServerClose) }
    }

    func closeAll(_ reason: DisconnectReason) {
        end(reason)
        session.close()
    }

    private func end(_ reason: DisconnectReason) {
        connectTimer?.cancel()
        connectTimer = nil
        for socket in sockets { socket.core?.disconnected(reason) }
    }

    private func connectedSocket(in namespace: String) -> Socket? { namespace == "/" ? main : others[namespace] }

    private var sockets: [Socket] { (main.map { [$0] } ?? []) + Array(others.values) }
}
