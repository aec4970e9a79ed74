public import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// What went wrong on a socket, with the field's code and a plain sentence.
///
/// ```swift
/// do {
///     _ = try await TCPClient.connect(host: "localhost", port: 1)
/// } catch let error as NetworkError where error.code == .connectionRefused {
///     print(error)   // ECONNREFUSED: connect to localhost:1: 127.0.0.1:1 connection refused
/// }
/// ```
public struct NetworkError: Error, Sendable, CustomStringConvertible {
    /// A stable code, spelled as POSIX and Node spell it.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code as text, for example `ECONNREFUSED`.
        public let rawValue: String

        /// A code of that spelling.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The code as text.
        public var description: String { rawValue }

        /// Another program listens there already.
        public static let addressInUse = Code(rawValue: "EADDRINUSE")
        /// The address is not one of this machine.
        public static let addressNotAvailable = Code(rawValue: "EADDRNOTAVAIL")
        /// The operating system does not let this program do that, for example bind a port below 1024.
        public static let permissionDenied = Code(rawValue: "EACCES")
        /// Nothing listens there.
        public static let connectionRefused = Code(rawValue: "ECONNREFUSED")
        /// The peer ended the connection abruptly.
        public static let connectionReset = Code(rawValue: "ECONNRESET")
        /// Written to a connection whose write side is closed.
        public static let brokenPipe = Code(rawValue: "EPIPE")
        /// No answer in time.
        public static let timedOut = Code(rawValue: "ETIMEDOUT")
        /// The host name has no address.
        public static let hostNotFound = Code(rawValue: "ENOTFOUND")
        /// No route to the network.
        public static let networkUnreachable = Code(rawValue: "ENETUNREACH")
        /// No route to the host.
        public static let hostUnreachable = Code(rawValue: "EHOSTUNREACH")
        /// The datagram is larger than the protocol allows.
        public static let messageTooLarge = Code(rawValue: "EMSGSIZE")
        /// The process may open no more descriptors.
        public static let tooManyFiles = Code(rawValue: "EMFILE")
        /// The connection was given up on this machine before it was used.
        public static let connectionAborted = Code(rawValue: "ECONNABORTED")
        /// The socket has no peer.
        public static let notConnected = Code(rawValue: "ENOTCONN")
        /// The socket has a peer already.
        public static let alreadyConnected = Code(rawValue: "EISCONN")
        /// The name server does not answer; the same name may be found later.
        public static let resolverUnavailable = Code(rawValue: "EAI_AGAIN")
        /// The path of a Unix domain socket does not exist.
        public static let noSuchFile = Code(rawValue: "ENOENT")
        /// The argument or the option is not one that the system knows.
        public static let invalidArgument = Code(rawValue: "EINVAL")
        /// The descriptor is not open.
        public static let badDescriptor = Code(rawValue: "EBADF")
        /// The descriptor is no socket.
        public static let notSocket = Code(rawValue: "ENOTSOCK")
        /// The socket is of a kind that does not have the option or the operation.
        public static let notSupported = Code(rawValue: "EOPNOTSUPP")
        /// There is no room at present: a server on a Unix domain socket has as many connections waiting as it may.
        public static let tryAgain = Code(rawValue: "EAGAIN")
        /// The system does not know this kind of address.
        public static let addressFamilyNotSupported = Code(rawValue: "EAFNOSUPPORT")
        /// The system is out of buffer space.
        public static let noBufferSpace = Code(rawValue: "ENOBUFS")
        /// A block list refuses the address.
        public static let addressBlocked = Code(rawValue: "ERR_IP_BLOCKED")
        /// The text is no IP address, or no CIDR prefix.
        public static let invalidAddress = Code(rawValue: "ERR_INVALID_ADDRESS")
        /// The number is no port.
        public static let invalidPort = Code(rawValue: "ERR_SOCKET_BAD_PORT")
        /// The server has as many connections as it may have.
        public static let tooManyConnections = Code(rawValue: "ERR_TOO_MANY_CONNECTIONS")
        /// The PROXY protocol header is malformed, missing, or comes from an address that is not trusted.
        public static let proxyProtocol = Code(rawValue: "ERR_PROXY_PROTOCOL")
        /// The peer does not speak TLS as it should, or the handshake failed.
        public static let tlsHandshakeFailed = Code(rawValue: "ERR_TLS_HANDSHAKE")
        /// The peer's certificate is out of date.
        public static let certificateExpired = Code(rawValue: "CERT_HAS_EXPIRED")
        /// The peer's certificate is for another name.
        public static let certificateNameMismatch = Code(rawValue: "ERR_TLS_CERT_ALTNAME_INVALID")
        /// The peer's certificate is not signed by anybody who is trusted.
        public static let certificateUntrusted = Code(rawValue: "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
        /// A certificate or a key on this side cannot be used.
        public static let invalidCertificate = Code(rawValue: "ERR_TLS_INVALID_CERTIFICATE")
        /// A frame is longer than the framing allows.
        public static let frameTooLong = Code(rawValue: "ERR_FRAME_TOO_LONG")
        /// The bytes are not what the framing allows.
        public static let malformedFrame = Code(rawValue: "ERR_FRAME_MALFORMED")
        /// A peer reads so slowly that too much waits for it.
        public static let peerTooSlow = Code(rawValue: "ERR_PEER_TOO_SLOW")
        /// The call does not fit the state: already running, a second reader, no destination.
        public static let invalidState = Code(rawValue: "ERR_INVALID_STATE")
        /// Any other error; ``NetworkError/message`` says which.
        public static let other = Code(rawValue: "ERR_OTHER")
    }

    /// The stable code.
    public var code: Code
    /// One sentence for a person.
    public var message: String

    /// The peer's address, where the error is about one.
    public var address: SocketAddress?
    /// The errors that this one sums up: of a connect that failed, one for each address that was tried, in the order in which
    /// they failed, and for each look-up that got no answer. Empty for an error that has one cause.
    public var underlying: [NetworkError]

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, address: SocketAddress? = nil, underlying: [NetworkError] = []
    ) {
        self.code = code
        self.message = message
        self.address = address
        self.underlying = underlying
    }

    /// Code and sentence.
    public var description: String { "\(code): \(message)" }
}

/// An error of another module that knows its code.
package protocol NetworkErrorConvertible: Error {
    /// The same as a network error; `doing` names what was tried.
    func networkError(doing action: String) -> NetworkError
}

extension NetworkError {
    /// Translates any error of the layers below; `doing` names what was tried ("connect to localhost:1").
    public init(_ error: any Error, doing action: String) {
        switch error {
        case let error as NetworkError:
            self = error
        case let error as any NetworkErrorConvertible:
            self = error.networkError(doing: action)
        case let error as IOError:
            let (code, text) = Self.describe(errno: error.errnoCode)
            self.init(code, "\(action): \(text)")
        case ChannelError.connectTimeout(let limit):
            self.init(.timedOut, "\(action): no answer within \(limit.nanoseconds / 1_000_000) ms")
        case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.outputClosed, ChannelError.eof:
            self.init(.brokenPipe, "\(action): the connection is closed")
        case is SocketAddressError.UnknownHost:
            self.init(.hostNotFound, "\(action): the host name has no address")
        case ChannelError.writeMessageTooLarge:
            self.init(.messageTooLarge, "\(action): the datagram is larger than the protocol allows")
        default:
            self.init(.other, "\(action): \(error)")
        }
    }

    /// The code and the sentence of an `errno` value.
    private static func describe(errno code: CInt) -> (Code, String) {
        switch code {
        case EADDRINUSE: (.addressInUse, "another program listens there already")
        case EADDRNOTAVAIL: (.addressNotAvailable, "the address is not one of this machine")
        case EACCES, EPERM: (.permissionDenied, "permission denied")
        case ECONNREFUSED: (.connectionRefused, "connection refused")
        case ECONNRESET: (.connectionReset, "the peer reset the connection")
        case EPIPE: (.brokenPipe, "the connection is closed")
        case ETIMEDOUT: (.timedOut, "no answer in time")
        case ENETUNREACH: (.networkUnreachable, "no route to the network")
        case EHOSTUNREACH: (.hostUnreachable, "no route to the host")
        case EMSGSIZE: (.messageTooLarge, "the datagram is larger than the protocol allows")
        case ECONNABORTED: (.connectionAborted, "the connection was aborted")
        case ENOTCONN: (.notConnected, "the socket is not connected")
        case EISCONN: (.alreadyConnected, "the socket is connected already")
        case ENOENT: (.noSuchFile, "there is no such file")
        case EINVAL: (.invalidArgument, "the system does not accept the argument")
        case EBADF: (.badDescriptor, "it is no open descriptor")
        case ENOTSOCK: (.notSocket, "it is no socket")
        case EOPNOTSUPP, ENOPROTOOPT: (.notSupported, "the socket does not know the operation")
        case EAGAIN: (.tryAgain, "there is no room at present, try again")
        case EAFNOSUPPORT: (.addressFamilyNotSupported, "this machine does not speak that address family")
        case ENOBUFS, ENOMEM: (.noBufferSpace, "the system is out of buffer space")
        case EMFILE, ENFILE: (.tooManyFiles, "no more descriptors (see ulimit -n)")
        case ENOTDIR: (Code(rawValue: "ENOTDIR"), "a part of the path is no directory")
        case EBADF: (Code(rawValue: "EBADF"), "the descriptor is not open")
        case ENOTSOCK: (Code(rawValue: "ENOTSOCK"), "the descriptor is no socket")
        default: (.other, String(cString: strerror(code)))
        }
    }
}
