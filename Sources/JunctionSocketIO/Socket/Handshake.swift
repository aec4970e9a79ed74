public import SocketIOProtocol

/// How a client introduced itself.
public struct Handshake: Sendable {
    /// What the client gave as `auth`; an empty object when it gave nothing.
    public let auth: SocketIOValue
    /// The request that opened the connection: header fields, query, address.
    public let request: RequestInfo

    /// The client's address as text.
    public var address: String { request.address }

    /// The connection uses TLS.
    public var secure: Bool { request.isSecure }

    /// A header field of the request.
    public func header(_ name: String) -> String? { request.header(name) }

    /// A query item of the request, decoded.
    public func query(_ name: String) -> String? { request.query(name) }
}
