package import NIOCore
package import NIOHTTP1

/// A complete request.
package struct HTTPRequest: Sendable {
    package let head: HTTPRequestHead
    package let body: ByteBuffer
    package let remoteAddress: SocketAddress?
    /// The connection is encrypted.
    package var isSecure = false
    private let fields: HTTPRequestFields

    /// A request whose fields were looked through before.
    init(head: HTTPRequestHead, fields: HTTPRequestFields, body: ByteBuffer, remoteAddress: SocketAddress?) {
        self.head = head
        self.fields = fields
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// A request of another HTTP server.
    package init(head: HTTPRequestHead, body: ByteBuffer, remoteAddress: SocketAddress?) {
        self.init(head: head, fields: HTTPRequestFields(head.headers), body: body, remoteAddress: remoteAddress)
    }

    /// The path without the query: `/socket.io/`.
    package var path: Substring { head.uri[..<question] }
    /// What follows the `?`; empty without one.
    package var query: Substring { head.uri[question...].dropFirst() }
    private var question: String.Index {
        head.uri.utf8.firstIndex(of: UInt8(ascii: "?")) ?? head.uri.endIndex
    }

    /// The client asks to speak WebSocket on this connection.
    package var asksForWebSocket: Bool { fields.upgrade?.lowercased() == "websocket" }
    /// The request asks for another protocol. The parser stops behind it, whether it gets that or not.
    package var mayLeaveHTTP: Bool { fields.upgrade != nil || head.method == .CONNECT }
    /// The origin of the page that the request comes from; browsers send it.
    package var origin: String? { fields.origin }
}

/// The fields of a request that the server itself looks at, found in one pass: each look-up in `HTTPHeaders` is another one.
struct HTTPRequestFields: Sendable {
    /// What `content-length` announces; 0 where there is none.
    private(set) var contentLength = 0
    private(set) var hasExpectation = false
    private(set) var upgrade: String?
    private(set) var origin: String?

    init() {}

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch name.utf8.count {
            case 6 where Self.matches(name, "expect"): hasExpectation = true
            case 6 where origin == nil && Self.matches(name, "origin"): origin = value
            case 7 where upgrade == nil && Self.matches(name, "upgrade"): upgrade = value
            case 14 where Self.matches(name, "content-length"): contentLength = Int(value) ?? 0
            default: break
            }
        }
    }

    /// - Parameter expected: in lower case, of the same length.
    private static func matches(_ name: String, _ expected: StaticString) -> Bool {
        expected.withUTF8Buffer { expected in
            var place = 0
            for byte in name.utf8 {
                if byte | 0x20 != expected[place] { return false }
                place += 1
            }
            return true
        }
    }
}
