import NIOCore

/// SLIP, RFC 1055.
struct SLIPFramer: MemoryReportingFramer {
    private static let end: UInt8 = 0xC0

    private enum Escapes: Stuffing {
        static let escape: UInt8 = 0xDB

        static func countEscapes(_ message: ByteBuffer) -> Int { message.count(of: end) + message.count(of: escape) }

        static func escaped(_ byte: UInt8) -> UInt8? {
            switch byte {
            case end: 0xDC
            case escape: 0xDD
            default: nil
            }
        }

        static func unescaped(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0xDC: end
            case 0xDD: escape
            default: nil
            }
        }
    }

    let maximumLength: Int
    private var input = DelimitedBytes(delimiter: [end])
    /// Escapes in the first bytes of the unfinished packet, and how many bytes these are; counted only once there are more
    /// bytes than the maximum.
    private var escapes = 0
    private var counted = 0

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    var heldBytes: Int { input.heldBytes }

    mutating func append(_ bytes: ByteBuffer) { input.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        while true {
            switch input.next(upTo: 2 * maximumLength) {
            case .frame(let packet):
                (escapes, counted) = (0, 0)
                // RFC 1055: one END at the end of a packet and one before the next make an empty packet between them.
                if packet.readableBytes > 0 { return try message(packet) }
            case .tooLong:
                (escapes, counted) = (0, 0)
                throw tooLong
            case .none:
                guard isTooLong() else { return nil }
                (escapes, counted) = (0, 0)
                input.refuse()
                throw tooLong
            }
        }
    }

    /// Whether the unfinished packet is over the maximum without its escapes.
    private mutating func isTooLong() -> Bool {
        let packet = input.unfinished
        guard packet.readableBytes > maximumLength else { return false }
        escapes += packet.count(of: Escapes.escape, from: counted)
        counted = packet.readableBytes
        return counted - escapes > maximumLength
    }

    private func message(_ packet: ByteBuffer) throws(FramingError) -> ByteBuffer {
        let escapes = packet.count(of: Escapes.escape)
        guard packet.readableBytes - escapes <= maximumLength else { throw tooLong }
        if escapes == 0 { return packet }
        guard let message = Escapes.undo(packet) else {
            throw FramingError(.malformed, "a SLIP packet has an invalid escape")
        }
        return message
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        (escapes, counted) = (0, 0)
        guard input.flush() == nil else { throw .truncated("a SLIP packet") }
        return nil
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength else { throw .message(of: length, over: maximumLength) }
        guard length > 0 else { throw FramingError(.malformed, "SLIP cannot carry an empty message") }
        Escapes.write(message, between: Self.end, and: Self.end, into: &output)
    }

    private var tooLong: FramingError { .tooLong("a SLIP packet", maximum: maximumLength) }
}
