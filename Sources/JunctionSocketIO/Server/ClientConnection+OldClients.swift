import EngineIOProtocol
import Logging
import NIOCore
import SocketIOProtocol

/// What differs for clients of Socket.IO 2, which come by Engine.IO 3 and speak revision 4 of the Socket.IO protocol.
extension ClientConnection {
    /// The client speaks the older revisions.
    var isOld: Bool { session.dialect.revision == .three }

    /// Connects an old client to the main namespace, which it does not ask for.
    func connectUnasked() { connect("/", .object(SocketIOValue.Object())) }

    /// The namespace that a packet is for: old clients put values for the handshake behind its name (`/admin?token=1`).
    func namespaceName(of packet: SocketIOPacket) -> String {
        isOld ? String(packet.namespaceComponents.path) : packet.namespace
    }

    /// The values that a client gives with its CONNECT; an empty object when it gives none.
    func auth(of packet: SocketIOPacket) -> SocketIOValue {
        guard isOld else {
            return (try? packet.payload.map { _ in try packet.decodePayload(SocketIOValue.self) })
                ?? .object(SocketIOValue.Object())
        }
        var values = SocketIOValue.Object()
        // A namespace is too short for more items than are read.
        let items = packet.namespaceComponents.query.flatMap { EngineQuery(form: $0) }?.items ?? []
        for item in items { values[item.name] = .string(item.value) }
        return .object(values)
    }

    /// The id of the client's socket in a namespace. An old client makes it up from what it knows; to a newer one it is told,
    /// and it tells nothing of the session.
    func makeSocketID(in namespace: Namespace) -> String {
        guard isOld else { return SessionID.make() }
        return namespace.name == "/" ? session.id : "\(namespace.name)#\(session.id)"
    }

    /// Refuses an old client, which gets either the details or the message.
    func refuseOld(_ namespace: String, _ error: ConnectError) {
        _ = try? session.sendText { buffer in
            if let data = error.data, data.isDetail {
                do {
                    return try SocketIOPacketEncoder.encodeError(namespace: namespace, payload: data, into: &buffer)
                } catch {
                    options.logger.error(
                        "details of a refusal not sent", metadata: ["namespace": "\(namespace)", "error": "\(error)"])
                }
            }
            try SocketIOPacketEncoder.encodeError(namespace: namespace, payload: error.message, into: &buffer)
        }
    }
}

extension SocketIOValue {
    /// Goes to an old client instead of the message: what is true in JavaScript, less numbers, which would be taken for the
    /// packet's id.
    fileprivate var isDetail: Bool {
        switch self {
        case .null, .number, .binary: false
        case .bool(let value): value
        case .string(let value): !value.isEmpty
        case .array, .object: true
        }
    }
}
