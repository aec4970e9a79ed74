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

    /// The session under the socket and those of the client in other namespaces.
    public let conn: EngineSession

    let executor: LoopExecutor
    let connected = Atomic(false)
    /// The socket's state, `nil` once it is over.
    ///
    /// Proof of safety: touched on the socket's loop alone, by what says so here and in ``withCore(_:)``.
    @exclusivity(unchecked) private nonisolated(unsafe) var state: SocketCore?
    private let storage = Mutex<[String: any Sendable]>([:])

    /// Only on the loop of `client`'s session.
    init(
        namespace: Namespace, client: ClientConnection, auth: SocketIOValue, options: SocketIOOptions,
        restored: RecoveryJournal.Restoration? = nil
    ) {
        self.id = restored?.session.sid ?? client.makeSocketID(in: namespace)
        self.recovered = restored != nil
        self.namespace = namespace
        self.handshake = Handshake(auth: auth, request: client.session.request)
        self.conn = client.conn
        self.executor = client.session.executor
        let core = SocketCore(socket: self, client: client, options: options)
        self.state = core
        if let journal = namespace.local.recovery { core.recover(by: journal, restored) }
        if let restored { storage.withLock { $0 = restored.session.data } }
    }

    /// The socket's state; only on its loop, `nil` once it is over.
    var core: SocketCore? {
        executor.eventLoop.assertInEventLoop()
        return state
    }

    /// The socket is over: its state goes. Only on its loop.
    func detach() {
        executor.eventLoop.assertInEventLoop()
        state = nil
    }

    /// Runs `body` with the state, on the socket's loop.
    func withCore(_ body: @escaping @Sendable (SocketCore) -> Void) {
        executor.execute { if let core = self.core { body(core) } }
    }

    /// Runs `body` with the state, on the socket's loop, behind what was sent before.
    func inOrder(_ body: @escaping @Sendable (SocketCore) -> Void) {
        executeInOrder { if let core = self.core { body(core) } }
    }

    /// Runs `body` on the socket's loop, behind what was sent before.
    func executeInOrder(_ body: @escaping @Sendable () -> Void) {
        if let journal = namespace.local.recovery { journal.run(on: executor, body) } else { executor.execute(body) }
    }

    /// The client is in the namespace: from before the connection handlers are called until behind those of `disconnecting`.
    public var isConnected: Bool { connected.load(ordering: .relaxed) }

    /// The HTTP request that opened the connection.
    public var request: RequestInfo { handshake.request }

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

    func logUnsent(_ error: any Error) {
        namespace.logger.error("event not sent", metadata: ["socket": "\(id)", "error": "\(error)"])
    }
}
