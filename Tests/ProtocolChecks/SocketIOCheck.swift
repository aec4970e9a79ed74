import NIOCore
import SocketIOProtocol

/// Packets of Socket.IO in the format of the protocol.
///
/// - Every packet that is accepted keeps to the limits, and its arguments can be read as values of any shape.
/// - What was read, written again and read again, is the same.
/// - After an error the decoder goes on with the next packet.
enum SocketIOCheck {
    /// Messages are separated by 0xFF, which no text has; one that starts with 0xFE is binary.
    static func check(_ input: [UInt8]) throws {
        var decoder = SocketIOPacketDecoder()
        for message in input.split(separator: 0xFF, omittingEmptySubsequences: false) {
            let packet: SocketIOPacket?
            do throws(SocketIOParseError) {
                if message.first == 0xFE {
                    packet = try decoder.decode(binary: ByteBuffer(bytes: message.dropFirst()))
                } else {
                    packet = try decoder.decode(text: ByteBuffer(bytes: message))
                }
            } catch {
                try ProtocolFault.require(
                    (0...message.count).contains(error.offset) || error.code == .limitExceeded,
                    "an error at \(error.offset) of \(message.count)")
                try self.checkUsable(decoder)
                continue
            }
            if let packet { try self.check(packet, limits: decoder.limits) }
        }
    }

    private static func checkUsable(_ decoder: SocketIOPacketDecoder) throws {
        var decoder = decoder
        let packet = try? decoder.decode(text: ByteBuffer(string: #"2["a"]"#))
        try ProtocolFault.require(packet?.kind == .event, "an error stops the decoder")
    }

    private static func check(_ packet: SocketIOPacket, limits: SocketIOLimits) throws {
        let size = packet.attachments.reduce(packet.payload?.readableBytes ?? 0) { $0 + $1.readableBytes }
        try ProtocolFault.require(
            packet.attachments.count <= limits.maxAttachments && size <= limits.maxPacketBytes
                && packet.namespace.utf8.count <= limits.maxNamespaceBytes, "beyond the limits: \(packet)")
        try PacketCheck(packet).checkReading()
        try PacketCheck(packet).checkRoundTrip(.default)
    }
}

/// A packet that a decoder has accepted.
struct PacketCheck {
    private let packet: SocketIOPacket

    init(_ packet: SocketIOPacket) {
        self.packet = packet
    }

    /// Types of every way in which values are read.
    private static var types: [any Decodable.Type] {
        [
            String.self, Int.self, UInt8.self, UInt64.self, Int128.self, Double.self, Float.self, Bool.self,
            [Int].self, [String].self, [Double].self, ByteBuffer.self, [String: SocketIOValue].self, [[Double]].self,
            Int?.self, Partial.self, [Int: Partial].self,
        ]
    }

    private struct Partial: Decodable {
        let a: [Double?]
        let b: [String: Int]?
    }

    /// Reads every argument as every type: it may throw, and nothing else.
    func checkReading() throws {
        for type in Self.types {
            _ = try? self.payload(type)
            guard var arguments = try? EventArguments(self.packet) else { continue }
            let count = arguments.count
            for index in 0..<count {
                var reader = arguments
                _ = try? Self.next(&reader, type)
                guard (try? arguments.next(SocketIOValue.self)) != nil else {
                    throw ProtocolFault("argument \(index) of \(self.packet) cannot be read")
                }
            }
            try ProtocolFault.require(arguments.isAtEnd, "\(count) arguments counted, more read")
        }
    }

    private func payload<T: Decodable>(_ type: T.Type) throws -> T { try self.packet.decodePayload(type) }

    private static func next<T: Decodable>(_ arguments: inout EventArguments, _ type: T.Type) throws -> T {
        try arguments.next(type)
    }

    /// What was read, written again and read again, is the same.
    func checkRoundTrip(_ parser: SocketIOParser) throws {
        guard let expected = try self.contents(self.packet) else {
            guard self.packet.payload != nil else { return }
            guard (try? self.packet.decodePayload(SocketIOValue.self)) != nil else {
                throw ProtocolFault("the payload of \(self.packet) cannot be read")
            }
            return
        }
        var buffer = ByteBuffer()
        let encoded: EncodedPacket
        do {
            encoded = try self.encode(expected, parser, &buffer)
        } catch {
            throw ProtocolFault("what was read cannot be written: \(error)")
        }
        // Placeholders may share attachments, which are written once for each.
        var decoder = SocketIOPacketDecoder(
            parser: parser,
            limits: SocketIOLimits(maxAttachments: 100_000, maxDepth: 128, maxPacketBytes: .max))
        do {
            var again: SocketIOPacket?
            switch encoded {
            case .text(let attachments):
                again = try decoder.decode(text: buffer)
                for attachment in attachments { again = try decoder.decode(binary: attachment) }
            case .binary:
                again = try decoder.decode(binary: buffer)
            case .messages(let messages):
                throw ProtocolFault("\(messages)")
            }
            guard let again, again.namespace == self.packet.namespace, again.id == self.packet.id,
                try self.contents(again) == expected
            else { throw ProtocolFault("\(self.packet) became \(String(describing: again))") }
        } catch let error as SocketIOParseError {
            throw ProtocolFault("what was written cannot be read: \(error)")
        }
    }

    private struct Contents: Equatable {
        let event: String?
        let arguments: [SocketIOValue]
    }

    private func contents(_ packet: SocketIOPacket) throws -> Contents? {
        guard var arguments = try? EventArguments(packet) else { return nil }
        return Contents(event: arguments.event, arguments: try arguments.remaining())
    }

    private func encode(
        _ contents: Contents, _ parser: SocketIOParser, _ buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        guard let event = contents.event else {
            return try parser.encodeAck(
                id: self.packet.id ?? 0, arguments: contents.arguments, namespace: self.packet.namespace, into: &buffer)
        }
        return try parser.encodeEvent(
            event, arguments: contents.arguments, namespace: self.packet.namespace, id: self.packet.id, into: &buffer)
    }
}
