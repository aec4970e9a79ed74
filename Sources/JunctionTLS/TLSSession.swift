import NIOSSL

/// A version of the protocol. Older ones than these are deprecated (RFC 8996) and not spoken.
public enum TLSProtocolVersion: String, Sendable, Hashable, Comparable {
    /// TLS 1.2, RFC 5246.
    case tls12 = "TLSv1.2"
    /// TLS 1.3, RFC 8446.
    case tls13 = "TLSv1.3"

    /// The older version is the smaller one.
    public static func < (first: TLSProtocolVersion, second: TLSProtocolVersion) -> Bool {
        first == .tls12 && second == .tls13
    }
}

/// What the two sides of a connection agreed on in the handshake.
public struct TLSSession: Sendable, CustomStringConvertible {
    /// The version of the protocol.
    public let version: TLSProtocolVersion
    /// The application protocol, by ALPN (RFC 7301); `nil` if the sides have none in common or one does not ask.
    public let applicationProtocol: String?
    /// The name that the client asked for, by SNI (RFC 6066 section 3), in lower case; `nil` if it named none.
    public let serverName: String?
    /// The certificate that the peer presented. It was verified, unless verification is off. `nil` if it presented none.
    public let peerCertificate: TLSCertificate?

    /// The session in a line, for logs.
    public var description: String {
        var text = version.rawValue
        if let serverName { text += ", server name \(serverName)" }
        if let applicationProtocol { text += ", protocol \(applicationProtocol)" }
        if let peerCertificate { text += ", peer's \(peerCertificate)" }
        return text
    }
}

extension TLSProtocolVersion {
    var nio: TLSVersion { self == .tls12 ? .tlsv12 : .tlsv13 }
}
