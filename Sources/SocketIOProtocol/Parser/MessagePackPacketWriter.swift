internal import NIOCore

/// Writes packets of the published parser for MessagePack, the members of the map in the order in which the reference's
/// server has them. What a packet does not have is left out.
struct MessagePackPacketWriter {
    private let start: Int

    /// Begins a packet; its payload comes next.
    private init(
        _ kind: SocketIOPacket.Kind, namespace: String, id: UInt64?, hasPayload: Bool, _ buffer: inout ByteBuffer
    ) throws {
        self.start = buffer.writerIndex
        do throws(JSONWriteFailure) {
            try buffer.writePackedHead(.map, count: 2 + (id == nil ? 0 : 1) + (hasPayload ? 1 : 0))
            try buffer.writePacked("type")
            buffer.writePacked(unsigned: UInt64(kind.rawValue))
            try buffer.writePacked("nsp")
            try buffer.writePacked(namespace)
            if let id {
                try buffer.writePacked("id")
                buffer.writePacked(unsigned: id)
            }
            if hasPayload { try buffer.writePacked("data") }
        } catch {
            buffer.moveWriterIndex(to: self.start)
            throw error.encodingError(for: namespace, at: [])
        }
    }

    static func event<each Argument: Encodable>(
        _ name: String, _ arguments: repeat each Argument, namespace: String, id: UInt64?, _ buffer: inout ByteBuffer
    ) throws {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        var count = 1
        for _ in repeat (each Argument).self { count += 1 }
        let packet = try Self(.event, namespace: namespace, id: id, hasPayload: true, &buffer)
        try packet.undoing(&buffer) { buffer in
            try buffer.writePackedArrayHead(count)
            try buffer.writeMessagePack(name, path: [])
            var index = 0
            for argument in repeat each arguments {
                try buffer.writeMessagePack(argument, path: [JSONKey.index(index)])
                index += 1
            }
        }
    }

    static func event(
        _ name: String, arguments: [any Encodable], namespace: String, id: UInt64?, _ buffer: inout ByteBuffer
    ) throws {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        let packet = try Self(.event, namespace: namespace, id: id, hasPayload: true, &buffer)
        try packet.undoing(&buffer) { buffer in
            try buffer.writePackedArrayHead(arguments.count + 1)
            try buffer.writeMessagePack(name, path: [])
            for (index, argument) in arguments.enumerated() {
                try buffer.writeMessagePack(argument, path: [JSONKey.index(index)])
            }
        }
    }

    static func ack<each Argument: Encodable>(
        id: UInt64, _ arguments: repeat each Argument, namespace: String, _ buffer: inout ByteBuffer
    ) throws {
        var count = 0
        for _ in repeat (each Argument).self { count += 1 }
        let packet = try Self(.ack, namespace: namespace, id: id, hasPayload: true, &buffer)
        try packet.undoing(&buffer) { buffer in
            try buffer.writePackedArrayHead(count)
            var index = 0
            for argument in repeat each arguments {
                try buffer.writeMessagePack(argument, path: [JSONKey.index(index)])
                index += 1
            }
        }
    }

    static func ack(
        id: UInt64, arguments: [any Encodable], namespace: String, _ buffer: inout ByteBuffer
    ) throws {
        let packet = try Self(.ack, namespace: namespace, id: id, hasPayload: true, &buffer)
        try packet.undoing(&buffer) { buffer in
            try buffer.writePackedArrayHead(arguments.count)
            for (index, argument) in arguments.enumerated() {
                try buffer.writeMessagePack(argument, path: [JSONKey.index(index)])
            }
        }
    }

    /// Writes a packet whose payload is an object, or that has none.
    static func packet(
        _ kind: SocketIOPacket.Kind, namespace: String, object: SocketIOValue.Object?, _ buffer: inout ByteBuffer
    ) throws {
        let packet = try Self(kind, namespace: namespace, id: nil, hasPayload: object != nil, &buffer)
        guard let object else { return }
        try packet.undoing(&buffer) { try $0.writeMessagePack(SocketIOValue.object(object), path: []) }
    }

    private func undoing(_ buffer: inout ByteBuffer, _ body: (inout ByteBuffer) throws -> Void) throws {
        do {
            try body(&buffer)
        } catch {
            buffer.moveWriterIndex(to: self.start)
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
}
