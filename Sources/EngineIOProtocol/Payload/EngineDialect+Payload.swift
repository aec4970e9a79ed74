public import NIOCore

extension EngineDialect {
    /// The body of an answer to a poll.
    public struct Payload: Hashable, Sendable {
        /// The bytes.
        public let body: ByteBuffer
        /// What the bytes are.
        public let kind: Kind

        /// What the body of an answer is, which its header field `content-type` says.
        public enum Kind: Hashable, Sendable {
            /// Text in UTF-8.
            case text
            /// Bytes.
            case binary
            /// A program that calls the client's function (JSONP).
            case program
        }
    }

    /// The type of bodies that are bytes, in revision 3 only.
    public static let binaryContentType = "application/octet-stream"

    /// Encodes packets for a poll.
    public func encodePayload(_ packets: [EnginePacket]) -> Payload {
        var body = ByteBuffer()
        switch revision {
        case .four:
            body.reserveCapacity(packets.reduce(0) { $0 + EnginePayload.encodedLength(of: $1) + 1 })
            EnginePayload.encode(packets, into: &body)
        case .three where binaryForm != .base64 && EngineRevision3Payload.isBestAsBytes(packets):
            EngineRevision3Payload.encodeBinary(packets, into: &body)
            return Payload(body: body, kind: .binary)
        case .three:
            EngineRevision3Payload.encodeText(packets, into: &body)
        }
        guard let jsonpIndex else { return Payload(body: body, kind: .text) }
        return Payload(body: EngineJSONP.encode(body, index: jsonpIndex), kind: .program)
    }

    /// Decodes what a client sent by polling.
    ///
    /// - Parameters:
    ///   - body: The body of the request.
    ///   - contentType: Its header field `content-type`.
    /// - Throws: ``EngineParseError`` for what is no payload of this dialect.
    public func decodePayload(_ body: ByteBuffer, contentType: String?) throws(EngineParseError) -> [EnginePacket] {
        guard revision == .three else { return try EnginePayload.decode(body) }
        if jsonpIndex != nil { return try EngineRevision3Payload.decode(text: EngineJSONP.decode(body)) }
        if contentType == Self.binaryContentType { return try EngineRevision3Payload.decode(binary: body) }
        return try EngineRevision3Payload.decode(text: body)
    }
}
