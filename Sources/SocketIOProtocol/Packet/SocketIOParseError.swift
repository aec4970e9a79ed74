/// Why bytes are not a Socket.IO packet. The connection they came by has to be closed ("Exchange protocol").
public struct SocketIOParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of a mistake, for programs.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        /// The first byte is not a packet type.
        public static let unknownType = Code(description: "unknownType")
        /// The number of attachments is missing or not a number, or a placeholder stands for no attachment.
        public static let illegalAttachments = Code(description: "illegalAttachments")
        /// More attachments are announced than allowed.
        public static let tooManyAttachments = Code(description: "tooManyAttachments")
        /// The namespace is not UTF-8.
        public static let illegalNamespace = Code(description: "illegalNamespace")
        /// The acknowledgement id is missing where one is needed, or does not fit into 64 bits.
        public static let illegalID = Code(description: "illegalID")
        /// The payload is not JSON.
        public static let invalidJSON = Code(description: "invalidJSON")
        /// The payload is JSON, but not of the shape that its kind of packet has.
        public static let invalidPayload = Code(description: "invalidPayload")
        /// The packet, its namespace or its nesting is larger than allowed.
        public static let limitExceeded = Code(description: "limitExceeded")
        /// Text came where an attachment was due.
        public static let unexpectedText = Code(description: "unexpectedText")
        /// An attachment came where none was due.
        public static let unexpectedBinary = Code(description: "unexpectedBinary")
        /// The packet is not MessagePack, where it should be.
        public static let invalidMessagePack = Code(description: "invalidMessagePack")
        /// A ``CustomParser`` threw an error.
        public static let refusedByParser = Code(description: "refusedByParser")
    }

    /// The kind of mistake.
    public let code: Code
    /// What is wrong, in a plain sentence.
    public let message: String
    /// Where it is wrong, in bytes from the start of the text or attachment.
    public let offset: Int

    /// The whole error in one line.
    public var description: String { "\(self.message) (\(self.code), at byte \(self.offset))" }
}
