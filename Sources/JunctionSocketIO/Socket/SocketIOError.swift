public import SocketIOProtocol

/// What a call of the Socket.IO API can fail with.
public struct SocketIOError: Error, Sendable, CustomStringConvertible {
    /// A stable code.
    public enum Code: String, Sendable {
        /// The client did not acknowledge in time.
        case timeout
        /// The socket is not connected, or was not any more before the answer came.
        case disconnected
        /// More acknowledgements are awaited than ``SocketIOOptions/maximumPendingAcks`` allows.
        case tooManyPendingAcks
        /// There is no such thing for this kind of namespace.
        case notSupported
        /// A volatile event whose acknowledgement was asked for was dropped, because it could not leave at once.
        case dropped
        /// The client acknowledged with something else than was asked for.
        case invalidAnswer
        /// An event's arguments are not what its handler takes.
        case invalidArguments
        /// What was to be sent cannot be encoded.
        case notEncodable
        /// An event of that name cannot be sent: it has a meaning of its own.
        case reservedEvent
    }

    /// The stable code.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// What lies under it: a `DecodingError`, an `EncodingError`.
    public let underlying: (any Error)?

    init(code: Code, message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }

    package static let timeout = SocketIOError(code: .timeout, message: "operation has timed out")
    package static let disconnected = SocketIOError(code: .disconnected, message: "socket has been disconnected")
    static let tooManyPendingAcks = SocketIOError(
        code: .tooManyPendingAcks, message: "too many pending acknowledgements")
    static let dropped = SocketIOError(code: .dropped, message: "volatile event has been dropped")

    /// The client's acknowledgement could not be decoded.
    static func invalidAnswer(_ underlying: any Error) -> SocketIOError {
        SocketIOError(
            code: .invalidAnswer, message: "the acknowledgement is not what was asked for", underlying: underlying)
    }

    /// The arguments of an event could not be decoded. The message is for the client, too: no type names in it.
    static func invalidArguments(_ underlying: any Error) -> SocketIOError {
        let path =
            switch underlying as? DecodingError {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context.codingPath
            default: [any CodingKey]()
            }
        let place = path.first?.intValue.map { "args[\($0)]" } ?? "an argument"
        return SocketIOError(
            code: .invalidArguments, message: "\(place) is missing or of another type", underlying: underlying)
    }

    /// An event could not be encoded.
    static func unsent(_ event: String, _ underlying: any Error) -> SocketIOError {
        if ReservedEvent.contains(event) {
            return SocketIOError(
                code: .reservedEvent, message: "\"\(event)\" is a reserved event name", underlying: underlying)
        }
        return SocketIOError(
            code: .notEncodable, message: "the arguments cannot be encoded", underlying: underlying)
    }
}

/// Thrown by a middleware to refuse a client, which gets it as `connect_error`.
///
/// ```swift
/// io.use { socket in
///     guard socket.handshake.auth["token"]?.stringValue == secret else {
///         throw ConnectError("not authorized", data: ["retry": false])
///     }
/// }
/// ```
///
/// Of any other error the client gets the message "Internal error" alone, so that nothing internal leaks.
public struct ConnectError: Error, Sendable {
    /// `error.message` at the client.
    public let message: String
    /// `error.data` at the client.
    public let data: SocketIOValue?

    /// Makes a refusal.
    public init(_ message: String, data: SocketIOValue? = nil) {
        self.message = message
        self.data = data
    }
}
