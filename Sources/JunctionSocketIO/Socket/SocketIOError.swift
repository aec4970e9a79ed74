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
    }

    /// The stable code.
    public let code: Code
    /// One sentence for a person.
    public let message: String

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }

    package static let timeout = SocketIOError(code: .timeout, message: "operation has timed out")
    package static let disconnected = SocketIOError(code: .disconnected, message: "socket has been disconnected")
    static let tooManyPendingAcks = SocketIOError(
        code: .tooManyPendingAcks, message: "too many pending acknowledgements")
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
