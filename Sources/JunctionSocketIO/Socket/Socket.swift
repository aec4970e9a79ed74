import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol
import Synchronization

/// One client in one namespace.
///
/// Calls may be made from any thread; those from the socket's own handlers act at once. What is sent in one turn of the event
/// loop leaves together, in order.
public final class Socket: Sendable, Identifiable {
    /// The socket's identifier, which other clients may know; also the name of a room that it alone is in.
    public let id: String
    /// Where the client connected to.
    public let namespace: Namespace
    /// How the client introduced itself.
    public let handshake: Handshake
    /// The client was away for a short time and got its state back: this socket's identifier, rooms and data are those that it
    /// had before, and what it missed was sent. See ``ConnectionStateRecovery``.
    public let recovered: Bool

    let executor: LoopExecutor
    private let box: NIOLoopBoundBox<SocketCore?>
    private let storage = Mutex<[String: any Sendable]>([:])

    /// Only on the loop of `client`'s session.
    init(
        namespace: Namespace, client: ClientConnection, auth: SocketIOValue, options: SocketIOOptions,
        restored: RecoveryJournal.Restoration? = nil
    ) {
        self.id = restored?.session.sid ?? SessionID.make()
        self.recovered = restored != nil
        self.namespace = namespace
        self.handshake = Handshake(auth: auth, request: client.session.request)
        self.executor = client.session.executor
        self.box = NIOLoopBoundBox(nil, eventLoop: executor.eventLoop)
        let core = SocketCore(socket: self, client: client, options: options)
        box.value = core
        if let journal = namespace.local.recovery { core.recover(by: journal, restored) }
        if let restored { storage.withLock { $0 = restored.session.data } }
    }

    /// The socket's state; only on its loop, `nil` once it is over.
    var core: SocketCore? { box.value }

    /// The socket is over: its state goes.
    func detach() { box.value = nil }

    /// Runs `body` with the state, on the socket's loop.
    func withCore(_ body: @escaping @Sendable (SocketCore) -> Void) {
        executor.execute { if let core = self.box.value { body(core) } }
    }

    /// Runs `body` with the state, on the socket's loop, behind what was sent before.
    func inOrder(_ body: @escaping @Sendable (SocketCore) -> Void) {
        guard let journal = namespace.local.recovery else { return withCore(body) }
        journal.run(on: executor) { if let core = self.box.value { body(core) } }
    }

    // MARK: Data

    /// Anything to remember about the socket, by name.
    ///
    /// ```swift
    /// socket.data["user"] = user
    /// let user = socket.data["user"] as? User
    /// ```
    public var data: Data { Data(socket: self) }

    /// What is remembered about a socket.
    public struct Data: Sendable {
        fileprivate let socket: Socket

        /// The value of that name; `nil` removes it.
        public subscript(name: String) -> (any Sendable)? {
            get { socket.storage.withLock { $0[name] } }
            nonmutating set {
                socket.storage.withLock { $0[name] = newValue }
                if socket.namespace.recovers { socket.withCore { $0.recovery?.dataChanged() } }
            }
        }
    }

    /// All of it, as it is now.
    var storedData: [String: any Sendable] { storage.withLock { $0 } }

    // MARK: Rooms

    /// Puts the socket into a room. It takes effect before any later call of the same task.
    public func join(_ room: String) { join([room]) }

    /// Puts the socket into rooms.
    public func join(_ rooms: Set<String>) {
        inOrder { core in core.socket.namespace.local.join(core, rooms) }
    }

    /// Takes the socket out of a room.
    public func leave(_ room: String) {
        inOrder { core in core.socket.namespace.local.leave(core, room) }
    }

    /// The rooms that the socket is in, its own among them; empty once it is over.
    public var rooms: Set<String> {
        get async {
            await withUnsafeContinuation { continuation in
                let answer: @Sendable () -> Void = {
                    continuation.resume(returning: self.core.map { $0.membership.all($0) } ?? [])
                }
                // Behind joins that wait.
                if let journal = namespace.local.recovery {
                    journal.run(on: executor, answer)
                } else {
                    executor.execute(answer)
                }
            }
        }
    }

    // MARK: Broadcasting

    /// Everybody else in the namespace.
    public var broadcast: BroadcastOperator { BroadcastOperator(namespace: namespace, sender: self) }
    /// Everybody else in a room.
    public func to(_ room: String) -> BroadcastOperator { broadcast.to(room) }
    /// The same as ``to(_:)``.
    public func `in`(_ room: String) -> BroadcastOperator { broadcast.to(room) }
    /// Everybody else who is not in that room.
    public func except(_ room: String) -> BroadcastOperator { broadcast.except(room) }

    // MARK: Ending

    /// Disconnects the socket from its namespace.
    ///
    /// - Parameter close: closes the connection under it, and with it the client's sockets in other namespaces.
    public func disconnect(close: Bool = false) {
        inOrder { $0.disconnect(close: close) }
    }

    func logUnsent(_ error: any Error) {
        namespace.logger.error("event not sent", metadata: ["socket": "\(id)", "error": "\(error)"])
    }
}
