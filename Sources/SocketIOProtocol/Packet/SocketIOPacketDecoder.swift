public import NIOCore

/// Turns the messages of one connection into packets, attachments put together.
///
/// Feed it every Engine.IO message in order of arrival. It accepts what the reference parser (socket.io-parser 4.2.6)
/// accepts of revision 5, less what that lets through against the protocol's text: events and acknowledgements without a
/// payload, and ids and counts that are not plain digits. No input can make it trap.
///
/// ```swift
/// var decoder = SocketIOPacketDecoder()
/// if let packet = try decoder.decode(text: buffer), packet.kind == .event {
///     var arguments = try EventArguments(packet)
///     print(arguments.event, try arguments.next(String.self))
/// }
/// ```
public struct SocketIOPacketDecoder: Sendable {
    /// What the peer may send.
    public let limits: SocketIOLimits
    private var reassembly: Reassembly?
    /// Nil for the format of the protocol.
    private var other: OtherDecoder?

    /// A packet whose attachments are still on their way.
    private struct Reassembly {
        let packet: SocketIOPacket
        let missing: Int
        let byteCount: Int
        var attachments: [ByteBuffer] = []
    }

    /// The decoder of another format.
    private enum OtherDecoder {
        case messagePack(MessagePackPacketDecoder)
        case custom(CheckedDecoder)
    }

    /// A decoder for one connection.
    public init(parser: SocketIOParser = .default, limits: SocketIOLimits = SocketIOLimits()) {
        self.limits = limits
        switch parser {
        case .default: break
        case .messagePack: self.other = .messagePack(MessagePackPacketDecoder(limits: limits))
        case .custom(let parser): self.other = .custom(CheckedDecoder(parser, limits: limits))
        }
    }

    /// Decodes a text message.
    ///
    /// - Returns: the packet, or nil while its attachments are outstanding.
    /// - Throws: ``SocketIOParseError``; the packet under way, if any, is dropped.
    public mutating func decode(text: consuming ByteBuffer) throws(SocketIOParseError) -> SocketIOPacket? {
        guard self.other == nil else { return try self.decodeOther(.text(text)) }
        guard self.reassembly == nil else {
            self.reassembly = nil
            throw SocketIOParseError(
                code: .unexpectedText, message: "Got plaintext data when reconstructing a packet.", offset: 0)
        }
        guard text.readableBytes <= self.limits.maxPacketBytes else { throw self.packetTooLarge }
        let byteCount = text.readableBytes
        let header = try self.checkedHeader(text.readableBytesSpan)
        var payload: ByteBuffer?
        if header.length < byteCount {
            text.moveReaderIndex(forwardBy: header.length)
            payload = text
        }
        let packet = SocketIOPacket(
            kind: header.kind, namespace: header.namespace, id: header.id, payload: payload, attachments: [])
        guard header.attachmentCount > 0 else { return packet }
        self.reassembly = Reassembly(packet: packet, missing: header.attachmentCount, byteCount: byteCount)
        return nil
    }

    /// The header of a packet that is valid in whole.
    private func checkedHeader(_ bytes: borrowing RawSpan) throws(SocketIOParseError) -> PacketHeader {
        let header = try PacketHeader(bytes, limits: self.limits)
        if header.length < bytes.byteCount {
            try bytes.validatePayload(
                header.kind, from: header.length, attachments: header.attachmentCount, limits: self.limits)
        } else {
            try header.kind.requireNoPayloadNeeded(offset: header.length)
        }
        return header
    }

    /// Decodes a binary message: the next attachment of the packet under way.
    ///
    /// - Returns: the packet once this was its last attachment, nil before.
    /// - Throws: ``SocketIOParseError``; the packet under way, if any, is dropped.
    public mutating func decode(binary: ByteBuffer) throws(SocketIOParseError) -> SocketIOPacket? {
        guard self.other == nil else { return try self.decodeOther(.binary(binary)) }
        guard let reassembly = self.reassembly.take() else {
            throw SocketIOParseError(
                code: .unexpectedBinary, message: "Got binary data when not reconstructing a packet.", offset: 0)
        }
        let byteCount = reassembly.byteCount + binary.readableBytes
        guard byteCount <= self.limits.maxPacketBytes else { throw self.packetTooLarge }
        let attachments = reassembly.attachments + [binary]
        let packet = reassembly.packet
        guard reassembly.missing == 1 else {
            self.reassembly = Reassembly(
                packet: packet, missing: reassembly.missing - 1, byteCount: byteCount, attachments: attachments)
            return nil
        }
        return SocketIOPacket(
            kind: packet.kind, namespace: packet.namespace, id: packet.id, payload: packet.payload,
            attachments: attachments)
    }

    private mutating func decodeOther(_ message: SocketIOMessage) throws(SocketIOParseError) -> SocketIOPacket? {
        switch self.other {
        case .messagePack(let decoder):
            return try decoder.decode(message)
        case .custom(var decoder):
            defer { self.other = .custom(decoder) }
            return try decoder.decode(message)
        case nil:
            return nil
        }
    }

    private var packetTooLarge: SocketIOParseError {
        SocketIOParseError(
            code: .limitExceeded, message: "The packet is larger than \(self.limits.maxPacketBytes) bytes.",
            offset: self.limits.maxPacketBytes)
    }
}
