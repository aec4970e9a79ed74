internal import NIOCore

/// The decoder of the program's own parser, held to what the others guarantee: its packets have the shape of their kind.
struct CheckedDecoder: Sendable {
    private var decoder: any CustomPacketDecoder
    private let limits: SocketIOLimits

    init(_ parser: any CustomParser, limits: SocketIOLimits) {
        self.decoder = parser.makeDecoder(limits: limits)
        self.limits = limits
    }

    mutating func decode(_ message: SocketIOMessage) throws(SocketIOParseError) -> SocketIOPacket? {
        let packet: NeutralPacket?
        do {
            packet = try self.decoder.decode(message)
        } catch {
            throw SocketIOParseError(
                code: .refusedByParser, message: "The parser refused a message: \(error)", offset: 0)
        }
        return try packet.map { packet throws(SocketIOParseError) in try self.written(packet) }
    }

    /// The packet with its payload as JSON, which everything above reads.
    private func written(_ packet: NeutralPacket) throws(SocketIOParseError) -> SocketIOPacket {
        let isAck = packet.kind == .ack || packet.kind == .binaryAck
        guard packet.id != nil || !isAck else {
            throw SocketIOParseError(
                code: .illegalID, message: "An acknowledgement needs the id that it answers.", offset: 0)
        }
        guard let data = packet.data else {
            try packet.kind.requireNoPayloadNeeded(offset: 0)
            return SocketIOPacket(
                kind: packet.kind, namespace: packet.namespace, id: packet.id, payload: nil, attachments: [])
        }
        var json = ByteBuffer()
        var attachments: [ByteBuffer] = []
        json.writeDynamicValue(data, attachments: &attachments)
        try json.readableBytesSpan.validatePayload(
            packet.kind, from: 0, attachments: attachments.count, limits: self.limits)
        return SocketIOPacket(
            kind: packet.kind, namespace: packet.namespace, id: packet.id, payload: json, attachments: attachments)
    }
}
