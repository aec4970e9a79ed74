/// What a peer did that RFC 6455 or a limit of this endpoint forbids.
///
/// The connection cannot go on: send a close frame with ``closeCode`` and end it.
public struct WebSocketError: Error, Hashable, Sendable {
    /// What went wrong, for programs.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String {
            case reservedBits, unknownOpcode, fragmentedControlFrame, controlFrameTooLong, maskingViolation
            case unexpectedContinuation, unfinishedMessage, invalidLength, invalidCloseFrame
            case invalidUTF8, messageTooBig, tooManyFragments, invalidCompression, outOfMemory
        }

        let base: Base

        /// A reserved header bit is set that no negotiated extension gives a meaning (section 5.2).
        public static let reservedBits = Self(base: .reservedBits)
        /// The opcode is one that RFC 6455 reserves (section 5.2).
        public static let unknownOpcode = Self(base: .unknownOpcode)
        /// A ping, pong or close came in fragments (section 5.5).
        public static let fragmentedControlFrame = Self(base: .fragmentedControlFrame)
        /// A ping, pong or close has more than 125 bytes (section 5.5).
        public static let controlFrameTooLong = Self(base: .controlFrameTooLong)
        /// A client's frame was not masked, or a server's was (section 5.1).
        public static let maskingViolation = Self(base: .maskingViolation)
        /// A continuation came without a message to continue (section 5.4).
        public static let unexpectedContinuation = Self(base: .unexpectedContinuation)
        /// A new message began before the last one was finished (section 5.4).
        public static let unfinishedMessage = Self(base: .unfinishedMessage)
        /// The top bit of a 64-bit length is set (section 5.2).
        public static let invalidLength = Self(base: .invalidLength)
        /// A close frame has a body of one byte or a code that must not be sent (sections 5.5.1 and 7.4).
        public static let invalidCloseFrame = Self(base: .invalidCloseFrame)
        /// A text message or the reason of a close frame is not valid UTF-8 (section 8.1).
        public static let invalidUTF8 = Self(base: .invalidUTF8)
        /// A message has more bytes than this endpoint accepts.
        public static let messageTooBig = Self(base: .messageTooBig)
        /// A message has more fragments than this endpoint accepts.
        public static let tooManyFragments = Self(base: .tooManyFragments)
        /// A compressed message cannot be inflated, or is not complete (RFC 7692, section 7.2.2).
        public static let invalidCompression = Self(base: .invalidCompression)
        /// There is no memory left to inflate a message.
        public static let outOfMemory = Self(base: .outOfMemory)

        /// The name of the code.
        public var description: String { base.rawValue }
    }

    /// What went wrong, for programs.
    public let code: Code

    /// The code of the close frame to answer with.
    public var closeCode: WebSocketCloseCode {
        switch code.base {
        case .invalidUTF8, .invalidCompression: .invalidData
        case .messageTooBig: .messageTooBig
        case .tooManyFragments: .policyViolation
        case .outOfMemory: .internalError
        case .reservedBits, .unknownOpcode, .fragmentedControlFrame, .controlFrameTooLong, .maskingViolation,
            .unexpectedContinuation, .unfinishedMessage, .invalidLength, .invalidCloseFrame:
            .protocolError
        }
    }

    /// What went wrong, as a sentence for people; short enough for the reason of a close frame.
    public var message: String {
        switch code.base {
        case .reservedBits: "A reserved bit is set that no extension was negotiated for."
        case .unknownOpcode: "The frame has a reserved opcode."
        case .fragmentedControlFrame: "A control frame must not be fragmented."
        case .controlFrameTooLong: "A control frame must not have more than 125 bytes."
        case .maskingViolation: "Frames of a client must be masked, those of a server must not."
        case .unexpectedContinuation: "There is no message to continue."
        case .unfinishedMessage: "A message began before the last one was finished."
        case .invalidLength: "The top bit of the frame's length is set."
        case .invalidCloseFrame: "The close frame has an invalid body."
        case .invalidUTF8: "The text is not valid UTF-8."
        case .messageTooBig: "The message is larger than this endpoint accepts."
        case .tooManyFragments: "The message has more fragments than this endpoint accepts."
        case .invalidCompression: "The compressed message cannot be inflated."
        case .outOfMemory: "There is no memory left to inflate a message."
        }
    }

    init(_ code: Code) {
        self.code = code
    }
}

extension WebSocketError: CustomStringConvertible {
    /// The code and the sentence.
    public var description: String { "\(code): \(message)" }
}
