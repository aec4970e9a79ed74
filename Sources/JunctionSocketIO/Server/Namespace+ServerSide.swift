import Logging
import SocketIOProtocol

/// What the servers of a cluster tell each other.
extension NamespaceAddressing {
    /// Sends an event to every other server of the cluster, where the listeners of `onServerSideEvent`
    /// get it; clients get nothing. A single server has nobody to tell.
    ///
    /// What cannot be encoded is logged and not sent, and so are the reserved names `connect`, `connection` and `new_namespace`.
    public func serverSideEmit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument)
    {
        do {
            namespace.adapter.serverSideEmit(try ServerSideListeners.packet(event, repeat each arguments))
        } catch {
            namespace.logger.error(
                "server-side event not sent", metadata: ["namespace": "\(namespace.name)", "error": "\(error)"])
        }
    }

    /// Sends an event to every other server of the cluster and suspends until each has answered.
    ///
    /// - Returns: an answer of each other server; none when there is no other.
    /// - Throws: ``BroadcastError`` with the answers that came when some did not come in time; `EncodingError`, also for a
    ///   reserved name; `DecodingError` when an answer is of another type.
    public func serverSideEmitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> [Reply] {
        let packet = try ServerSideListeners.packet(event, repeat each arguments)
        return try await namespace.adapter.serverSideEmitWithAck(packet).map { try $0.firstArgument() }
    }

    /// Calls `listener` for each event of that name that another server sends by ``serverSideEmit(_:_:)``.
    public func onServerSideEvent<each Argument: Decodable & Sendable>(
        _ event: String, _ listener: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) {
        namespace.local.serverSideListeners.add(event) { arguments in
            let values = try arguments.decode(repeat (each Argument).self)
            try await listener(repeat each values)
            return nil
        }
    }

    /// Calls `listener` for each event of that name that another server sends; the value that it returns is the answer.
    public func onServerSideEvent<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ listener: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) {
        namespace.local.serverSideListeners.add(event) { arguments in
            let values = try arguments.decode(repeat (each Argument).self)
            return EventPacket(event, try await listener(repeat each values))
        }
    }
}

extension ServerSideListeners {
    /// What has a meaning of its own between servers.
    private static let reserved: Set<String> = ["connect", "connection", "new_namespace"]

    static func packet<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) throws -> EventPacket {
        guard !reserved.contains(event) else {
            throw EncodingError.invalidValue(
                event, .init(codingPath: [], debugDescription: "\"\(event)\" is a reserved event name"))
        }
        return EventPacket(event, repeat each arguments)
    }
}
