import JunctionTransport
import JunctionWebSocket
import NIOHTTP1

extension OriginPolicy {
    /// Whether the page that asks for a session by JSONP may have it.
    ///
    /// A page loads a program from anywhere, without an `Origin`: which page it is, the browser says in `Sec-Fetch-Site` or
    /// `Referer`. Where it says nothing, only ``CORS/any`` lets the page in.
    func allowsProgram(for request: HTTPRequest) -> Bool {
        if namesAll { return true }
        let headers = request.head.headers
        if headers.first(name: "sec-fetch-site") == "same-origin" { return true }
        guard let origin = headers.first(name: "referer").flatMap(Self.origin) else { return false }
        if names(origin) { return true }
        return WebSocketServer.sameOrigin(origin, headers.first(name: "host"))
    }

    /// Scheme, host and port of an address: `http://example.com:8080`.
    private static func origin(of address: String) -> String? {
        guard let slashes = address.firstRange(of: "://") else { return nil }
        return String(address[..<slashes.upperBound] + address[slashes.upperBound...].prefix { $0 != "/" })
    }
}
