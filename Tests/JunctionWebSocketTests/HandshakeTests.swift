import NIOHTTP1
import Testing

@testable import JunctionWebSocket

@Suite("Opening handshake", .timeLimit(.minutes(5)))
struct HandshakeTests {
    private func head(_ fields: [(String, String)], method: HTTPMethod = .GET) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: "/", headers: HTTPHeaders(fields))
    }

    private let version = ("Sec-WebSocket-Version", "13")
    private let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")

    @Test("the key of RFC 6455 gets the answer of RFC 6455")
    func example() throws {
        #expect(try WebSocketHandshake.accept(head([key, version])) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(
        "the hash is SHA-1",
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (String(repeating: "a", count: 1_000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
        ])
    func hash(message: String, expected: String) {
        let digits = SHA1.hash(Array(message.utf8)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        #expect(digits.joined() == expected)
    }

    @Test("only GET opens a connection")
    func method() {
        #expect(throws: WebSocketHandshakeError.notGET) {
            try WebSocketHandshake.accept(head([key, version], method: .POST))
        }
    }

    @Test("a request without the version, with another one or with two is refused")
    func versions() {
        for fields in [[key], [key, ("Sec-WebSocket-Version", "8")], [key, version, version]] {
            #expect(throws: WebSocketHandshakeError.unsupportedVersion) {
                try WebSocketHandshake.accept(head(fields))
            }
        }
    }

    @Test(
        "a key that is missing, there twice or not sixteen bytes in base64 is refused",
        arguments: [
            [], ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="], [""], ["dGhlIHNhbXBsZSBub25jZQ="],
            ["dGhlIHNhbXBsZSBub25jZQAA"], ["dGhlIHNhbXBsZSBub25j-Q=="], [String(repeating: "A", count: 10_000)],
        ])
    func keys(_ keys: [String]) {
        #expect(throws: WebSocketHandshakeError.invalidKey) {
            try WebSocketHandshake.accept(head([version] + keys.map { ("Sec-WebSocket-Key", $0) }))
        }
    }
}
