import JunctionTCP
import JunctionTesting
import NIOCore
import TestSupport
import Testing

@Suite("Connections that fall silent", .timeLimit(.minutes(5)))
struct IdleTests {
    private let clock = VirtualClock()
    private let errors = Box<NetworkError?>()

    /// A server whose connections may be silent for 10 seconds; it answers each line.
    private func server(highWaterMark: Int = 65_536, holding gate: Gate? = nil) -> TCPServer {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(10)
        configuration.connection.highWaterMark = highWaterMark
        return .local(framing: .lines(), configuration: configuration) { [errors] connection in
            await gate?.wait()
            errors.put(
                await networkError {
                    for try await line in connection.inbound { try await connection.write(line) }
                })
        }
    }

    private func expectEnd(of server: TCPServer, in time: Duration) async {
        await clock.advance(by: time - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .nanoseconds(1))
        #expect(server.connectionCount == 0)
    }

    @Test("silence in both directions ends a connection at the timeout, and not a nanosecond before")
    func exact() async throws {
        let server = server()
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await expectEnd(of: server, in: .seconds(10))
        #expect(await errors.take()??.description == "ETIMEDOUT: read: nothing came or went for 10 s")
        _ = link
    }

    @Test("what comes and what goes prolongs the time alike")
    func activity() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(10)
        let clock = clock
        let server = TCPServer.local(configuration: configuration) { connection in
            _ = try await connection.readText()
            for _ in 0..<3 {
                try await clock.sleep(for: .seconds(9))
                try await connection.write("tick")
            }
            _ = try await connection.readAll()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await clock.advance(by: .seconds(9))
        try await link.client.write("go")
        await clock.settle()
        for _ in 0..<3 {
            await clock.advance(by: .seconds(9))
            #expect(server.connectionCount == 1)
        }
        await expectEnd(of: server, in: .seconds(10))
    }

    @Test("time in which this side does not read does not count")
    func notReading() async throws {
        let gate = Gate()
        let server = server(highWaterMark: 100, holding: gate)
        let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        try await link.client.write(String(repeating: "a", count: 1_000))
        await clock.advance(by: .seconds(3_609))
        #expect(server.connectionCount == 1)
        gate.open()
        await clock.settle()
        await expectEnd(of: server, in: .seconds(10))
    }

    @Test("a peer that takes a long answer slowly is not silent")
    func slowlyTaken() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(10)
        let server = TCPServer.local(configuration: configuration) { connection in
            connection.queue(pattern(50_000))
            _ = try await connection.readAll()
        }
        var client = TCPConnection.Configuration()
        client.highWaterMark = 1
        let link = try await InMemoryLink.connect(
            to: server, clock: clock, configuration: client,
            conditions: .init(splitReads: .atMost(1_000), capacity: 1_000))
        // One read of 1,000 bytes in 3 seconds.
        for _ in 0..<40 {
            await clock.advance(by: .seconds(3))
            _ = try await link.client.readText()
        }
        #expect(server.connectionCount == 1)
        for _ in 0..<8 { _ = try await link.client.readText() }
        await clock.advance(by: .seconds(19))
        await clock.advance(by: .seconds(1))
        #expect(server.connectionCount == 0, "and is, when it takes nothing more")
    }

    @Test("what the peer sends prolongs the time, also when nobody reads it any more")
    func dropped() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(10)
        let gate = Gate()
        let server = TCPServer.local(configuration: configuration) { connection in
            connection.stopReading()
            await gate.wait()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        for _ in 0..<5 {
            await clock.advance(by: .seconds(9))
            try await link.client.write("still here")
            await clock.settle()
        }
        #expect(server.connectionCount == 1)
        await expectEnd(of: server, in: .seconds(10))
        gate.open()
    }

    @Test("the timeout can be changed, and taken away, while the connection is open; it counts from then")
    func setIdleTimeout() async throws {
        let connections = Box<TCPConnection>()
        let server = TCPServer.local { connection in
            connections.put(connection)
            _ = try await connection.readAll()
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await clock.settle()
        let connection = try #require(await connections.take())
        await clock.advance(by: .seconds(3_600))
        connection.setIdleTimeout(.seconds(20))
        await clock.advance(by: .seconds(19))
        connection.setIdleTimeout(nil)
        await clock.advance(by: .seconds(3_600))
        #expect(server.connectionCount == 1)
        connection.setIdleTimeout(.seconds(5))
        await clock.settle()
        await expectEnd(of: server, in: .seconds(5))
        _ = link
    }

    @Test("a timeout beyond all clocks never comes")
    func endless() async throws {
        var configuration = TCPServer.Configuration()
        configuration.connection.idleTimeout = .seconds(Int64.max)
        configuration.connection.writeTimeout = .seconds(Int64.max)
        let server = TCPServer.local(configuration: configuration) { _ = try await $0.readAll() }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        await clock.advance(by: .seconds(1_000_000))
        #expect(server.connectionCount == 1)
        link.client.close()
        await link.client.waitUntilClosed()
        await clock.settle()
        #expect(server.connectionCount == 0)
    }

    @Test("a client that sends a byte a second is served, and holds up nobody else")
    func drip() async throws {
        let server = server()
        let slow = try await InMemoryLink.connect(to: server, clock: clock)
        let quick = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
        for (number, byte) in "a line of one byte a second\n".enumerated() {
            await clock.advance(by: .seconds(1))
            try await slow.client.write(String(byte))
            try await quick.client.write("question \(number)")
            let before = clock.now
            #expect(try await quick.client.readText() == "question \(number)")
            #expect(clock.now == before)
        }
        #expect(try await slow.client.readText() == "a line of one byte a second\n")
    }
}
