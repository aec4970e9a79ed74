/// What is wrong with bytes that should have been Engine.IO packets.
///
/// The peer broke the protocol: the reference ends its session with the reason "parse error".
public struct EngineParseError: Error, Hashable, Sendable {
    /// What is wrong, for programs.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String {
            case emptyPacket, unknownPacketType, invalidBase64, invalidUTF8, tooManyPackets, invalidFraming
            case invalidHandshake
        }

        let base: Base

        /// A packet without its type.
        public static let emptyPacket = Self(base: .emptyPacket)
        /// A packet whose first byte is none of the types 0 to 6 and not the mark of base64.
        public static let unknownPacketType = Self(base: .unknownPacketType)
        /// A binary packet that is not base64.
        public static let invalidBase64 = Self(base: .invalidBase64)
        /// A payload that is not UTF-8.
        public static let invalidUTF8 = Self(base: .invalidUTF8)
        /// A payload of more packets than the reader accepts.
        public static let tooManyPackets = Self(base: .tooManyPackets)
        /// A payload of revision 3 that is not made of lengths and packets of these lengths.
        public static let invalidFraming = Self(base: .invalidFraming)
        /// An open packet that does not describe a session.
        public static let invalidHandshake = Self(base: .invalidHandshake)

        /// The name of the code.
        public var description: String { base.rawValue }
    }

    /// What is wrong, for programs.
    public let code: Code

    /// Where: bytes from the start of what was decoded to the start of the packet, or to the place in a handshake.
    public let offset: Int

    /// What is wrong, as a sentence for people.
    public var message: String {
        switch code.base {
        case .emptyPacket: "The packet is empty."
        case .unknownPacketType: "The packet has an unknown type."
        case .invalidBase64: "The binary packet is not valid base64."
        case .invalidUTF8: "The payload is not valid UTF-8."
        case .tooManyPackets: "The payload holds more packets than are accepted."
        case .invalidFraming: "The payload does not keep to the lengths of its packets."
        case .invalidHandshake: "The handshake is not the JSON object of a session."
        }
    }

    init(_ code: Code, at offset: Int = 0) {
        self.code = code
        self.offset = offset
    }
}

extension EngineParseError: CustomStringConvertible {
    /// The code, the place and the sentence.
    public var description: String { "\(code) at byte \(offset): \(message)" }
}
