public import NIOCore

/// Why a server refuses a request, with the numbers and words of the reference implementation, which clients know.
public struct EngineRequestError: Error, Hashable, Sendable {
    /// The number that clients and the `connection_error` event see.
    public enum Code: Int, Sendable {
        /// 0: the transport does not exist or is switched off.
        case unknownTransport = 0
        /// 1: there is no session of this id.
        case unknownSession = 1
        /// 2: a session can only be opened by GET.
        case badHandshakeMethod = 2
        /// 3: the request makes no sense for this session or this transport.
        case badRequest = 3
        /// 4: the application does not let this client in.
        case forbidden = 4
        /// 5: the client speaks another version of the protocol.
        case unsupportedProtocolVersion = 5
    }

    /// The number that clients and the `connection_error` event see.
    public let code: Code
    /// What the client is told: the words of the code, or the application's own when it refuses.
    public let message: String
    /// What exactly was wrong, for the server's log: the reference's name for it (`TRANSPORT_MISMATCH`) or the value at fault.
    public let detail: String?

    /// Makes the error.
    ///
    /// - Parameters:
    ///   - code: The number.
    ///   - message: The application's own words; by default those of the code.
    ///   - detail: What exactly was wrong. It is not sent.
    public init(_ code: Code, message: String? = nil, detail: String? = nil) {
        self.code = code
        self.message = message ?? code.message
        self.detail = detail
    }

    /// The status of the HTTP response: 403 for ``Code/forbidden``, 400 for all others.
    public var httpStatus: Int { code == .forbidden ? 403 : 400 }

    /// The body of the HTTP response, of type `application/json`: `{"code":0,"message":"Transport unknown"}`.
    public var jsonBody: ByteBuffer {
        var body = ByteBuffer()
        body.writeString(#"{"code":\#(code.rawValue),"message":"#)
        body.writeJSONString(message)
        body.writeString("}")
        return body
    }
}

extension EngineRequestError.Code {
    fileprivate var message: String {
        switch self {
        case .unknownTransport: "Transport unknown"
        case .unknownSession: "Session ID unknown"
        case .badHandshakeMethod: "Bad handshake method"
        case .badRequest: "Bad request"
        case .forbidden: "Forbidden"
        case .unsupportedProtocolVersion: "Unsupported protocol version"
        }
    }
}

extension EngineRequestError: CustomStringConvertible {
    /// The number, the words and the detail.
    public var description: String { "\(code.rawValue): \(message)" + (detail.map { " (\($0))" } ?? "") }
}
