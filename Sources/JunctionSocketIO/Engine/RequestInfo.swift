import EngineIOProtocol
import JunctionCore
import JunctionTransport
public import NIOCore
import NIOHTTP1

/// An HTTP request: the one that opened a session, or one that a hook is called for.
public struct RequestInfo: Sendable {
    /// `GET` for a request that opens a session.
    public let method: String
    /// Path and query as they came.
    public let uri: String
    /// The client's address.
    public let remoteAddress: SocketAddress?
    /// The request came by TLS to this server. What a proxy says in header fields does not count.
    public let isSecure: Bool
    private let fields: HTTPHeaders
    private let items: EngineQuery

    init(_ request: HTTPRequest, query: EngineQuery) {
        self.method = request.head.method.rawValue
        self.uri = request.head.uri
        self.remoteAddress = request.remoteAddress
        self.isSecure = request.isSecure
        self.fields = request.head.headers
        self.items = query
    }

    /// The query is none when it has more items than a server looks at.
    init(_ request: HTTPRequest) {
        self.init(request, query: EngineQuery(uri: request.head.uri) ?? EngineQuery.none)
    }

    /// The client's address as text: `127.0.0.1:51234`.
    public var address: String { remoteAddress?.text ?? "unknown" }

    /// A header field; names are compared without case, several fields of a name are joined by commas.
    public func header(_ name: String) -> String? {
        let values = fields[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// A query item, decoded.
    public func query(_ name: String) -> String? { items[name] }

    /// The header fields, in their order.
    public var headers: [(name: String, value: String)] { fields.map { ($0.name, $0.value) } }

    /// The query items, decoded, in their order.
    public var queryItems: [(name: String, value: String)] { items.items.map { ($0.name, $0.value) } }
}
