import DequeModule
import JunctionCore
import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol
import Synchronization

/// A socket's state. Lives on the event loop of its session.
///
/// Events are handled strictly in their order. While every handler runs at once on the loop there is no queue; as soon as one
/// is asynchronous, what comes behind it waits in the mailbox, which one task empties. Acknowledgements go past the mailbox,
/// so a handler may wait for one.
final class SocketCore {
    let socket: Socket
    // Each of the unchecked ones is used in places that call nothing which comes back to it in the midst of a change.
    @exclusivity(unchecked) var listeners = ListenerTable()
    /// Catch-all handlers and middleware; `nil` while there are none.
    @exclusivity(unchecked) var interceptors: Interceptors?
    /// Catch-all handlers of what is sent; `nil` while there are none.
    @exclusivity(unchecked) var outgoing: OutgoingListeners?
    var onDisconnecting = ListenerList<@Sendable (DisconnectReason, Set<String>) -> Void>()
    var onDisconnect = ListenerList<DisconnectHandler>()
    /// The socket's own hook in place of the server's.
    var errorHook: EventErrorHook?
    /// The rooms that the socket is in. The namespace's adapter keeps it.
    var membership = RoomMembership()
    @exclusivity(unchecked) private(set) var isConnected = false {
        didSet { socket.connected.store(isConnected, ordering: .relaxed) }
    }
    /// It was connected, and is not any more.
    private(set) var isOver = false
    /// What its client needs to come back; nil where that is off.
    var recovery: SocketRecovery?

    let client: ClientConnection
    /// The client's session, one step nearer: a broadcast visits it for every member of a room.
    let session: EngineSessionCore
    var options: SocketIOOptions { client.server.options }
    var acks: AckTable<PendingAck>
    /// Those who wait for the client to catch up.
    var waiting: [CatchUpWait] = []
    @exclusivity(unchecked) private var mailbox = Deque<Delivery>()
    /// A handler is at work, a task empties the mailbox, or the connection handler has not returned yet.
    @exclusivity(unchecked) private var isBusy = true
    private var isConnectionHandled = false
    /// The handlers of `disconnecting` are at work.
    private var isLeaving = false
    private var isEndedByServer = false
    /// The client is slowed down because the mailbox is full.
    private var isBehind = false

    /// Something to hand to the handlers.
    private enum Delivery {
        case event(IncomingEvent)
        /// An event that catch-all handlers and middleware have seen.
        case intercepted(IncomingEvent)
        case disconnect(DisconnectReason)
    }

    /// What the task does next.
    private enum Step: Sendable {
        case call(EventListeners, IncomingEvent)
        case intercept(Interceptors, IncomingEvent)
        case disconnect([ListenerList<DisconnectHandler>.Entry], DisconnectReason)
    }

    /// Somebody waits for an answer of the client.
    struct PendingAck {
        let resume: (Result<EventArguments, SocketIOError>) -> Void
        let timer: Scheduled<Void>?
    }

    init(socket: Socket, client: ClientConnection, options: SocketIOOptions) {
        self.socket = socket
        self.client = client
        self.session = client.session
        self.acks = AckTable(capacity: options.maximumPendingAcks)
    }

    /// Lets the client come back to this socket.
    func recover(by journal: RecoveryJournal, _ restored: RecoveryJournal.Restoration?) {
        recovery = SocketRecovery(self, journal, restored: restored)
        if let restored { socket.namespace.local.join(self, Set(restored.session.rooms.keys)) }
    }

    // MARK: Connecting

    /// Confirms the connection to the client, then sends what it missed: not before, because the stock client takes notice of
    /// offsets behind the confirmation alone. Events are delivered from ``connectionHandled()`` on.
    ///
    /// - Returns: false when the client was to get its state back, and something that it missed is gone.
    func connect() -> Bool {
        var missed: [EncodedMessage] = []
        if let recovery {
            guard let found = recovery.begin() else { return false }
            missed = found
        }
        isConnected = true
        socket.namespace.local.add(self)
        send(flags: .mustArrive) { parser, buffer in
            if client.isOld {
                SocketIOPacketEncoder.encodeConnect(namespace: socket.namespace.name, into: &buffer)
                return .text(attachments: [])
            }
            return try parser.encodeConnect(
                namespace: socket.namespace.name, sid: socket.id, pid: recovery?.pid, into: &buffer)
        }
        for message in missed { session.send(message) }
        return true
    }

    /// The connection handlers have returned, or wait for events.
    func connectionHandled() {
        guard !isConnectionHandled else { return }
        isConnectionHandled = true
        isBusy = false
        deliverWaiting()
    }

    // MARK: Receiving

    /// An event came from the client.
    func receive(_ packet: consuming SocketIOPacket) {
        let acknowledgement = packet.id.map { Acknowledgement(id: $0, socket: socket) }
        guard let arguments = try? EventArguments(packet), let name = arguments.event else { return }
        let event = IncomingEvent(name: name, arguments: arguments, acknowledgement: acknowledgement)
        if !isBusy, interceptors == nil, let called = listeners[name], called.isInline, !called.hasOnce {
            isBusy = true  // what a handler brings about waits until it has returned
            callInline(called, event)
            isBusy = false
            if !mailbox.isEmpty { deliverWaiting() }
        } else if isBusy || interceptors != nil || listeners[name] != nil {
            mailbox.append(.event(event))
            if isBusy { holdBackIfFull() } else { deliverWaiting() }
        }
    }

    private func callInline(_ called: EventListeners, _ event: IncomingEvent) {
        for entry in called.entries {
            guard case .inline(let handler) = entry.handler else { continue }
            do {
                try handler(event)
            } catch {
                failed(event, error)
            }
        }
    }

    /// Goes through the mailbox; the first thing that is asynchronous starts the task that goes on.
    private func deliverWaiting() {
        guard !isBusy else { return }
        isBusy = true
        while let next = mailbox.popFirst() {
            if let rest = deliver(next) {
                mailbox.prepend(rest)
                return startTask()
            }
        }
        isBusy = false
        releaseIfDrained()
    }

    /// Returns what is left for the task to do.
    private func deliver(_ delivery: Delivery) -> Delivery? {
        switch delivery {
        case .event(let event):
            guard let interceptors else { return deliver(.intercepted(event)) }
            guard interceptors.isInline else { return delivery }
            return intercept(event, by: interceptors).flatMap { isEndedByServer ? nil : deliver(.intercepted($0)) }
        case .intercepted(let event):
            guard let called = listeners[event.name] else { return nil }
            guard called.isInline else { return delivery }
            callInline(takeListeners(of: event.name) ?? called, event)
            return nil
        case .disconnect(let reason):
            let handlers = onDisconnect.entries
            guard handlers.allSatisfy(\.handler.isInline) else { return delivery }
            for case .inline(let handler) in handlers.map(\.handler) { handler(reason) }
            finish()
            return nil
        }
    }

    /// Starts the task that empties the mailbox.
    private func startTask() {
        let socket = socket
        // Bound to the socket: it ends when the mailbox is empty, which fills no more once the socket is disconnected.
        Task(executorPreference: socket.executor) {
            while let step = socket.core?.nextStep() {
                guard case .call(let called, let event) = step else {
                    await SocketCore.take(step, of: socket)
                    continue
                }
                for entry in called.entries {
                    do {
                        switch entry.handler {
                        case .inline(let handler): try handler(event)
                        case .asynchronous(let handler): try await handler(event)
                        }
                    } catch {
                        socket.core?.failed(event, error)
                    }
                }
            }
        }
    }

    /// The steps that are rare.
    private static func take(_ step: Step, of socket: Socket) async {
        switch step {
        case .call: break
        case .intercept(let interceptors, let event):
            if let event = await intercept(event, by: interceptors, of: socket) { socket.core?.goOn(with: event) }
        case .disconnect(let handlers, let reason):
            for entry in handlers {
                switch entry.handler {
                case .inline(let handler): handler(reason)
                case .asynchronous(let handler): await handler(reason)
                }
            }
            socket.core?.finish()
        }
    }

    /// What the task does next; `nil` ends the task.
    private func nextStep() -> Step? {
        releaseIfDrained()
        while let next = mailbox.popFirst() {
            switch next {
            case .event(let event):
                if let interceptors { return .intercept(interceptors, event) }
                if let called = takeListeners(of: event.name) { return .call(called, event) }
            case .intercepted(let event):
                if let called = takeListeners(of: event.name) { return .call(called, event) }
            case .disconnect(let reason):
                return .disconnect(onDisconnect.entries, reason)
            }
        }
        isBusy = false
        return nil
    }

    /// The event's own handlers have their turn.
    private func goOn(with event: IncomingEvent) {
        if !isEndedByServer { mailbox.prepend(.intercepted(event)) }
    }

    // MARK: Back pressure

    /// Slows the client down while the handlers are behind. While an answer of the client is awaited, reading must go on.
    private func holdBackIfFull() {
        guard mailbox.count >= options.maximumQueuedEvents else { return }
        if !client.awaitsAnswer {
            isBehind = true
            client.pause(for: self)
        } else if mailbox.count >= options.maximumQueuedEvents * 4 {
            options.logger.warning("too many events wait, client cut off", metadata: ["socket": "\(socket.id)"])
            client.abort()
        }
    }

    private func releaseIfDrained() {
        guard isBehind, mailbox.count <= options.maximumQueuedEvents / 2 else { return }
        isBehind = false
        client.resume(for: self)
    }

    // MARK: Disconnecting

    /// The server ends the socket, or the whole connection under it. As in the reference, what came before and no handler
    /// has seen is not handled any more.
    func disconnect(close: Bool) {
        guard isConnected, !isLeaving else { return }
        if close { return client.disconnectAll() }
        send(flags: .mustArrive) { parser, buffer in
            try parser.encodeDisconnect(namespace: socket.namespace.name, into: &buffer)
        }
        isEndedByServer = true
        if !mailbox.isEmpty {
            options.logger.debug(
                "events dropped: the server disconnects",
                metadata: ["socket": "\(socket.id)", "count": "\(mailbox.count)"])
            mailbox.removeAll()
        }
        disconnected(.serverNamespaceDisconnect)
    }

    /// The client has come back by another connection: this one is over, whatever the server thinks of it.
    func superseded() { client.superseded() }

    /// The socket is no longer connected.
    func disconnected(_ reason: DisconnectReason) {
        guard isConnected, !isLeaving else { return }
        isLeaving = true
        if !onDisconnecting.isEmpty {
            let rooms = membership.all(self)
            for entry in onDisconnecting.entries { entry.handler(reason, rooms) }
        }
        isConnected = false
        isOver = true
        client.remove(socket)
        recovery?.disconnected(reason)
        socket.namespace.local.remove(self)
        for pending in acks.removeAll() {
            pending.timer?.cancel()
            pending.resume(.failure(.disconnected))
        }
        for wait in waiting { wait.end(.failure(SocketIOError.disconnected)) }
        waiting = []
        mailbox.append(.disconnect(reason))
        deliverWaiting()
    }

    private func finish() {
        // Handlers hold the socket, which holds them.
        onDisconnecting.removeAll()
        onDisconnect.removeAll()
        listeners.removeAll()
        interceptors = nil
        outgoing = nil
        errorHook = nil
        socket.detach()
    }
}
