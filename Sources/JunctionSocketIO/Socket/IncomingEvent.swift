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
    /// The event's name. A middleware may change it, and with it which handlers are called.
    public var name: String
    /// Its arguments, decoded when they are asked for.
    public private(set) var arguments: EventArguments

    let acknowledgement: Acknowledgement?

    /// The client waits for an acknowledgement.
    public var wantsAcknowledgement: Bool { acknowledgement != nil }

    init(name: String, arguments: EventArguments, acknowledgement: Acknowledgement?) {
        self.name = name
        self.arguments = arguments
        self.acknowledgement = acknowledgement
    }

    /// Decodes as many of the arguments as there are types; those behind them are ignored, and missing ones are `nil` for
    /// optional types.
    ///
    /// ```swift
    /// let (name, level) = try event.decode(String.self, Int.self)
    /// ```
    ///
    /// - Throws: ``SocketIOError`` with the code `invalidArguments`; of which the client is told if it gets out of the handler.
    @inline(__always)
    public func decode<each Argument: Decodable>(
        _ types: repeat (each Argument).Type
    ) throws -> (repeat each Argument) {
        do {
            return try arguments.decode(repeat each types)
        } catch {
            throw SocketIOError.invalidArguments(error)
        }
    }

    /// Decodes the argument at `place` as ``decode(_:)`` does.
    @inline(__always)
    func argument<T: Decodable>(_ type: T.Type, at place: inout EventArguments.Cursor) throws -> T {
        do {
            return try arguments.next(type, at: &place)
        } catch {
            throw SocketIOError.invalidArguments(error)
        }
    }

    /// Puts others in place of the arguments, for the middleware and handlers that follow.
    ///
    /// - Throws: `EncodingError` for what cannot be encoded; the arguments are what they were then.
    public mutating func setArguments<each Argument: Encodable & Sendable>(_ new: repeat each Argument) throws {
        let message = try EncodedMessage(.default) { parser, buffer in
            try parser.encodeEvent(name, repeat each new, namespace: "/", into: &buffer)
        }
        arguments = try EventArguments(sent: message, .default)
    }

    /// Puts dynamic values in place of the arguments.
    public mutating func setArguments(values: [SocketIOValue]) throws {
        let message = try EncodedMessage(.default) { parser, buffer in
            try parser.encodeEvent(name, arguments: values, namespace: "/", into: &buffer)
        }
        arguments = try EventArguments(sent: message, .default)
    }

    /// All arguments as dynamic values.
    public func values() throws -> [SocketIOValue] {
        var arguments = arguments
        return try arguments.remaining()
    }

    /// Answers the client. Only the first answer counts; without a wish for one nothing happens.
    public func acknowledge<each Value: Encodable & Sendable>(_ values: repeat each Value) {
        acknowledgement?.send { parser, buffer, id, namespace in
            try parser.encodeAck(id: id, repeat each values, namespace: namespace, into: &buffer)
        }
    }

    /// Answers the client with dynamic values.
    public func acknowledge(arguments: [SocketIOValue]) {
        acknowledgement?.send { parser, buffer, id, namespace in
            try parser.encodeAck(id: id, arguments: arguments, namespace: namespace, into: &buffer)
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

    func send(_ encode: (SocketIOParser, inout ByteBuffer, UInt64, String) throws -> EncodedPacket) {
        guard !isSent.exchange(true, ordering: .relaxed) else { return }
        socket.send(flags: .mustArrive) { parser, buffer in
            do {
                return try encode(parser, &buffer, id, socket.namespace.name)
            } catch {
                // The client waits: it learns that there is no answer.
                socket.logUnsent(error)
                return try parser.encodeAck(
                    id: id, ErrorAcknowledgement(.internalError), namespace: socket.namespace.name, into: &buffer)
            }
        }
    }
}
