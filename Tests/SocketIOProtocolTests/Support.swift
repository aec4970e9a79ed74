import NIOCore
import SocketIOProtocol

/// Decodes one text message with a decoder of its own.
func decodePacket(
    _ text: String, limits: SocketIOLimits = SocketIOLimits()
) throws(SocketIOParseError) -> SocketIOPacket? {
    var decoder = SocketIOPacketDecoder(limits: limits)
    return try decoder.decode(text: ByteBuffer(string: text))
}

/// The code of the error that a text message is refused with; nil if it is accepted.
func refusal(_ text: String, limits: SocketIOLimits = SocketIOLimits()) -> SocketIOParseError.Code? {
    refusal(Array(text.utf8), limits: limits)
}

func refusal(_ bytes: [UInt8], limits: SocketIOLimits = SocketIOLimits()) -> SocketIOParseError.Code? {
    var decoder = SocketIOPacketDecoder(limits: limits)
    do throws(SocketIOParseError) {
        _ = try decoder.decode(text: ByteBuffer(bytes: bytes))
        return nil
    } catch {
        return error.code
    }
}

/// Decodes one value from JSON on the way an argument takes.
func decodeJSON<T: Decodable>(_ type: T.Type = T.self, _ json: String, attachments: [String] = []) throws -> T {
    var decoder = SocketIOPacketDecoder(limits: SocketIOLimits(maxPacketBytes: 10_000_000))
    let header = attachments.isEmpty ? "30" : "6\(attachments.count)-0"
    var packet = try decoder.decode(text: ByteBuffer(string: "\(header)[\(json)]"))
    for attachment in attachments { packet = try decoder.decode(binary: ByteBuffer(string: attachment)) }
    guard let packet else { throw MissingPacket() }
    var arguments = try EventArguments(packet)
    return try arguments.next(type)
}

/// Encodes one value as JSON on the way an argument takes.
func encodeJSON(_ value: some Encodable) throws -> String {
    var buffer = ByteBuffer()
    let attachments = try SocketIOPacketEncoder.encodeAck(id: 0, value, into: &buffer)
    let header = attachments.isEmpty ? "30[" : "6\(attachments.count)-0["
    return String(String(buffer: buffer).dropFirst(header.count).dropLast())
}

struct MissingPacket: Error {}

/// SplitMix64: the same numbers at every run.
struct FixedSeedGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
