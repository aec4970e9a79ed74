import NIOCore
public import SocketIOProtocol
import Synchronization

/// An event as it came, for handlers that take any arguments or acknowledge later.
///
/// ```swift
/// socket.on("message") { (event: IncomingEvent) in
///     try socket.emit("message", arguments: event.values())
///     event.acknowledge("got it")
/// }
/// ```
public struct IncomingEvent: Sendable {
    /// The event's name.
    public let name: String
    /// Its arguments, decoded when they are asked for.
    public let arguments: EventArguments

    let acknowledgement: Acknowledgement?

    /// The client waits for an acknowledgement.
    public var wantsAcknowledgement: Bool { acknowledgement != nil }

    /// All arguments as dynamic values.
    public func values() throws -> [SocketIOValue] {
        var arguments = arguments
        return try arguments.remaining()
    }

    /// Answers the client. Only the first answer counts; without a wish for one nothing happens.
    public func acknowledge<each Value: Encodable & Sendable>(_ values: repeat each Value) {
        acknowledgement?.send { buffer, id, namespace in
            try SocketIOPacketEncoder.encodeAck(id: id, repeat each values, namespace: namespace, into: &buffer)
        }
    }

    /// Answers the client with dynamic values.
    public func acknowledge(arguments: [SocketIOValue]) {
        acknowledgement?.send { buffer, id, namespace in
            try SocketIOPacketEncoder.encodeAck(id: id, arguments: arguments, namespace: namespace, into: &buffer)
        }
    }
}

/// The one answer that a client waits for.
final class Acknowledgement: Sendable {
    private let id: UInt64
    private let socket: Socket
    private let isSent = Atomic(false)

    init(id: UInt64, socket: Socket) {
        self.id = id
        self.socket = socket
    }

    func send(_ encode: (inout ByteBuffer, UInt64, String) throws -> [ByteBuffer]) {
        guard !isSent.exchange(true, ordering: .relaxed) else { return }
        socket.send(flags: .mustArrive) { try encode(&$0, id, socket.namespace.name) }
    }
}
