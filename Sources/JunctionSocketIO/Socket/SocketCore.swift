import DequeModule
import JunctionCore
import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol

/// A socket's state. Lives on the event loop of its session.
///
/// Events are handled strictly in their order. While every handler runs at once on the loop there is no queue; as soon as one
/// is asynchronous, what comes behind it waits in the mailbox, which one task empties. Acknowledgements go past the mailbox,
/// so a handler may wait for one.
final class SocketCore {
    let socket: Socket
    var handlers: [String: [EventHandler]] = [:]
    var onDisconnect: [@Sendable (DisconnectReason) -> Void] = []
    /// The rooms that the socket is in. The namespace's adapter keeps it.
    var membership = RoomMembership()
    private(set) var isConnected = false
    /// It was connected, and is not any more.
    private(set) var isOver = false
    /// What its client needs to come back; nil where that is off.
    var recovery: SocketRecovery?

    private let client: ClientConnection
    /// The client's session, one step nearer: a broadcast visits it for every member of a room.
    private let session: EngineSessionCore
    private let options: SocketIOOptions
    private var acks: AckTable<PendingAck>
    private var mailbox = Deque<Delivery>()
    /// A task empties the mailbox, or the connection handler has not returned yet.
    private var isBusy = true
    /// The client is slowed down because the mailbox is full.
    private var isBehind = false

    /// Something to hand to the handlers.
    private enum Delivery {
        case event(IncomingEvent)
        case disconnect(DisconnectReason)
    }

    /// Somebody waits for an answer of the client.
    private struct PendingAck {
        let resume: (Result<EventArguments, any Error>) -> Void
        let timer: Scheduled<Void>?
    }

    init(socket: Socket, client: ClientConnection, options: SocketIOOptions) {
        self.socket = socket
        self.client = client
        self.session = client.session
        self.options = options
        self.acks = AckTable(capacity: options.maximumPendingAcks)
    }

    /// Lets the client come back to this socket.
    func recover(by journal: RecoveryJournal, _ restored: RecoveryJournal.Restoration?) {
        recovery = SocketRecovery(self, journal, restored: restored)
        if let restored { socket.namespace.local.join(self, Set(restored.session.rooms.keys)) }
    }

    // MARK: Connecting

    /// Confirms the connection to the client. Events are delivered from ``connectionHandled()`` on.
    ///
    /// - Returns: false when the client was to get its state back, and something that it missed is gone.
    func connect() -> Bool {
        if let recovery, !recovery.begin(sending: { session.send($0) }) { return false }
        isConnected = true
        socket.namespace.local.add(self)
        send(flags: []) { buffer in
            SocketIOPacketEncoder.encodeConnect(
                namespace: socket.namespace.name, sid: socket.id, pid: recovery?.pid, into: &buffer)
            return []
        }
        return true
    }

    /// The connection handlers have returned.
    func connectionHandled() {
        isBusy = false
        deliverWaiting()
    }

    // MARK: Receiving

    /// An event came from the client.
    func receive(_ packet: SocketIOPacket) {
        guard let arguments = try? EventArguments(packet), let name = arguments.event else { return }
        let acknowledgement = packet.id.map { Acknowledgement(id: $0, socket: socket) }
        let event = IncomingEvent(name: name, arguments: arguments, acknowledgement: acknowledgement)
        if !isBusy, let called = handlers[name], called.allSatisfy(\.isInline) {
            callInline(called, event)
        } else if isBusy || handlers[name] != nil {
            mailbox.append(.event(event))
            if isBusy { holdBackIfFull() } else { startTask() }
        }
    }

    private func callInline(_ called: [EventHandler], _ event: IncomingEvent) {
        for case .inline(let handler) in called {
            do {
                try handler(event)
            } catch {
                log(error, event)
            }
        }
    }

    /// Goes through the mailbox; the first asynchronous handler starts the task that goes on.
    private func deliverWaiting() {
        while !isBusy, let next = mailbox.first {
            if case .event(let event) = next, let called = handlers[event.name], !called.allSatisfy(\.isInline) {
                return startTask()
            }
            mailbox.removeFirst()
            deliver(next)
        }
        if !isBusy { releaseIfDrained() }
    }

    private func deliver(_ delivery: Delivery) {
        switch delivery {
        case .event(let event): callInline(handlers[event.name] ?? [], event)
        case .disconnect(let reason): callDisconnect(reason)
        }
    }

    private func startTask() {
        isBusy = true
        let socket = socket
        // Bound to the socket: it ends when the mailbox is empty, which fills no more once the socket is disconnected.
        Task(executorPreference: socket.executor) {
            while let event = socket.core?.nextForTask() {
                for handler in socket.core?.handlers[event.name] ?? [] {
                    do {
                        switch handler {
                        case .inline(let handler): try handler(event)
                        case .asynchronous(let handler): try await handler(event)
                        }
                    } catch {
                        socket.core?.log(error, event)
                    }
                }
            }
        }
    }

    /// The next event for the task; `nil` ends the task.
    private func nextForTask() -> IncomingEvent? {
        releaseIfDrained()
        while let next = mailbox.popFirst() {
            switch next {
            case .event(let event): return event
            case .disconnect(let reason): callDisconnect(reason)
            }
        }
        isBusy = false
        return nil
    }

    private func log(_ error: any Error, _ event: IncomingEvent) {
        options.logger.info(
            "event handler failed",
            metadata: ["event": "\(event.name)", "socket": "\(socket.id)", "error": "\(error)"])
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

    /// The client owes this socket an answer.
    var awaitsAnswer: Bool { !acks.isEmpty }

    // MARK: Sending

    /// Sends a packet that `encode` writes; it returns the attachments.
    func send(flags: EmitFlags, _ encode: (inout ByteBuffer) throws -> [ByteBuffer]) {
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable) else { return }
        do {
            let attachments = try session.sendText(encode) ?? []
            for attachment in attachments { session.send(binary: attachment) }
        } catch {
            socket.logUnsent(error)
        }
    }

    /// Sends a packet that was encoded before.
    func send(_ message: EncodedMessage, flags: EmitFlags) {
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable) else { return }
        session.send(message)
    }

    /// Sends an event that the client is to acknowledge.
    ///
    /// - Returns: the number of the call while it waits, for ``cancelAck(_:)``.
    func sendExpectingAck(
        timeout: TimeAmount?, resume: @escaping (Result<EventArguments, any Error>) -> Void,
        _ encode: (inout ByteBuffer, UInt64) throws -> [ByteBuffer]
    ) -> UInt64? {
        guard isConnected else {
            resume(.failure(SocketIOError.disconnected))
            return nil
        }
        var ownID: UInt64?
        let timer = timeout.map { timeout in
            socket.executor.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
                self.socket.executor.turn { if let ownID { self.settle(ownID, .failure(SocketIOError.timeout)) } }
            }
        }
        guard let id = acks.insert(PendingAck(resume: resume, timer: timer)) else {
            timer?.cancel()
            resume(.failure(SocketIOError.tooManyPendingAcks))
            return nil
        }
        ownID = id
        do {
            let attachments = try session.sendText { try encode(&$0, id) } ?? []
            for attachment in attachments { session.send(binary: attachment) }
            client.readOn()
            return id
        } catch {
            settle(id, .failure(error))
            return nil
        }
    }

    /// Sends a packet that was encoded before and that the client is to acknowledge with the number in it.
    func send(_ message: EncodedMessage, flags: EmitFlags, ackID: UInt64, to replies: BroadcastReplies) {
        let pending = PendingAck(
            resume: { result in
                if case .success(let reply) = result { replies.received(reply) } else { replies.lostClient() }
            }, timer: nil)
        guard isConnected, !(flags.contains(.volatile) && !session.isWritable), acks.insert(pending, id: ackID) else {
            return replies.lostClient()
        }
        session.send(message)
        client.readOn()
    }

    /// An acknowledgement came.
    func receiveAck(_ packet: SocketIOPacket) {
        if let id = packet.id { settle(id, Result { try EventArguments(packet) }) }
    }

    /// Nobody waits for the acknowledgement any more.
    func cancelAck(_ id: UInt64) {
        settle(id, .failure(CancellationError()))
    }

    private func settle(_ id: UInt64, _ result: Result<EventArguments, any Error>) {
        guard let pending = acks.remove(id) else { return }
        pending.timer?.cancel()
        pending.resume(result)
    }

    // MARK: Disconnecting

    /// The server ends the socket, or the whole connection under it.
    func disconnect(close: Bool) {
        guard isConnected else { return }
        if close { return client.disconnectAll() }
        send(flags: []) { buffer in
            SocketIOPacketEncoder.encodeDisconnect(namespace: socket.namespace.name, into: &buffer)
            return []
        }
        disconnected(.serverNamespaceDisconnect)
    }

    /// The client has come back by another connection: this one is over, whatever the server thinks of it.
    func superseded() { client.superseded() }

    /// The socket is no longer connected.
    func disconnected(_ reason: DisconnectReason) {
        guard isConnected else { return }
        isConnected = false
        isOver = true
        client.remove(socket)
        recovery?.disconnected(reason)
        socket.namespace.local.remove(self)
        for pending in acks.removeAll() {
            pending.timer?.cancel()
            pending.resume(.failure(SocketIOError.disconnected))
        }
        mailbox.append(.disconnect(reason))
        deliverWaiting()
    }

    private func callDisconnect(_ reason: DisconnectReason) {
        for handler in onDisconnect { handler(reason) }
        // Handlers hold the socket, which holds them.
        onDisconnect = []
        handlers = [:]
        socket.detach()
    }
}

/// How an event is to be sent.
package struct EmitFlags: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Dropped when it cannot leave at once.
    package static let volatile = EmitFlags(rawValue: 1)
    /// To the sockets of this server alone.
    package static let local = EmitFlags(rawValue: 2)
    /// Not compressed, whatever was agreed with the client.
    package static let uncompressed = EmitFlags(rawValue: 4)
}
