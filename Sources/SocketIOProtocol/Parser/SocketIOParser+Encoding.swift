package import NIOCore

/// Packets in whichever format was chosen. Each function asks for the format once; ``SocketIOPacketEncoder`` says more about
/// what it writes. After an error the buffer is what it was before.
extension SocketIOParser {
    /// Writes an EVENT.
    @inline(__always)
    package func encodeEvent<each Argument: Encodable>(
        _ name: String, _ arguments: repeat each Argument, namespace: String, id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            return .text(
                attachments: try SocketIOPacketEncoder.encodeEvent(
                    name, repeat each arguments, namespace: namespace, id: id, into: &buffer))
        case .messagePack:
            try MessagePackPacketWriter.event(name, repeat each arguments, namespace: namespace, id: id, &buffer)
            return .binary
        case .custom(let parser):
            return try parser.encodeEvent(name, Self.array(repeat each arguments), namespace, id)
        }
    }

    /// Writes an EVENT whose arguments are known at run time only.
    package func encodeEvent(
        _ name: String, arguments: [any Encodable], namespace: String, id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            return .text(
                attachments: try SocketIOPacketEncoder.encodeEvent(
                    name, arguments: arguments, namespace: namespace, id: id, into: &buffer))
        case .messagePack:
            try MessagePackPacketWriter.event(name, arguments: arguments, namespace: namespace, id: id, &buffer)
            return .binary
        case .custom(let parser):
            return try parser.encodeEvent(name, arguments, namespace, id)
        }
    }

    /// Writes an ACK.
    @inline(__always)
    package func encodeAck<each Argument: Encodable>(
        id: UInt64, _ arguments: repeat each Argument, namespace: String, into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            return .text(
                attachments: try SocketIOPacketEncoder.encodeAck(
                    id: id, repeat each arguments, namespace: namespace, into: &buffer))
        case .messagePack:
            try MessagePackPacketWriter.ack(id: id, repeat each arguments, namespace: namespace, &buffer)
            return .binary
        case .custom(let parser):
            return try parser.encode(.ack, Self.array(repeat each arguments), namespace, id)
        }
    }

    /// Writes an ACK whose arguments are known at run time only.
    package func encodeAck(
        id: UInt64, arguments: [any Encodable], namespace: String, into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            return .text(
                attachments: try SocketIOPacketEncoder.encodeAck(
                    id: id, arguments: arguments, namespace: namespace, into: &buffer))
        case .messagePack:
            try MessagePackPacketWriter.ack(id: id, arguments: arguments, namespace: namespace, &buffer)
            return .binary
        case .custom(let parser):
            return try parser.encode(.ack, arguments, namespace, id)
        }
    }

    /// Writes a server's CONNECT.
    package func encodeConnect(
        namespace: String, sid: String, pid: String? = nil, into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            SocketIOPacketEncoder.encodeConnect(namespace: namespace, sid: sid, pid: pid, into: &buffer)
            return .text(attachments: [])
        case .messagePack, .custom:
            var object = SocketIOValue.Object()
            object["sid"] = .string(sid)
            object["pid"] = pid.map { .string($0) }
            return try self.encode(.connect, namespace, object, &buffer)
        }
    }

    /// Writes a CONNECT_ERROR.
    package func encodeConnectError(
        namespace: String, message: String, data: SocketIOValue? = nil, into buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        switch self {
        case .default:
            if let data {
                try SocketIOPacketEncoder.encodeConnectError(
                    namespace: namespace, message: message, data: data, into: &buffer)
            } else {
                SocketIOPacketEncoder.encodeConnectError(namespace: namespace, message: message, into: &buffer)
            }
            return .text(attachments: [])
        case .messagePack, .custom:
            var object = SocketIOValue.Object()
            object["message"] = .string(message)
            object["data"] = data
            return try self.encode(.connectError, namespace, object, &buffer)
        }
    }

    /// Writes a DISCONNECT.
    package func encodeDisconnect(namespace: String, into buffer: inout ByteBuffer) throws -> EncodedPacket {
        switch self {
        case .default:
            SocketIOPacketEncoder.encodeDisconnect(namespace: namespace, into: &buffer)
            return .text(attachments: [])
        case .messagePack, .custom:
            return try self.encode(.disconnect, namespace, nil, &buffer)
        }
    }

    /// Writes a packet with an object or nothing in it, for the formats without a shorter way.
    private func encode(
        _ kind: SocketIOPacket.Kind, _ namespace: String, _ object: SocketIOValue.Object?, _ buffer: inout ByteBuffer
    ) throws -> EncodedPacket {
        let packet = NeutralPacket(kind: kind, namespace: namespace, data: object.map { .object($0) })
        if case .custom(let parser) = self { return .messages(try parser.encode(packet)) }
        try MessagePackPacketWriter.packet(packet, &buffer)
        return .binary
    }

    private static func array<each Argument: Encodable>(_ arguments: repeat each Argument) -> [any Encodable] {
        var array: [any Encodable] = []
        repeat array.append(each arguments)
        return array
    }
}

extension CustomParser {
    fileprivate func encodeEvent(
        _ name: String, _ arguments: [any Encodable], _ namespace: String, _ id: UInt64?
    ) throws -> EncodedPacket {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        return try self.encode(.event, [name] + arguments, namespace, id)
    }

    fileprivate func encode(
        _ kind: SocketIOPacket.Kind, _ arguments: [any Encodable], _ namespace: String, _ id: UInt64?
    ) throws -> EncodedPacket {
        // The name of an event stands before its arguments and is not counted as one of them.
        let first = kind == .event ? -1 : 0
        let values = try arguments.enumerated().map { index, argument in
            try SocketIOValue(encoding: argument, path: [JSONKey.index(index + first)])
        }
        return .messages(
            try self.encode(NeutralPacket(kind: kind, namespace: namespace, id: id, data: .array(values))))
    }
}
