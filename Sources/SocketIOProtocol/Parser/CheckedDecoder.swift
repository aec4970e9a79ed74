internal import NIOCore

/// The decoder of the program's own parser, held to what the others guarantee: its packets have the shape of their kind and
/// keep to the limits.
struct CheckedDecoder: Sendable {
    private var decoder: any CustomPacketDecoder
    private let checks: MessagePackPacketDecoder

    init(_ parser: any CustomParser, limits: SocketIOLimits) {
        self.decoder = parser.makeDecoder(limits: limits)
        // How many bytes a packet takes in MessagePack says nothing: the messages themselves are limited below.
        var limits = limits
        limits.maxPacketBytes = .max
        self.checks = MessagePackPacketDecoder(limits: limits)
    }

    mutating func decode(_ message: SocketIOMessage) throws(SocketIOParseError) -> SocketIOPacket? {
        var packed = ByteBuffer()
        do {
            guard let packet = try self.decoder.decode(message) else { return nil }
            // In MessagePack everything above can read it: binary values stand in their place, without a lookalike.
            try MessagePackPacketWriter.packet(packet, &packed)
        } catch {
            throw SocketIOParseError(
                code: .refusedByParser, message: "The parser refused a message: \(error)", offset: 0)
        }
        return try self.checks.decode(.binary(packed))
    }
}
