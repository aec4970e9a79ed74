import EngineIOProtocol
import JunctionCore
import JunctionTransport
public import NIOCore
import NIOHTTP1

/// An HTTP request: the one that opened a session, or one that a hook is called for.
public struct RequestInfo: Sendable {
    /// In a place of its own: sessions and sockets hold the request as long as they live.
    private let storage: Storage

    private final class Storage: Sendable {
        let method: HTTPMethod
        let uri: String
        let headers: HTTPHeaders
        let remoteAddress: SocketAddress?
        let isSecure: Bool

        init(_ request: HTTPRequest) {
            self.method = request.head.method
            self.uri = request.head.uri
            // The parser's array has room for more fields than there are.
            self.headers = HTTPHeaders(request.head.headers.map { ($0.name, $0.value) })
            self.remoteAddress = request.remoteAddress
            self.isSecure = request.isSecure
        }
    }

    init(_ request: HTTPRequest) {
        self.storage = Storage(request)
    }

    /// `GET` for a request that opens a session.
    public var method: String { storage.method.rawValue }
    /// Path and query as they came.
    public var uri: String { storage.uri }
    /// The client's address.
    public var remoteAddress: SocketAddress? { storage.remoteAddress }
    /// The request came by TLS to this server. What a proxy says in header fields does not count.
    public var isSecure: Bool { storage.isSecure }

    /// The client's address as text: `127.0.0.1:51234`.
    public var address: String { remoteAddress?.text ?? "unknown" }

    /// A header field; names are compared without case, several fields of a name are joined by commas.
    public func header(_ name: String) -> String? {
        let values = storage.headers[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// A query item, decoded; `nil` also where the query has more items than a server looks at.
    public func query(_ name: String) -> String? { items[name] }

    /// The header fields, in their order.
    public var headers: [(name: String, value: String)] { storage.headers.map { ($0.name, $0.value) } }

    /// The query items, decoded, in their order.
    public var queryItems: [(name: String, value: String)] { items.items.map { ($0.name, $0.value) } }

    /// Read when somebody asks.
    private var items: EngineQuery { EngineQuery(uri: uri) ?? EngineQuery.none }
}
