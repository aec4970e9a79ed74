import NIOHTTP1
import RawClients
import Testing

/// The web page of the hub.
@Suite(.timeLimit(.minutes(5))) struct PageTests {
    private func answer(
        _ method: String, _ target: String, check: @escaping @Sendable (RawConnection.Response) throws -> Void
    ) async throws {
        try await TestGateway.run { address in
            try await RawConnection.with(address) { connection in
                try check(try await connection.request(method, target))
            }
        }
    }

    static let files = [
        "/": "text/html; charset=utf-8", "/console.css": "text/css; charset=utf-8",
        "/console.js": "text/javascript; charset=utf-8", "/hub-socket.js": "text/javascript; charset=utf-8",
    ]

    @Test("Each file of the page is served by its type, and may load nothing from elsewhere", arguments: files)
    func file(_ path: String, _ contentType: String) async throws {
        try await answer("GET", path) { answer in
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == [contentType])
            #expect(answer.headers["content-security-policy"] == ["default-src 'self'; frame-ancestors 'none'"])
            #expect(answer.headers["x-content-type-options"] == ["nosniff"])
            #expect(answer.body.utf8.count > 1_000)
        }
    }

    @Test("The page names no file that is not served")
    func links() async throws {
        try await answer("GET", "/") { answer in
            let links = answer.body.matches(of: /(?:href|src)="(\/[^"]*)"/).map { String($0.1) }
            #expect(!links.isEmpty)
            #expect(Set(links).isSubset(of: Self.files.keys))
        }
    }

    @Test("A query does not change what is served")
    func query() async throws {
        try await answer("GET", "/?theme=dark") { #expect($0.status == 200) }
    }

    @Test("Elsewhere is nothing", arguments: ["/index.html", "/console", "/Console.css", "/../console.css", "//"])
    func notFound(_ target: String) async throws {
        for method in ["GET", "POST"] { try await answer(method, target) { #expect($0.status == 404) } }
    }

    @Test("A page that reached the gateway by a name of its own is answered nothing")
    func foreignName() async throws {
        try await TestGateway.run { address in
            try await RawConnection.with(address) { connection in
                try await connection.send("GET / HTTP/1.1\r\nhost: attacker.example\r\n\r\n")
                #expect(try await connection.response().status == 421)
            }
        }
    }

    @Test("HEAD is answered as GET is, without the body")
    func head() async throws {
        try await TestGateway.run { address in
            try await RawConnection.with(address) { connection in
                let head = try await connection.request("HEAD", "/console.css")
                let get = try await connection.request("GET", "/console.css")
                #expect(head.status == 200)
                #expect(head.headers == get.headers)
                #expect(head.headers["content-length"] == ["\(get.body.utf8.count)"])
            }
        }
    }

    @Test("The page takes no other methods", arguments: ["POST", "PUT", "DELETE", "OPTIONS"])
    func method(_ method: String) async throws {
        try await answer(method, "/") { answer in
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == ["GET, HEAD"])
        }
    }
}
