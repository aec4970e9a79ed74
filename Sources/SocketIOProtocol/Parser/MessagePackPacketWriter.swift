internal import NIOCore

/// Writes packets of the published parser for MessagePack, the members of the map in the order in which the reference's
/// server has them. What a packet does not have is left out.
struct MessagePackPacketWriter {
    private let kind: SocketIOPacket.Kind
    private let namespace: String
    private let id: UInt64?

    static func event<each Argument: Encodable>(
        _ name: String, _ arguments: repeat each Argument, namespace: String, id: UInt64?, _ buffer: inout ByteBuffer
    ) throws {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        var count = 1
        for _ in repeat (each Argument).self { count += 1 }
        try Self(kind: .event, namespace: namespace, id: id).write(&buffer) { buffer in
            try buffer.writePackedArrayHead(count)
            try buffer.writeMessagePack(name, path: [])
            var index = 0
            for argument in repeat each arguments { try buffer.writePackedArgument(argument, &index) }
        }
    }

    static func event(
        _ name: String, arguments: [any Encodable], namespace: String, id: UInt64?, _ buffer: inout ByteBuffer
    ) throws {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        try Self(kind: .event, namespace: namespace, id: id).write(&buffer) { buffer in
            try buffer.writePackedArrayHead(arguments.count + 1)
            try buffer.writeMessagePack(name, path: [])
            var index = 0
            for argument in arguments { try buffer.writePackedArgument(argument, &index) }
        }
    }

    static func ack<each Argument: Encodable>(
        id: UInt64, _ arguments: repeat each Argument, namespace: String, _ buffer: inout ByteBuffer
    ) throws {
        var count = 0
        for _ in repeat (each Argument).self { count += 1 }
        try Self(kind: .ack, namespace: namespace, id: id).write(&buffer) { buffer in
            try buffer.writePackedArrayHead(count)
            var index = 0
            for argument in repeat each arguments { try buffer.writePackedArgument(argument, &index) }
        }
    }

    static func ack(
        id: UInt64, arguments: [any Encodable], namespace: String, _ buffer: inout ByteBuffer
    ) throws {
        try Self(kind: .ack, namespace: namespace, id: id).write(&buffer) { buffer in
            try buffer.writePackedArrayHead(arguments.count)
            var index = 0
            for argument in arguments { try buffer.writePackedArgument(argument, &index) }
        }
    }

    /// Writes a packet of any content.
    static func packet(_ packet: NeutralPacket, _ buffer: inout ByteBuffer) throws {
        let kind: SocketIOPacket.Kind =
            switch packet.kind {
            case .binaryEvent: .event
            case .binaryAck: .ack
            default: packet.kind
            }
        let writer = Self(kind: kind, namespace: packet.namespace, id: packet.id)
        guard let data = packet.data else { return try writer.write(&buffer, hasPayload: false) { _ in } }
        try writer.write(&buffer) { try $0.writeMessagePack(data, path: []) }
    }

    /// Writes the packet around its payload. After an error the buffer is what it was before.
    private func write(
        _ buffer: inout ByteBuffer, hasPayload: Bool = true, payload: (inout ByteBuffer) throws -> Void
    ) throws {
        let start = buffer.writerIndex
        do {
            let count = 2 + (self.id == nil ? 0 : 1) + (hasPayload ? 1 : 0)
            try buffer.writePackedHead(.map, count: count)
            if self.kind == .ack { try buffer.writeID(self.id) }
            try buffer.writeMessagePack("type", path: [])
            buffer.writePacked(unsigned: UInt64(self.kind.rawValue))
            if hasPayload {
                try buffer.writeMessagePack("data", path: [])
                try payload(&buffer)
            }
            if self.kind != .ack { try buffer.writeID(self.id) }
            try buffer.writeMessagePack("nsp", path: [])
            try buffer.writeMessagePack(self.namespace, path: [])
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writePackedArrayHead(_ count: Int) throws {
        do throws(JSONWriteFailure) {
            try self.writePackedHead(.array, count: count)
        } catch {
            throw error.encodingError(for: count, at: [])
        }
    }

    fileprivate mutating func writeID(_ id: UInt64?) throws {
        guard let id else { return }
        try self.writeMessagePack("id", path: [])
        self.writePacked(unsigned: id)
    }

    fileprivate mutating func writePackedArgument<T: Encodable>(_ argument: T, _ index: inout Int) throws {
        try self.writeMessagePack(argument, path: [JSONKey.index(index)])
        index += 1
    }
}
