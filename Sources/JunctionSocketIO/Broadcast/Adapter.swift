package import SocketIOProtocol

/// Carries the broadcasts of a namespace, and the questions about its sockets, to every server of a cluster.
///
/// The sockets of this server are the ``InMemoryAdapter``'s, which knows who is in which room and delivers. It is an adapter
/// itself, the one of a single server; any other has one, hands each broadcast to it, and tells the other servers besides.
/// Everything here is a value, so that it can cross over in any format. What another server may have to answer is `async`.
///
/// Called from any thread, and from several at once.
package protocol Adapter: Sendable {
    // MARK: Broadcasts

    /// Delivers to every socket that `audience` means, each at most once. Never waits. A packet that cannot be encoded is logged.
    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags)

    /// Delivers to every socket that `audience` means, and gathers their acknowledgements: each server tells `replies` once
    /// how many clients it reached, then what each of them answers.
    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags, replies: BroadcastReplies)

    /// How many servers a broadcast reaches, this one among them.
    func serverCount() async throws -> Int

    // MARK: Sockets of all servers

    /// The sockets that `audience` means.
    ///
    /// - Throws: when a server did not answer in time.
    func fetchSockets(in audience: Audience, flags: EmitFlags) async throws -> [SocketDescription]

    /// Puts every socket that `audience` means into rooms.
    func join(_ rooms: Set<String>, audience: Audience, flags: EmitFlags)

    /// Takes every socket that `audience` means out of rooms.
    func leave(_ rooms: Set<String>, audience: Audience, flags: EmitFlags)

    /// Disconnects every socket that `audience` means; with `close`, the connections under them, too.
    func disconnect(_ audience: Audience, close: Bool, flags: EmitFlags)

    // MARK: Other servers

    /// Calls the listeners for server-side events of every other server.
    func serverSideEmit(_ packet: EventPacket)

    /// Calls the listeners for server-side events of every other server, and returns what each of them answered.
    ///
    /// - Throws: ``BroadcastError`` with the answers that did come.
    func serverSideEmitWithAck(_ packet: EventPacket) async throws -> [EventArguments]

    // MARK: End

    /// The namespace is no longer used, or not until the server runs again.
    func close() async
}

/// A single server that forgets.
extension Adapter {
    package func serverCount() async throws -> Int { 1 }
    package func serverSideEmit(_ packet: EventPacket) {}
    package func serverSideEmitWithAck(_ packet: EventPacket) async throws -> [EventArguments] { [] }
    package func close() async {}
}

/// Makes the adapter of each namespace.
public struct AdapterFactory: Sendable {
    package let make: @Sendable (_ local: InMemoryAdapter) -> any Adapter

    /// - Parameter make: is given the sockets of this server in a namespace.
    package init(_ make: @escaping @Sendable (_ local: InMemoryAdapter) -> any Adapter) { self.make = make }

    /// A single server.
    public static let inMemory = AdapterFactory { $0 }
}
