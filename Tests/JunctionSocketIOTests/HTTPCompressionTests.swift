import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// How answers to polls are compressed.
@Suite(.timeLimit(.minutes(5))) struct HTTPCompressionTests {
    /// Polls a session that was sent messages of these sizes, and checks that the answer has them all.
    private func poll(
        _ options: EngineIOOptions = EngineIOOptions(), accepting accepted: String?, sizes: [Int] = [2_000],
        compress: @escaping @Sendable (Int) -> Bool = { _ in true },
        check: @escaping @Sendable (RawConnection.Response) throws -> Void
    ) async throws {
        try await EngineTestServer.run(options) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                let session = try #require(await server.nextSession())
                let messages = sizes.enumerated().map { String(repeating: "\($0 % 10)", count: $1) }
                for (index, message) in messages.enumerated() { session.send(message, compress: compress(index)) }
                // Behind the messages, whichever loop they are on.
                #expect(
                    try await connection.request("POST", EngineTestServer.polling(sid), body: ByteBuffer(string: "3"))
                        .body == "ok")
                let answer = try await connection.request(
                    "GET", EngineTestServer.polling(sid), headers: accepted.map { ["accept-encoding": $0] } ?? [:])
                #expect(answer.status == 200)
                let isPlain = answer.headers["content-encoding"].isEmpty
                let payload = isPlain ? answer.bytes : try answer.bytes.inflated()
                #expect(String(buffer: payload) == messages.map { "4" + $0 }.joined(separator: "\u{1e}"))
                #expect(answer.headers["content-type"] == ["text/plain; charset=UTF-8"])
                try check(answer)
            }
        }
    }

    @Test(
        "An answer is compressed as the client prefers",
        arguments: [
            ("gzip", "gzip"), ("deflate", "deflate"), ("gzip, deflate, br, zstd", "gzip"), ("deflate, gzip", "deflate"),
            ("deflate;q=0.5, gzip;q=0.8", "gzip"), ("GZIP", "gzip"), ("*", "gzip"), ("gzip;q=0, *", "deflate"),
            ("br", nil), ("identity", nil), ("gzip;q=0", nil), ("gzip;q=x", nil), ("", nil), (nil, nil),
            (";;,,q=1,gzip ; q=1", "gzip"),
        ] as [(String?, String?)])
    func coding(_ accepted: String?, _ expected: String?) async throws {
        try await poll(accepting: accepted) { answer in
            #expect(answer.headers["content-encoding"] == (expected.map { [$0] } ?? []))
            let magic: [UInt8]? = expected == "gzip" ? [0x1F, 0x8B] : expected == "deflate" ? [0x78] : nil
            if let magic {
                #expect(Array(answer.bytes.readableBytesView.prefix(magic.count)) == magic)
                #expect(answer.bytes.readableBytes < 100)
            }
        }
    }

    @Test("An answer below the threshold is sent as it is, one of just that size is compressed")
    func threshold() async throws {
        // The type of the packet counts.
        try await poll(accepting: "gzip", sizes: [1_022]) { #expect($0.headers["content-encoding"].isEmpty) }
        try await poll(accepting: "gzip", sizes: [1_023]) { #expect($0.headers["content-encoding"] == ["gzip"]) }
        var options = EngineIOOptions()
        options.httpCompression = HTTPCompression(threshold: 0)
        try await poll(options, accepting: "gzip", sizes: [1]) { #expect($0.headers["content-encoding"] == ["gzip"]) }
    }

    @Test("Nothing is compressed where compression is off")
    func off() async throws {
        var options = EngineIOOptions()
        options.httpCompression = nil
        try await poll(options, accepting: "gzip") { #expect($0.headers["content-encoding"].isEmpty) }
    }

    @Test(
        "A message is not compressed that its sender wants plain; with others in the answer it is, as in the reference")
    func plain() async throws {
        try await poll(accepting: "gzip", compress: { _ in false }) { #expect($0.headers["content-encoding"].isEmpty) }
        try await poll(accepting: "gzip", sizes: [2_000, 10], compress: { $0 == 1 }) {
            #expect($0.headers["content-encoding"] == ["gzip"])
        }
    }

    @Test("A large answer is compressed off the event loop, and comes complete")
    func large() async throws {
        try await poll(accepting: "gzip", sizes: [3_000_000, 70_000]) { answer in
            #expect(answer.headers["content-encoding"] == ["gzip"])
            #expect(answer.bytes.readableBytes < 100_000)
        }
    }

    @Test("A smaller level gives a larger answer; levels out of range count as the nearest one")
    func level() async throws {
        let (found, tell) = AsyncStream.makeStream(of: Int.self)
        for level in [-5, 1, 9, 50] {
            var options = EngineIOOptions()
            options.httpCompression = HTTPCompression(level: level)
            try await EngineTestServer.run(options) { server in
                try await RawConnection.with(server.address) { connection in
                    let sid = try await EngineTestServer.open(connection)
                    let target = EngineTestServer.polling(sid)
                    let words = (0..<2_000).map { "word\($0 &* 7_919 % 613)" }.joined(separator: " ")
                    _ = try await connection.request("POST", target, body: ByteBuffer(string: "4" + words))
                    let answer = try await connection.request("GET", target, headers: ["accept-encoding": "gzip"])
                    #expect(String(buffer: try answer.bytes.inflated()) == "4" + words)
                    tell.yield(answer.bytes.readableBytes)
                }
            }
        }
        tell.finish()
        let sizes = await found.reduce(into: []) { $0.append($1) }
        #expect(sizes[0] == sizes[1])
        #expect(sizes[1] > sizes[2])
        #expect(sizes[2] == sizes[3])
    }

    @Test("A compressed payload is not inflated: it is no text, and ends the session with a parse error")
    func compressedRequest() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                let gzip: [UInt8] = [
                    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x33, 0xC9, 0, 0, 0x9E, 0xB8, 0xD5, 0xB9, 2, 0, 0, 0,
                ]
                let answer = try await connection.request(
                    "POST", target, headers: ["content-encoding": "gzip"], body: ByteBuffer(bytes: gzip))
                #expect(answer.status == 400)
                #expect(await server.nextReason() == "parse error")
            }
        }
    }
}
