public import NIOCore

/// A format of the program's own for the packets of a connection, the counterpart of the reference's option `parser`.
///
/// ```swift
/// struct LineParser: CustomParser {
///     func encode(_ packet: NeutralPacket) throws -> [SocketIOMessage] { [.text(…)] }
///     func makeDecoder(limits: SocketIOLimits) -> any CustomPacketDecoder { LineDecoder() }
/// }
/// options.parser = .custom(LineParser())
/// ```
public protocol CustomParser: Sendable {
    /// Turns a packet into messages, which are sent in this order. Called on the thread that sends, for a broadcast once
    /// for all receivers.
    ///
    /// - Throws: anything; the packet is not sent, and the error is treated as any other of encoding.
    func encode(_ packet: NeutralPacket) throws -> [SocketIOMessage]

    /// Makes the decoder of one connection. Called once for each, on its event loop.
    ///
    /// - Parameter limits: what the server allows a peer; keeping to it is up to the decoder.
    func makeDecoder(limits: SocketIOLimits) -> any CustomPacketDecoder
}

/// Turns the messages of one connection into packets.
public protocol CustomPacketDecoder: Sendable {
    /// Takes the next message, on the connection's event loop. It must not block.
    ///
    /// - Returns: the packet that the message completes; nil while more messages belong to it.
    /// - Throws: anything; the connection ends with the reason `parse error`.
    mutating func decode(_ message: SocketIOMessage) throws -> NeutralPacket?
}

/// A message of the layer below: text or bytes.
public enum SocketIOMessage: Hashable, Sendable {
    /// Valid UTF-8.
    case text(ByteBuffer)
    /// Bytes.
    case binary(ByteBuffer)
}

/// A packet without a format: what a ``CustomParser`` reads and writes.
public struct NeutralPacket: Hashable, Sendable {
    /// What the packet is for. ``SocketIOPacket/Kind/binaryEvent`` and ``SocketIOPacket/Kind/binaryAck`` do not occur: binary
    /// values may stand in any event.
    public var kind: SocketIOPacket.Kind
    /// The namespace, `/` for the main one.
    public var namespace: String
    /// The acknowledgement id: of an event, that its sender waits for an answer; of an acknowledgement, what it answers.
    public var id: UInt64?
    /// The payload: of an event an array of its name and its arguments, of an acknowledgement an array of its arguments, of
    /// a CONNECT an object or nothing, of a CONNECT_ERROR an object or a string, of a DISCONNECT nothing.
    ///
    /// Of what a ``CustomPacketDecoder`` returns, numbers are kept as integers of 64 bits or as doubles.
    public var data: SocketIOValue?

    /// A packet of these parts.
    public init(
        kind: SocketIOPacket.Kind, namespace: String = "/", id: UInt64? = nil, data: SocketIOValue? = nil
    ) {
        self.kind = kind
        self.namespace = namespace
        self.id = id
        self.data = data
    }
}
