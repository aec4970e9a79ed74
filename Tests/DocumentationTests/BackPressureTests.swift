import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

/// The code of the article BackPressure.md.
@Suite("The article on back pressure", .timeLimit(.minutes(5)))
struct BackPressureTests {
    private static let rows = (0..<100).map { ByteBuffer(string: "row \($0)\n") }

    @Sendable private static func store(_ data: ByteBuffer) async throws {}

    private static func reading() -> TCPServer {
        let server = TCPServer(port: 3000) { connection in
            for try await data in connection.inbound {
                try await store(data)  // while this takes its time, the peer waits
            }
        }
        return server
    }

    private static func writing(to connection: TCPConnection) async throws {
        for row in rows {
            try await connection.write(row)  // suspends while the peer is slow
        }
    }

    private static func both(on connection: TCPConnection) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for try await data in connection.inbound { try await store(data) } }
            group.addTask { for row in rows { try await connection.write(row) } }
            try await group.waitForAll()
        }
    }

    @Test("reading and writing go on beside each other, and each ends by itself")
    func runs() async throws {
        let received = Box<ByteBuffer>()
        let link = try await InMemoryLink.connect(to: Self.reading(), clock: VirtualClock())
        try await Self.writing(to: link.client)
        link.client.close()
        await link.client.waitUntilClosed()

        let sink = TCPServer(port: 0) { connection in
            connection.finish()
            received.put(try await connection.readAll())
        }
        let other = try await InMemoryLink.connect(to: sink, clock: VirtualClock())
        try await Self.both(on: other.client)
        other.client.finish()
        let all = try #require(await received.take())
        #expect(all.readableBytes == Self.rows.reduce(0) { $0 + $1.readableBytes })
    }

    @Test("every example of the article is in this file")
    func inStep() throws {
        let article = try Article("Sources/JunctionTCP/JunctionTCP.docc/BackPressure.md")
        #expect(article.count == 3)
        #expect(article.missing == [])
    }
}
