public import SocketIOProtocol

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// How a client introduced itself.
public struct Handshake: Sendable {
    /// What the client gave as `auth`; an empty object when it gave nothing.
    public let auth: SocketIOValue
    /// The request that opened the connection.
    public let request: RequestInfo
    /// When the socket was made.
    public let issued: Date

    init(auth: SocketIOValue, request: RequestInfo) {
        self.auth = auth
        self.request = request
        self.issued = Date()
    }

    /// ``issued`` as text, in the form of ISO 8601.
    public var time: String { issued.formatted(.iso8601) }

    /// The client's address as text.
    public var address: String { request.address }

    /// The page that connects was loaded from elsewhere, or may have been: the request names an origin.
    public var xdomain: Bool { header("origin") != nil }

    /// The connection is encrypted.
    public var secure: Bool { request.isSecure }

    /// The request's path and query, as they came.
    public var url: String { request.uri }

    /// The request's header fields, in their order.
    public var headers: [(name: String, value: String)] { request.headers }

    /// The request's query, decoded, in its order.
    public var query: [(name: String, value: String)] { request.queryItems }

    /// A header field of the request.
    public func header(_ name: String) -> String? { request.header(name) }

    /// A query item of the request, decoded.
    public func query(_ name: String) -> String? { request.query(name) }
}
