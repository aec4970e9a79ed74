import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// The faults of `KnownFaultTests` that clients of Engine.IO 3 met with.
@Suite(.timeLimit(.minutes(5))) struct KnownFaultRevision3Tests {
    /// Opens a session of revision 3 by polling while `body` runs, which gets the target of its requests.
    private func withSession(
        _ query: String = "",
        _ body: @escaping @Sendable (EngineTestServer, RawConnection, String) async throws -> Void
    ) async throws {
        var options = EngineIOOptions()
        options.allowEIO3 = true
        try await EngineTestServer.run(options) { server in
            try await RawConnection.with(server.address) { connection in
                let target = "/engine.io/?EIO=3&transport=polling" + query
                let opened = try await connection.request("GET", target)
                let sid = try #require(opened.body.firstMatch(of: /"sid":"([^"]+)"/)?.1)
                try await body(server, connection, "\(target)&sid=\(sid)")
            }
        }
    }

    @Test("#737: text and bytes for a poll of revision 3 that waits keep their kinds, order and lengths")
    func mixedKinds() async throws {
        try await withSession { server, polling, target in
            let session = try #require(await server.nextSession())
            var expected: [[UInt8]] = []
            var received: [[UInt8]] = []
            for round in UInt8(0)..<20 {
                try await polling.send("GET", target)
                for part in UInt8(0)..<3 {
                    session.send("\(round).\(part)")
                    session.send(.binary(ByteBuffer(bytes: [round, 255, part])))
                    expected += [[0] + Array("4\(round).\(part)".utf8), [1, 4, round, 255, part]]
                }
                received += try Self.packets(try await polling.response())
            }
            while received.count < expected.count {
                received += try Self.packets(try await polling.request("GET", target))
            }
            #expect(received == expected)
        }
    }

    /// The packets of an answer in either form of revision 3, each behind a 0 for text or a 1 for bytes.
    private static func packets(_ answer: RawConnection.Response) throws -> [[UInt8]] {
        let isBytes = answer.headers["content-type"] == ["application/octet-stream"]
        let separator = isBytes ? 255 : UInt8(ascii: ":")
        var rest = Array(answer.bytes.readableBytesView)[...]
        var packets: [[UInt8]] = []
        while !rest.isEmpty {
            let kind: UInt8 = isBytes ? rest.removeFirst() : 0
            let end = try #require(rest.firstIndex(of: separator))
            let length = rest[..<end].reduce(0) { $0 * 10 + Int($1 & 15) }
            try #require(rest[end...].count > length)
            packets.append([kind] + rest[(end + 1)...].prefix(length))
            rest = rest[(end + 1)...].dropFirst(length)
        }
        return packets
    }

    @Test(
        "#739, #741: a payload of revision 3 whose lengths lie ends its session, quickly and alone",
        arguments: [
            Array("9:4abc".utf8), Array(":".utf8), Array("1:".utf8), Array("-1:4".utf8),
            Array("99999999999999999999:4".utf8), Array("2:4".utf8), Array("1:4x".utf8),
            [0, 255], [1, 255], [0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255, 0x34],
            [0, 2, 255, 0x34], [0, 1], [2, 1, 255, 0x34], [0, 254, 255, 0x34], [1, 0, 255], [255, 255, 255],
        ] as [[UInt8]])
    func malformedPayload(_ payload: [UInt8]) async throws {
        try await withSession { server, connection, target in
            let type = payload[0] < 0x20 || payload[0] == 255 ? "application/octet-stream" : "text/plain"
            let answer = try await connection.request(
                "POST", target, headers: ["content-type": type], body: ByteBuffer(bytes: payload))
            #expect(answer.status == 400)
            #expect(await server.nextReason() == "parse error")
            let other = try await EngineTestServer.open(connection)
            try await EngineTestServer.expectEcho(other, connection)
        }
    }

    @Test("#740: base64 of revision 3 that begins with a 4 is told from the type before it, in both directions")
    func base64Clash() async throws {
        try await withSession("&b64=1") { _, connection, target async throws in
            for text in ["4AAA", "44AA", "4w==", "bAAA", "b4AA"] {
                let payload = ByteBuffer(string: "6:b4" + text)
                #expect(try await connection.request("POST", target, body: payload).body == "ok")
                #expect(try await connection.request("GET", target).bytes == payload)
            }
        }
    }
}
