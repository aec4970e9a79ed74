package import NIOCore

/// Writes the packet of an event or an acknowledgement: header, name and arguments as they come.
///
/// ``SocketIOPacketEncoder`` does the whole at once; this one spares a caller who has the arguments one by one the copies.
package struct PayloadWriter {
    private let start: Int
    private let binaryKind: SocketIOPacket.Kind
    private var count = 0
    private var attachments: [ByteBuffer] = []

    /// Begins an event.
    ///
    /// - Throws: `EncodingError` for a reserved name; nothing is written then.
    package init(event name: String, namespace: String, id: UInt64? = nil, into buffer: inout ByteBuffer) throws {
        guard !ReservedEvent.contains(name) else { throw ReservedEvent.encodingError(name) }
        self.start = buffer.writerIndex
        self.binaryKind = .binaryEvent
        buffer.writePacketHeader(.event, namespace: namespace, id: id, opensArray: true)
        // What comes next is nearly always an argument.
        buffer.writeJSONString(name, and: UInt8(ascii: ","))
        self.count = 1
    }

    init(ack id: UInt64, namespace: String, into buffer: inout ByteBuffer) {
        self.start = buffer.writerIndex
        self.binaryKind = .binaryAck
        buffer.writePacketHeader(.ack, namespace: namespace, id: id, opensArray: true)
    }

    /// Writes the next argument.
    ///
    /// - Throws: `EncodingError`; the packet is of no use then.
    package mutating func write<T: Encodable>(_ value: T, into buffer: inout ByteBuffer) throws {
        let index = self.binaryKind == .binaryEvent ? self.count - 1 : self.count
        if index > 0 { buffer.writeByte(UInt8(ascii: ",")) }
        self.count += 1
        try buffer.writeJSON(value, attachments: &self.attachments, path: [JSONKey.index(index)])
    }

    /// Writes all arguments and ends the packet; after an error nothing of it is left.
    mutating func write(all arguments: [any Encodable], into buffer: inout ByteBuffer) throws -> [ByteBuffer] {
        do {
            for argument in arguments { try self.write(argument, into: &buffer) }
        } catch {
            self.cancel(&buffer)
            throw error
        }
        return self.finish(&buffer)
    }

    /// Takes back everything written.
    func cancel(_ buffer: inout ByteBuffer) {
        buffer.moveWriterIndex(to: self.start)
    }

    /// Ends the packet, which becomes a binary one if it has attachments.
    ///
    /// - Returns: the attachments, each to be sent as a binary message behind it.
    package func finish(_ buffer: inout ByteBuffer) -> [ByteBuffer] {
        // Without an argument there is nothing behind the name's comma.
        if self.count == 1, self.binaryKind == .binaryEvent { buffer.moveWriterIndex(to: buffer.writerIndex - 1) }
        buffer.writeByte(UInt8(ascii: "]"))
        guard !self.attachments.isEmpty else { return [] }
        // The type was written before anyone could know. Copying once is cheaper than looking for binary values first.
        let behindType = self.start + 1
        let rest = buffer.getSlice(at: behindType, length: buffer.writerIndex - behindType)
        buffer.moveWriterIndex(to: self.start)
        buffer.writeInteger(self.binaryKind.digit)
        buffer.writeDecimal(self.attachments.count)
        buffer.writeInteger(UInt8(ascii: "-"))
        if let rest { buffer.writeImmutableBuffer(rest) }
        return self.attachments
    }
}

extension SocketIOPacket.Kind {
    var digit: UInt8 { UInt8(ascii: "0") + self.rawValue }
}

extension ByteBuffer {
    /// Writes one byte; cheaper than an integer in general.
    @inline(__always)
    mutating func writeByte(_ byte: UInt8) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) {
            $0[0] = byte
            return 1
        }
    }

    /// Writes what stands before the payload, for a packet without attachments, and where asked the payload's first bracket.
    ///
    /// All of it at once: the buffer looks each time whether it is alone and has room.
    mutating func writePacketHeader(
        _ kind: SocketIOPacket.Kind, namespace: String, id: UInt64?, opensArray: Bool = false
    ) {
        let isMain = namespace == "/"
        let room = 3 + (isMain ? 0 : namespace.utf8.count) + (id == nil ? 0 : 20)
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { output in
            output[0] = kind.digit
            var count = 1
            if !isMain {
                for byte in namespace.utf8 {
                    output[count] = byte
                    count += 1
                }
                output[count] = UInt8(ascii: ",")
                count += 1
            }
            if let id { count += Self.putDecimal(id, into: UnsafeMutableRawBufferPointer(rebasing: output[count...])) }
            if opensArray {
                output[count] = UInt8(ascii: "[")
                count += 1
            }
            return count
        }
    }

    /// Writes any value as JSON; its binary parts go to `attachments`. After an error the buffer's end is undefined.
    mutating func writeJSON<T: Encodable>(
        _ value: T, attachments: inout [ByteBuffer], path: @autoclosure () -> [any CodingKey]
    ) throws {
        do throws(JSONWriteFailure) {
            if try self.writeDirectly(value, attachments: &attachments) { return }
        } catch {
            throw error.encodingError(for: value, at: path())
        }
        // The session owns the bytes while it writes them; a second owner would have them copied.
        let collector = AttachmentCollector(attachments)
        let session = JSONEncodingSession(output: self, collector: collector, path: path())
        attachments = []
        self = ByteBuffer()
        defer {
            self = session.finish()
            attachments = collector.attachments
        }
        try session.encode(value)
    }
}
