public import NIOCore

/// Several packets in the body of one polling request or response ("Packet encoding, HTTP long-polling").
///
/// ```swift
/// let packets = try EnginePayload.decode(body)     // "4hello\u{1e}2\u{1e}bAQIDBA=="
/// ```
public enum EnginePayload {
    /// The most packets that ``decode(_:maxPackets:)`` accepts in one payload unless told otherwise. The payload's bytes are
    /// limited where they are received.
    public static let defaultMaxPackets = 65_536

    /// U+001E, which stands between two packets. JSON escapes it, so it never occurs inside a Socket.IO packet.
    private static let separator: UInt8 = 0x1E

    /// Decodes a payload. The bodies of text packets are slices of it.
    ///
    /// - Parameters:
    ///   - body: The body of the request or response.
    ///   - maxPackets: The most packets to accept.
    /// - Returns: The packets in the order they were sent, at least one.
    /// - Throws: ``EngineParseError`` for text that is not UTF-8, an empty packet, an unknown type, wrong base64, or too many
    ///   packets.
    public static func decode(
        _ body: ByteBuffer, maxPackets: Int = defaultMaxPackets
    ) throws(EngineParseError) -> [EnginePacket] {
        guard (try? body.getUTF8ValidatedString(at: body.readerIndex, length: body.readableBytes)) != nil else {
            throw EngineParseError(.invalidUTF8)
        }
        var packets: [EnginePacket] = []
        var rest = body
        while true {
            guard packets.count < maxPackets else { throw error(.tooManyPackets, rest, of: body) }
            let end = rest.readableBytesView.firstIndex(of: separator)
            let length = end.map { $0 - rest.readerIndex } ?? rest.readableBytes
            guard let packet = rest.getSlice(at: rest.readerIndex, length: length) else { return packets }
            do {
                packets.append(try EnginePacket(text: packet))
            } catch {
                throw Self.error(error.code, rest, of: body)
            }
            guard end != nil else { return packets }
            rest.moveReaderIndex(forwardBy: length + 1)
        }
    }

    /// Appends a payload. Binary messages are written as base64.
    public static func encode(_ packets: some Sequence<EnginePacket>, into buffer: inout ByteBuffer) {
        var isFirst = true
        for packet in packets {
            if !isFirst { buffer.writeInteger(separator) }
            isFirst = false
            switch packet.body {
            case .text:
                packet.write(into: &buffer)
            case .binary(let bytes):
                buffer.writeInteger(EnginePacket.base64Mark)
                Base64.encode(bytes, into: &buffer)
            }
        }
    }

    /// The bytes that a packet takes in a payload, without a separator.
    public static func encodedLength(of packet: EnginePacket) -> Int {
        switch packet.body {
        case .text(let text): 1 + text.readableBytes
        case .binary(let bytes): 1 + Base64.encodedLength(bytes.readableBytes)
        }
    }

    /// How many of the packets, from the first on, fit into one payload.
    ///
    /// - Parameter maxPayload: The most bytes of a payload, as the server's handshake says (``EngineHandshake/maxPayload``).
    /// - Returns: At least 1 unless there are no packets: one that is too large alone is for the receiver to refuse.
    public static func prefixCount(of packets: some Collection<EnginePacket>, maxPayload: Int) -> Int {
        var count = 0
        var length = 0
        for packet in packets {
            length += encodedLength(of: packet) + (count == 0 ? 0 : 1)
            if count > 0 && length > maxPayload { break }
            count += 1
        }
        return count
    }

    private static func error(_ code: EngineParseError.Code, _ rest: ByteBuffer, of body: ByteBuffer)
        -> EngineParseError
    {
        EngineParseError(code, at: rest.readerIndex - body.readerIndex)
    }
}
