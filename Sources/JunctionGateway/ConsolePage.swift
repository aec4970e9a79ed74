import JunctionSocketIO
import JunctionTransport
import NIOCore
import NIOHTTP1

/// The web page of the hub. Its files are a part of the program.
enum ConsolePage {
    private struct File: Sendable {
        let contentType: String
        let body: ByteBuffer

        init(_ contentType: String, _ bytes: [UInt8]) {
            self.contentType = contentType
            self.body = ByteBuffer(bytes: bytes)
        }
    }

    private static let files: [String: File] = [
        "/": File("text/html; charset=utf-8", PackageResources.index_html),
        "/console.css": File("text/css; charset=utf-8", PackageResources.console_css),
        "/console.js": File("text/javascript; charset=utf-8", PackageResources.console_js),
        "/hub-socket.js": File("text/javascript; charset=utf-8", PackageResources.hub_socket_js),
    ]

    /// Answers for the page and its files.
    static let mount = Mount(path: "/") { exchange in
        exchange.respond(answer(exchange.request))
    }

    private static func answer(_ request: HTTPRequest) -> HTTPResponse {
        if request.path == "/favicon.ico" { return HTTPResponse(status: .noContent) }
        guard let file = files[String(request.path)] else {
            return HTTPResponse(status: .notFound, body: ByteBuffer(string: "Not found\n"))
        }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return HTTPResponse(status: .methodNotAllowed, headers: ["allow": "GET, HEAD"])
        }
        let headers: HTTPHeaders = [
            "content-type": file.contentType,
            "cache-control": "no-cache",
            "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        ]
        return HTTPResponse(status: .ok, headers: headers, body: file.body)
    }
}
