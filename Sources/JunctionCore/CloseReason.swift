/// Why a connection ended.
public enum CloseReason: Sendable, CustomStringConvertible {
    /// The peer closed its side and everything it sent was read.
    case remoteClosed
    /// This side closed.
    case localClosed
    /// This side reset the connection.
    case reset
    /// The server is shutting down.
    case shutdown
    /// Something failed.
    case error(NetworkError)

    /// The reason as a sentence.
    public var description: String {
        switch self {
        case .remoteClosed: "closed by the peer"
        case .localClosed: "closed by this side"
        case .reset: "reset by this side"
        case .shutdown: "the server is shutting down"
        case .error(let error): error.description
        }
    }
}
