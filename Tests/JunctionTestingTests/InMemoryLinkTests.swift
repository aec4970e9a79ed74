import Foundation
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@testable import JunctionTesting

@Suite("TCP servers over in-memory links", .timeLimit(.minutes(5)))
struct InMemoryLinkTests {
    private let clock = VirtualClock()

    private static func lines() -> TCPServer {
        TCPServer(port: 0, framing: .lines()) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
    }

    private static func inlineLines() -> TCPServer {
        TCPServer(port: 0, framing: .lines(), onMessage: { line, connection in connection.write(line) })
    }

    @Test("an asynchronous and an inline server answer as over a socket", arguments: [lines(), inlineLines()])
    func echo(_ server: TCPServer) async throws {
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        for text in ["one", "", "한국어"] {
            try await link.client.write(text)
            #expect(try await link.client.readText() == text)
        }
        #expect(server.connectionCount == 1)
        link.client.close()
        await link.client.waitUntilClosed()
        await clock.settle()
        #expect(server.connectionCount == 0)
    }

    @Test("a framing finds its messages however the stream is cut", arguments: 1...12)
    func everySplit(_ size: Int) async throws {
        let link = try await InMemoryLink.connect(
            to: Self.lines(), clock: clock, framing: .lines(), conditions: .init(splitReads: .atMost(size)))
        for text in ["first", "second", "third"] { try await link.client.write(text) }
        for text in ["first", "second", "third"] { #expect(try await link.client.readText() == text) }
        link.client.finish()
        #expect(try await link.client.readText() == nil)
    }

    @Test("each end sees made-up addresses, another for each link, or those that were set")
    func addresses() async throws {
        let seen = Box<String>()
        let server = TCPServer(port: 0) { connection in
            seen.put("\(connection.remoteAddress?.ipAddress ?? "?"):\(connection.remoteAddress?.port ?? 0)")
        }
        let first = try await InMemoryLink.connect(to: server, clock: clock)
        #expect(await seen.take() == "192.0.2.2:49152")
        #expect(first.client.localAddress?.port == 49_152)
        #expect(first.client.remoteAddress?.port == 4000)
        _ = try await InMemoryLink.connect(to: server, clock: clock)
        #expect(await seen.take() == "192.0.2.2:49153")
        _ = try await InMemoryLink.connect(
            to: server, clock: clock, clientAddress: SocketAddress(ipAddress: "198.51.100.9", port: 5))
        #expect(await seen.take() == "198.51.100.9:5")
    }

    @Test("a client waits for a server that does not read, with a known number of bytes under way")
    func backPressure() async throws {
        let gate = Gate()
        let server = TCPServer(port: 0) { connection in
            await gate.wait()
            for try await _ in connection.inbound {}
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, conditions: .init(capacity: 10_000))
        let journal = Journal()
        let writing = Task(executorPreference: clock.executor) {
            for _ in 0..<1000 {
                try await link.client.write(ByteBuffer(repeating: 0, count: 1000))
                journal.note("written")
            }
            link.client.finish()
        }
        await clock.settle()
        let written = journal.entries.count
        // The client's queue and the server's inbox hold 65,536 each and what goes beyond; the way holds 10,000.
        #expect(written > 75 && written < 160)
        #expect(await link.unreadBytes(from: .client) == 10_000)
        await clock.advance(by: .seconds(30))
        #expect(journal.entries.count == written)
        gate.open()
        try await writing.value
        await link.client.waitUntilClosed()
        #expect(journal.entries.count == 1000)
    }

    @Test("both ends may half-close, in either order")
    func halfClose() async throws {
        let heard = Box<String>()
        let server = TCPServer(port: 0) { connection in
            try await connection.write("that is all")
            connection.finish()
            heard.put(String(buffer: try await connection.readAll()))
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        #expect(try await link.client.readAll() == ByteBuffer(string: "that is all"))
        try await link.client.write("thank you")
        link.client.finish()
        #expect(await heard.take() == "thank you")
        await link.client.waitUntilClosed()
    }

    @Test("a reset fails a read on both ends with ECONNRESET")
    func reset() async throws {
        let errors = Box<NetworkError?>()
        let server = TCPServer(port: 0) { connection in
            errors.put(await networkError { _ = try await connection.readAll() })
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await link.reset()
        let error = await networkError { _ = try await link.client.readAll() }
        #expect(error?.code == .connectionReset)
        #expect(await errors.take()??.code == .connectionReset)
    }

    @Test("an end that resets its connection fails the other with ECONNRESET")
    func resetByEnd() async throws {
        let errors = Box<NetworkError?>()
        let server = TCPServer(port: 0) { connection in
            errors.put(await networkError { _ = try await connection.readAll() })
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        link.client.reset()
        #expect(await errors.take()??.code == .connectionReset)
        await link.client.waitUntilClosed()
        guard case .reset = await link.client.closeReason else {
            Issue.record("this end reset the connection")
            return
        }
    }

    @Test("a connection that breaks in the middle of a message delivers the messages before it, and the error")
    func resetAtByte() async throws {
        let results = Box<([String], NetworkError?)>()
        let server = TCPServer(port: 0, framing: .lines()) { connection in
            var lines: [String] = []
            let error = await networkError {
                for try await line in connection.inbound { lines.append(String(buffer: line)) }
            }
            results.put((lines, error))
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        await link.reset(afterBytes: 9, from: .client)
        for text in ["one", "two", "three"] { try? await link.client.write(text) }
        let (lines, error) = try #require(await results.take())
        #expect(lines == ["one", "two"])
        #expect(error?.code == .connectionReset)
    }

    @Test("a write that fails ends the connection of its end, which does not take that for an end of the peer's")
    func failedWrite() async throws {
        let journal = Journal()
        let server = TCPServer(port: 0) { connection in
            journal.note(try await connection.readText() ?? "end")
            try await connection.write("answer")
            let error = await networkError { journal.note(try await connection.readText() ?? "end") }
            journal.note(error?.code.rawValue ?? "no error")
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await link.failNextWrite(of: .server, errorCode: EPIPE)
        try await link.client.write("question")
        #expect(try await link.client.readText() == nil)
        await clock.settle()
        #expect(journal.entries == ["question", "ECONNRESET"])
        #expect(server.connectionCount == 0)
    }

    @Test("a drain is over when the last connection is, and the server takes connections again")
    func drainEnds() async throws {
        let server = Self.lines()
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        let drain = await server.beginDrain(on: clock)
        #expect(try await link.client.readText() == nil)
        link.client.close()
        await drain.value
        let next = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        try await next.client.write("still there")
        #expect(try await next.client.readText() == "still there")
    }

    @Test("a run of several links that are cut and delayed is the same each time")
    func deterministic() async throws {
        var journals: [[String]] = []
        for _ in 0..<5 {
            let (clock, journal) = (VirtualClock(), Journal())
            let server = TCPServer(port: 0) { connection in
                for try await part in connection.inbound {
                    journal.note("\(clock.milliseconds) \(connection.remoteAddress?.port ?? 0) \(String(buffer: part))")
                    try await clock.sleep(for: .milliseconds(7))
                    try await connection.write(part)
                }
            }
            for number in 1...3 {
                let link = try await InMemoryLink.connect(
                    to: server, clock: clock,
                    conditions: .init(
                        splitReads: .random(upTo: 5, seed: UInt64(number)), delay: .milliseconds(number * 3),
                        capacity: 20))
                Task(executorPreference: clock.executor) {
                    for try await part in link.client.inbound {
                        journal.note("\(clock.milliseconds) back \(String(buffer: part))")
                    }
                }
                Task(executorPreference: clock.executor) {
                    for word in 0..<10 {
                        try await link.client.write("word\(word) ")
                        try await clock.sleep(for: .milliseconds(number))
                    }
                    link.client.finish()
                }
            }
            await clock.advance(by: .seconds(10))
            journals.append(journal.entries)
        }
        #expect(journals[0].count > 60)
        #expect(journals.allSatisfy { $0 == journals[0] })
    }
}
