import NIOCore
import SocketIOProtocol

/// Bytes written as pairs of hexadecimal digits, white space between them ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
}

/// Decodes one packet in MessagePack with a decoder of its own.
func decodePacked(
    _ bytes: [UInt8], limits: SocketIOLimits = SocketIOLimits()
) throws(SocketIOParseError) -> SocketIOPacket? {
    var decoder = SocketIOPacketDecoder(parser: .messagePack, limits: limits)
    return try decoder.decode(binary: ByteBuffer(bytes: bytes))
}

/// The code of the error that bytes are refused with; nil if they are accepted.
func packedRefusal(_ bytes: [UInt8], limits: SocketIOLimits = SocketIOLimits()) -> SocketIOParseError.Code? {
    do throws(SocketIOParseError) {
        _ = try decodePacked(bytes, limits: limits)
        return nil
    } catch {
        return error.code
    }
}

/// What an acknowledgement with one value has before that value and behind it: `{id: 0, type: 3, data: [`, `], nsp: "/"}`.
private let ackHead = hex("84 a26964 00 a474797065 03 a464617461 91")
private let ackTail = hex("a36e7370 a12f")

/// Encodes one value on the way an argument takes.
func pack(_ value: some Encodable) throws -> [UInt8] {
    var buffer = ByteBuffer()
    _ = try SocketIOParser.messagePack.encodeAck(id: 0, value, namespace: "/", into: &buffer)
    return Array(Array(buffer.readableBytesView).dropFirst(ackHead.count).dropLast(ackTail.count))
}

/// Decodes one value on the way an argument takes.
func unpack<T: Decodable>(_ type: T.Type = T.self, _ bytes: [UInt8]) throws -> T {
    guard let packet = try decodePacked(ackHead + bytes + ackTail, limits: SocketIOLimits(maxPacketBytes: 10_000_000))
    else {
        throw MissingPacket()
    }
    var arguments = try EventArguments(packet)
    return try arguments.next(type)
}
