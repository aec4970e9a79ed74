public import NIOCore

/// Writes packets to the end of a buffer, as text, and returns the attachments that have to be sent after it, each as a
/// binary message of its own. A namespace starts with a slash and has no comma in it.
///
/// Binary values (`Data`, `ByteBuffer`, ``SocketIOValue/binary(_:)``) may stand anywhere in an argument. If an argument
/// cannot be encoded the error is an `EncodingError` and the buffer is what it was before.
///
/// ```swift
/// let attachments = try SocketIOPacketEncoder.encodeEvent("photo", name, data, into: &buffer)
/// ```
public enum SocketIOPacketEncoder {
    /// Writes an EVENT, or a BINARY_EVENT if the arguments hold binary values.
    ///
    /// - Parameter id: what the acknowledgement will carry; nil if none is asked for.
    /// - Throws: `EncodingError`, also for a name that is reserved: the peer would close the connection.
    public static func encodeEvent<each Argument: Encodable>(
        _ name: String, _ arguments: repeat each Argument, namespace: String = "/", id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) throws -> [ByteBuffer] {
        var payload = try PayloadWriter(event: name, namespace: namespace, id: id, into: &buffer)
        do {
            repeat try payload.write(each arguments, into: &buffer)
        } catch {
            payload.cancel(&buffer)
            throw error
        }
        return payload.finish(&buffer)
    }

    /// Writes an EVENT whose arguments are known at run time only.
    public static func encodeEvent(
        _ name: String, arguments: [any Encodable], namespace: String = "/", id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) throws -> [ByteBuffer] {
        var payload = try PayloadWriter(event: name, namespace: namespace, id: id, into: &buffer)
        return try payload.write(all: arguments, into: &buffer)
    }

    /// Writes an ACK, or a BINARY_ACK if the arguments hold binary values.
    ///
    /// - Parameter id: the one that the acknowledged event carried.
    public static func encodeAck<each Argument: Encodable>(
        id: UInt64, _ arguments: repeat each Argument, namespace: String = "/", into buffer: inout ByteBuffer
    ) throws -> [ByteBuffer] {
        var payload = PayloadWriter(ack: id, namespace: namespace, into: &buffer)
        do {
            repeat try payload.write(each arguments, into: &buffer)
        } catch {
            payload.cancel(&buffer)
            throw error
        }
        return payload.finish(&buffer)
    }

    /// Writes an ACK whose arguments are known at run time only.
    public static func encodeAck(
        id: UInt64, arguments: [any Encodable], namespace: String = "/", into buffer: inout ByteBuffer
    ) throws -> [ByteBuffer] {
        var payload = PayloadWriter(ack: id, namespace: namespace, into: &buffer)
        return try payload.write(all: arguments, into: &buffer)
    }

    /// Writes a CONNECT without payload: a client's wish to join a namespace.
    public static func encodeConnect(namespace: String = "/", into buffer: inout ByteBuffer) {
        buffer.writePacketHeader(.connect, namespace: namespace, id: nil)
    }

    /// Writes a CONNECT with a payload: a client's `auth`, or a server's answer. It has to encode to an object.
    public static func encodeConnect(
        namespace: String = "/", payload: some Encodable, into buffer: inout ByteBuffer
    ) throws {
        try self.encode(.connect, namespace: namespace, object: payload, into: &buffer)
    }

    /// Writes a server's CONNECT: the namespace is joined.
    ///
    /// - Parameters:
    ///   - sid: the id of the socket in this namespace.
    ///   - pid: the private id with which a client asks for its state back ("connection state recovery").
    public static func encodeConnect(
        namespace: String = "/", sid: String, pid: String? = nil, into buffer: inout ByteBuffer
    ) {
        buffer.writePacketHeader(.connect, namespace: namespace, id: nil)
        buffer.writeStaticString("{\"sid\":")
        buffer.writeJSONString(sid)
        if let pid {
            buffer.writeStaticString(",\"pid\":")
            buffer.writeJSONString(pid)
        }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// Writes a CONNECT_ERROR: the namespace is refused.
    public static func encodeConnectError(
        namespace: String = "/", message: String, into buffer: inout ByteBuffer
    ) {
        buffer.writePacketHeader(.connectError, namespace: namespace, id: nil)
        buffer.writeStaticString("{\"message\":")
        buffer.writeJSONString(message)
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// Writes a CONNECT_ERROR with details for the program at the other end.
    public static func encodeConnectError(
        namespace: String = "/", message: String, data: some Encodable, into buffer: inout ByteBuffer
    ) throws {
        let payload = ConnectErrorPayload(message: message, data: data)
        try self.encode(.connectError, namespace: namespace, object: payload, into: &buffer)
    }

    /// Writes a DISCONNECT: the namespace is left.
    public static func encodeDisconnect(namespace: String = "/", into buffer: inout ByteBuffer) {
        buffer.writePacketHeader(.disconnect, namespace: namespace, id: nil)
    }

    /// Writes a packet whose payload is one object without attachments.
    private static func encode<Payload: Encodable>(
        _ kind: SocketIOPacket.Kind, namespace: String, object payload: Payload, into buffer: inout ByteBuffer
    ) throws {
        let start = buffer.writerIndex
        buffer.writePacketHeader(kind, namespace: namespace, id: nil)
        let payloadStart = buffer.writerIndex
        var attachments: [ByteBuffer] = []
        do {
            try buffer.writeJSON(payload, attachments: &attachments, path: [])
            guard attachments.isEmpty, buffer.getInteger(at: payloadStart, as: UInt8.self) == UInt8(ascii: "{") else {
                let reason = "The payload of this kind of packet is an object, without binary values in it."
                throw JSONWriteFailure(reason: reason).encodingError(for: payload, at: [])
            }
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }
}

private struct ConnectErrorPayload<Details: Encodable>: Encodable {
    let message: String
    let data: Details
}
