package import JunctionCore

/// Why a stream broke its framing, or why a message does not fit into a frame.
public struct FramingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: Sendable, Hashable {
        /// A frame or a message is longer than the framing allows.
        case tooLong
        /// The bytes are not what the framing allows.
        case malformed
        /// The stream ended or fell idle in the middle of a frame.
        case truncated
    }

    /// What is wrong.
    public var kind: Kind
    /// One sentence for a person.
    public var message: String
    /// Whether the framer cannot find the next frame any more. The stream is of no further use then.
    public var isFatal: Bool

    /// Makes an error; not fatal unless said so.
    public init(_ kind: Kind, _ message: String, isFatal: Bool = false) {
        self.kind = kind
        self.message = message
        self.isFatal = isFatal
    }

    /// The sentence.
    public var description: String { message }
}

extension FramingError: NetworkErrorConvertible {
    /// `ERR_FRAME_TOO_LONG` for what is too long, `ERR_FRAME_MALFORMED` otherwise.
    package func networkError(doing action: String) -> NetworkError {
        NetworkError(kind == .tooLong ? .frameTooLong : .malformedFrame, "\(action): \(message)")
    }
}

extension FramingError {
    /// A frame that came in.
    static func tooLong(_ frame: String, maximum: Int) -> FramingError {
        FramingError(.tooLong, "\(frame) is longer than \(maximum) bytes")
    }

    /// A message that is to go out.
    static func message(of length: Int, over maximum: Int) -> FramingError {
        FramingError(.tooLong, "a message of \(length) bytes does not fit into a frame of at most \(maximum)")
    }

    static func truncated(_ frame: String) -> FramingError {
        FramingError(.truncated, "the stream stopped in the middle of \(frame)")
    }
}
