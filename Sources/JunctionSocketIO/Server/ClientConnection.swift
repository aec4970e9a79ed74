import EngineIOProtocol
import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol

/// One client's connection: routes the packets of its session to its sockets, one in each namespace. Lives on the session's
/// event loop.
final class ClientConnection: EngineSessionDelegate {
    let session: EngineSessionCore

    private let server: SocketIOServer
    private let options: SocketIOOptions
    private var decoder: SocketIOPacketDecoder
    /// The main namespace's socket, which nearly all packets are for.
    private var main: Socket?
    private var others: [String: Socket] = [:]
    /// Namespaces whose middleware has not decided yet.
    private var pending: Set<String> = []
    /// Sockets whose handlers are behind.
    private var behind: Set<ObjectIdentifier> = []
    private var connectTimer: Scheduled<Void>?

    init(session: EngineSessionCore, server: SocketIOServer) {
        self.session = session
        self.server = server
        self.options = server.options
        self.decoder = SocketIOPacketDecoder(
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

    func received(text: ByteBuffer) {
        do {
            if let packet = try decoder.decode(text: text) { receive(packet) }
        } catch {
            fail(error)
        }
    }

    func received(binary: ByteBuffer) {
        do {
            if let packet = try decoder.decode(binary: binary) { receive(packet) }
        } catch {
            fail(error)
        }
    }

    private func receive(_ packet: SocketIOPacket) {
        let socket = packet.namespace == "/" ? main : others[packet.namespace]
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
            guard socket == nil, !pending.contains(packet.namespace) else { return outOfPlace(packet) }
            connect(packet)
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

    // MARK: Connecting to a namespace

    private func connect(_ packet: SocketIOPacket) {
        guard let namespace = server.existingNamespace(packet.namespace) else {
            return refuse(packet.namespace, ConnectError("Invalid namespace"))
        }
        let count = others.count + pending.count + (main == nil ? 0 : 1)
        guard count < options.maximumNamespacesPerConnection else {
            options.logger.warning("too many namespaces, client cut off", metadata: ["session": "\(session.id)"])
            return closeAll(.forcedServerClose)
        }
        let auth =
            (try? packet.payload.map { _ in try packet.decodePayload(SocketIOValue.self) })
            ?? .object(SocketIOValue.Object())
        guard let journal = namespace.local.recovery, let claim = RecoveryJournal.Claim(auth) else {
            return admit(to: namespace, auth, nil)
        }
        pending.insert(namespace.name)
        let bound = NIOLoopBound(self, eventLoop: session.executor.eventLoop)
        Task(executorPreference: session.executor) {
            let restored = await journal.restore(claim)
            bound.value.found(restored, in: namespace, auth, journal)
        }
    }

    /// The state of a client that asked for it was looked for.
    private func found(
        _ restored: RecoveryJournal.Restoration?, in namespace: Namespace, _ auth: SocketIOValue,
        _ journal: RecoveryJournal
    ) {
        pending.remove(namespace.name)
        if session.isOpen { return admit(to: namespace, auth, restored) }
        if let restored { journal.giveUp(restored) }
    }

    private func admit(
        to namespace: Namespace, _ auth: SocketIOValue, _ restored: RecoveryJournal.Restoration?
    ) {
        let socket = Socket(namespace: namespace, client: self, auth: auth, options: options, restored: restored)
        let state = namespace.current
        let isTrusted = restored != nil && options.connectionStateRecovery?.skipMiddlewares == true
        guard !state.middleware.isEmpty, !isTrusted else { return confirm(socket, state.handlers) }
        pending.insert(namespace.name)
        // Bound to the connection: what it decides about one that is gone is ignored.
        let bound = NIOLoopBound(self, eventLoop: session.executor.eventLoop)
        Task(executorPreference: session.executor) {
            do {
                for middleware in state.middleware { try await middleware(socket) }
                bound.value.decided(socket, nil, state.handlers)
            } catch {
                bound.value.decided(socket, error, state.handlers)
            }
        }
    }

    private func decided(_ socket: Socket, _ refusal: (any Error)?, _ handlers: [Namespace.ConnectionHandler]) {
        pending.remove(socket.namespace.name)
        guard session.isOpen else { return drop(socket) }
        guard let refusal else { return confirm(socket, handlers) }
        drop(socket)
        if !(refusal is ConnectError) {
            options.logger.warning(
                "middleware failed", metadata: ["namespace": "\(socket.namespace.name)", "error": "\(refusal)"])
        }
        refuse(socket.namespace.name, refusal as? ConnectError ?? ConnectError("Internal error"))
    }

    /// The socket is not connected after all.
    private func drop(_ socket: Socket) {
        socket.core?.recovery?.giveUp()
        socket.detach()
    }

    private func refuse(_ namespace: String, _ error: ConnectError) {
        _ = try? session.sendText { buffer in
            if let data = error.data {
                try SocketIOPacketEncoder.encodeConnectError(
                    namespace: namespace, message: error.message, data: data, into: &buffer)
            } else {
                SocketIOPacketEncoder.encodeConnectError(namespace: namespace, message: error.message, into: &buffer)
            }
        }
    }

    private func confirm(_ socket: Socket, _ handlers: [Namespace.ConnectionHandler]) {
        connectTimer?.cancel()
        connectTimer = nil
        if socket.namespace.name == "/" { main = socket } else { others[socket.namespace.name] = socket }
        guard let core = socket.core else { return }
        guard core.connect() else {
            // Told to be recovered already, it is not: the client has to come once more.
            remove(socket)
            socket.detach()
            return closeAll(.forcedServerClose)
        }
        for (index, handler) in handlers.enumerated() {
            switch handler {
            case .inline(let handler): handler(socket)
            case .asynchronous: return goOn(socket, Array(handlers[index...]))
            }
        }
        core.connectionHandled()
    }

    /// Calls the rest of the connection handlers in a task.
    private func goOn(_ socket: Socket, _ handlers: [Namespace.ConnectionHandler]) {
        Task(executorPreference: socket.executor) {
            for handler in handlers {
                switch handler {
                case .inline(let handler): handler(socket)
                case .asynchronous(let handler): await handler(socket)
                }
            }
            socket.core?.connectionHandled()
        }
    }

    // MARK: Called by the sockets

    /// A socket is no longer connected.
    func remove(_ socket: Socket) {
        if socket.namespace.name == "/" { main = nil } else { others[socket.namespace.name] = nil }
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

    func closed(_ reason: EngineCloseReason) {
        end(DisconnectReason(reason))
    }

    func shutDown() {
        end(.serverShuttingDown)
    }

    private func closeIfUnused() {
        if main == nil && others.isEmpty { closeAll(.forcedServerClose) }
    }

    private func closeAll(_ reason: DisconnectReason) {
        end(reason)
        session.close()
    }

    private func end(_ reason: DisconnectReason) {
        connectTimer?.cancel()
        connectTimer = nil
        for socket in sockets { socket.core?.disconnected(reason) }
    }

    private var sockets: [Socket] { (main.map { [$0] } ?? []) + Array(others.values) }
}
