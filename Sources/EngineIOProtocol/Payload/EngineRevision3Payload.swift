public import NIOCore

/// Several packets in the body of one polling request or response of revision 3, which has two forms.
///
/// As text each packet stands behind its length in UTF-16 code units, in decimal: `6:4hello2:4€`. As bytes each stands behind
/// a 0 (text) or a 1 (bytes), the decimal digits of its length in bytes as the numbers 0 to 9, and a 255.
///
/// No input can make the decoders trap, and each takes time and memory in proportion to the input's length.
/// Specification: Engine.IO protocol, revision 3, section "Encoding", "Payload".
public enum EngineRevision3Payload {
    /// Ends a length in the form of bytes.
    private static let lengthEnd: UInt8 = 255

    // MARK: Decoding

    /// Decodes a payload of text. The bodies of text packets are slices of it.
    ///
    /// Packets of length 0, which say nothing, are skipped.
    ///
    /// - Parameters:
    ///   - body: The body of the request or response.
    ///   - maxPackets: The most packets to accept.
    /// - Throws: ``EngineParseError`` for an empty payload, text that is not UTF-8, a length that is no number, goes beyond the
    ///   end or ends within a character, an unknown type, wrong base64, or too many packets.
    public static func decode(
        text body: ByteBuffer, maxPackets: Int = EnginePayload.defaultMaxPackets
    ) throws(EngineParseError) -> [EnginePacket] {
        guard body.isUTF8 else { throw EngineParseError(.invalidUTF8) }
        var rest = body
        guard rest.readableBytes > 0 else { throw EngineParseError(.emptyPacket) }
        var packets: [EnginePacket] = []
        while rest.readableBytes > 0 {
            let start = rest.readerIndex - body.readerIndex
            guard let units = rest.readLength(endingWith: UInt8(ascii: ":"), zero: UInt8(ascii: "0")),
                let length = rest.byteCount(ofUTF16: units), let packet = rest.readSlice(length: length)
            else { throw EngineParseError(.invalidFraming, at: start) }
            guard length > 0 else { continue }
            try append(at: start, to: &packets, maxPackets) { () throws(EngineParseError) in
                try EnginePacket(text: packet, revision: .three)
            }
        }
        return packets
    }

    /// Decodes a payload of bytes. The bodies of packets are slices of it, those in base64 excepted.
    ///
    /// - Parameters:
    ///   - body: The body of the request or response.
    ///   - maxPackets: The most packets to accept.
    /// - Throws: ``EngineParseError`` for an empty payload, a packet that is neither text nor bytes, a length that is no number
    ///   or goes beyond the end, text that is not UTF-8, an unknown type, wrong base64, or too many packets.
    public static func decode(
        binary body: ByteBuffer, maxPackets: Int = EnginePayload.defaultMaxPackets
    ) throws(EngineParseError) -> [EnginePacket] {
        var rest = body
        guard rest.readableBytes > 0 else { throw EngineParseError(.emptyPacket) }
        var packets: [EnginePacket] = []
        while let form = rest.readInteger(as: UInt8.self) {
            let start = rest.readerIndex - body.readerIndex - 1
            guard form <= 1, let length = rest.readLength(endingWith: lengthEnd, zero: 0),
                let packet = rest.readSlice(length: length)
            else { throw EngineParseError(.invalidFraming, at: start) }
            try append(at: start, to: &packets, maxPackets) { () throws(EngineParseError) in
                if form == 1 { return try EnginePacket(typedBinary: packet) }
                guard packet.isUTF8 else { throw EngineParseError(.invalidUTF8) }
                return try EnginePacket(text: packet, revision: .three)
            }
        }
        return packets
    }

    private static func append(
        at start: Int, to packets: inout [EnginePacket], _ maxPackets: Int,
        _ decode: () throws(EngineParseError) -> EnginePacket
    ) throws(EngineParseError) {
        guard packets.count < maxPackets else { throw EngineParseError(.tooManyPackets, at: start) }
        do {
            packets.append(try decode())
        } catch {
            throw EngineParseError(error.code, at: start)
        }
    }

    // MARK: Encoding

    /// Whether the packets are better sent as bytes: one is binary, or has a character beyond U+FFFF, which the clients of
    /// JavaScript count as two and those of other languages as one.
    static func isBestAsBytes(_ packets: some Sequence<EnginePacket>) -> Bool {
        packets.contains { packet in
            switch packet.body {
            case .binary: true
            case .text(let text): text.readableBytesView.contains { $0 >= 0xF0 }
            }
        }
    }

    /// Appends a payload of text. Binary messages are written as base64.
    public static func encodeText(_ packets: some Sequence<EnginePacket>, into buffer: inout ByteBuffer) {
        let dialect = EngineDialect(revision: .three, usesBase64: true)
        for packet in packets {
            switch packet.body {
            case .text(let text): buffer.writeString("\(1 + text.utf16Count):")
            case .binary(let bytes): buffer.writeString("\(2 + Base64.encodedLength(bytes.readableBytes)):")
            }
            packet.write(into: &buffer, dialect: dialect)
        }
    }

    /// Appends a payload of bytes.
    public static func encodeBinary(_ packets: some Sequence<EnginePacket>, into buffer: inout ByteBuffer) {
        let dialect = EngineDialect(revision: .three)
        for packet in packets {
            buffer.writeInteger(UInt8(packet.isBinary ? 1 : 0))
            let length =
                switch packet.body {
                case .text(let bytes), .binary(let bytes): 1 + bytes.readableBytes
                }
            for digit in String(length).utf8 { buffer.writeInteger(digit & 0xF) }
            buffer.writeInteger(lengthEnd)
            packet.write(into: &buffer, dialect: dialect)
        }
    }
}

extension ByteBuffer {
    fileprivate var isUTF8: Bool {
        (try? getUTF8ValidatedString(at: readerIndex, length: readableBytes)) != nil
    }

    /// Reads the decimal digits of a length, and what ends them. `nil` unless there is a digit and the number fits.
    fileprivate mutating func readLength(endingWith end: UInt8, zero: UInt8) -> Int? {
        var value: Int?
        while let byte = readInteger(as: UInt8.self) {
            if byte == end { return value }
            guard byte >= zero, byte - zero <= 9 else { return nil }
            let (product, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - zero))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return nil
    }

    /// UTF-16 code units of the text.
    fileprivate var utf16Count: Int {
        withUnsafeReadableBytes { bytes in
            bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : $1 < 0xF0 ? 1 : 2) }
        }
    }

    /// How many bytes the first code units of UTF-16 take; `nil` if there are fewer, or if they end within a character.
    fileprivate func byteCount(ofUTF16 units: Int) -> Int? {
        guard units <= readableBytes else { return nil }
        return withUnsafeReadableBytes { bytes in
            var index = 0
            var left = units
            while left > 0 {
                guard index < bytes.count else { return nil }
                switch bytes[index] {
                case ..<0x80: (index, left) = (index + 1, left - 1)
                case ..<0xE0: (index, left) = (index + 2, left - 1)
                case ..<0xF0: (index, left) = (index + 3, left - 1)
                default: (index, left) = (index + 4, left - 2)
                }
            }
            return left == 0 && index <= bytes.count ? index : nil
        }
    }
}
