public import NIOCore

extension EngineDialect {
    /// The body of an answer to a poll.
    public struct Payload: Hashable, Sendable {
        /// The bytes.
        public let body: ByteBuffer
        /// The value of the header field `content-type`.
        public let contentType: String
    }

    /// The type of bodies that are bytes, in revision 3 only.
    public static let binaryContentType = "application/octet-stream"

    /// Encodes packets for a poll.
    public func encodePayload(_ packets: [EnginePacket]) -> Payload {
        var body = ByteBuffer()
        switch revision {
        case .four:
            EnginePayload.encode(packets, into: &body)
        case .three where binaryForm != .base64 && EngineRevision3Payload.isBestAsBytes(packets):
            EngineRevision3Payload.encodeBinary(packets, into: &body)
            return Payload(body: body, contentType: Self.binaryContentType)
        case .three:
            EngineRevision3Payload.encodeText(packets, into: &body)
        }
        guard let jsonpIndex else { return Payload(body: body, contentType: "text/plain; charset=UTF-8") }
        return Payload(
            body: EngineJSONP.encode(body, index: jsonpIndex), contentType: "text/javascript; charset=UTF-8")
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
