import JunctionTesting
import NIOCore
import TestSupport
import Testing

/// What the article TestingWithoutSockets.md shows, word for word.
@Suite("Examples of the article", .timeLimit(.minutes(5)))
struct ArticleTests {
    func greeter() -> TCPServer {
        TCPServer(port: 4000, framing: .lines(flushingAfter: .milliseconds(50))) { connection in
            for try await name in connection.inbound { try await connection.write("Hello \(String(buffer: name))!") }
        }
    }

    @Test("greets by name")
    func greets() async throws {
        let link = try await InMemoryLink.connect(to: greeter(), clock: VirtualClock(), framing: .lines())
        try await link.client.write("Ada")
        var lines = link.client.inbound.makeAsyncIterator()
        let answer = try await lines.next()
        #expect(answer == ByteBuffer(string: "Hello Ada!"))
    }

    @Test("takes a name without a line ending after 50 ms")
    func pauses() async throws {
        let clock = VirtualClock()
        let link = try await InMemoryLink.connect(to: greeter(), clock: clock)
        try await link.client.write("Ada")
        let answered = Task(executorPreference: clock.executor) {
            for try await _ in link.client.inbound { return clock.now.offset }
            return .zero
        }
        await clock.advance(by: .seconds(1))
        #expect(try await answered.value == .milliseconds(50))
    }

    @Test("greets over a slow and choppy line")
    func choppy() async throws {
        let clock = VirtualClock()
        let link = try await InMemoryLink.connect(
            to: greeter(), clock: clock, framing: .lines(),
            conditions: .init(splitReads: .random(upTo: 3, seed: 1), delay: .milliseconds(80)))
        try await link.client.write("Ada")
        await clock.advance(by: .milliseconds(160))
        var lines = link.client.inbound.makeAsyncIterator()
        let answer = try await lines.next()
        #expect(answer == ByteBuffer(string: "Hello Ada!"))
    }

    @Test("every example of the article is a test of this file")
    func inStep() throws {
        let article = try Article("Sources/JunctionTesting/JunctionTesting.docc/TestingWithoutSockets.md")
        #expect(article.count == 3)
        #expect(article.missing == [])
    }
}
