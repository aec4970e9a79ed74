import JunctionTCP
import JunctionTesting
import Logging
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

@Suite("TCP servers that stop", .timeLimit(.minutes(5)))
struct ShutdownTests {
    /// Greets, and says goodbye when it is told to end.
    private static func polite(_ farewell: ByteBuffer = ByteBuffer(string: "bye")) -> TCPServer {
        .local { connection in
            try await connection.write("hello")
            for try await _ in connection.inbound {}
            try await connection.write(farewell)
        }
    }

    @Test("cancellation ends the input of each connection, and its handler's last message is delivered")
    func cancellation() async throws {
        let farewell = pattern(4_000_000)
        let server = Self.polite(farewell)
        let (addresses, returned) = (Box<SocketAddress>(), Box<Void>())
        let running = Task {
            try await server.run { addresses.put($0) }
            returned.put(())
        }
        let connection = try await TCPClient.connect(to: try #require(await addresses.take()))
        #expect(try await connection.readText() == "hello")
        running.cancel()
        let received = try await connection.readAll()
        #expect(received == farewell)
        connection.close()
        await returned.take()
        try await running.value
        #expect(server.connectionCount == 0)
    }

    @Test("a graceful shutdown of its group does the same")
    func gracefulShutdown() async throws {
        let server = Self.polite()
        let addresses = Box<SocketAddress>()
        let group = ServiceGroup(
            services: [Announcing(server: server, addresses: addresses)], logger: Logger(label: "test"))
        async let running: Void = group.run()
        try await TCPClient.withConnection(to: try #require(await addresses.take())) { connection in
            let greeting = try await connection.readText()
            #expect(greeting == "hello")
            await group.triggerGracefulShutdown()
            let farewell = try await connection.readText()
            #expect(farewell == "bye")
            let end = try await connection.readText()
            #expect(end == nil)
        }
        try await running
        #expect(server.connectionCount == 0)
    }

    private struct Announcing: Service {
        let server: TCPServer
        let addresses: Box<SocketAddress>

        func run() async throws { try await server.run { addresses.put($0) } }
    }

    @Test("a stopped server refuses new connections")
    func refusesAfterwards() async throws {
        let address = try await Self.polite().withListening { $0 }
        let error = await networkError { _ = try await TCPClient.connect(to: address) }
        #expect(error?.code == .connectionRefused)
    }

    @Test("a handler that does not return is cut off at the drain deadline")
    func drainDeadline() async throws {
        var configuration = TCPServer.Configuration()
        configuration.drainTimeout = .zero
        let (gate, reasons) = (Gate(), Box<CloseReason?>())
        let server = TCPServer.local(configuration: configuration) { connection in
            try await connection.write("hello")
            await gate.wait()
            reasons.put(await connection.closeReason)
        }
        let connection = try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            #expect(try await connection.readText() == "hello")
            return connection
        }
        #expect(server.connectionCount == 0)
        _ = try? await connection.readAll()
        connection.close()
        gate.open()
        guard case .shutdown = await reasons.take() else {
            Issue.record("the shutdown ended the connection")
            return
        }
    }

    @Test("handlers have the drain timeout, 10 seconds, and not a nanosecond more; then their tasks are cancelled")
    func drainTimeout() async throws {
        let clock = VirtualClock()
        let ends = Box<Duration>()
        let server = TCPServer.local { connection in
            try await connection.write("hello")
            for try await _ in connection.inbound {}
            _ = try? await clock.sleep(for: .seconds(3600))
            ends.put(clock.now.offset)
        }
        let link = try await InMemoryLink.connect(to: server, clock: clock)
        #expect(try await link.client.readText() == "hello")
        let drain = await server.beginDrain(on: clock)
        await clock.advance(by: .seconds(10) - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .nanoseconds(1))
        #expect(server.connectionCount == 0)
        await drain.value
        #expect(await ends.take() == .seconds(10))
        #expect(try await link.client.readText() == nil)
    }

    @Test("a drain that ends before its deadline leaves no timer behind: the next one has the whole time again")
    func drainAgain() async throws {
        let clock = VirtualClock()
        let server = TCPServer.local { connection in
            let question = try await connection.readText()
            if question != nil { try await clock.sleep(for: .seconds(3600)) }
        }
        let quick = try await InMemoryLink.connect(to: server, clock: clock)
        let first = await server.beginDrain(on: clock)
        #expect(try await quick.client.readText() == nil)
        quick.client.close()
        await first.value
        await clock.advance(by: .seconds(5))
        let slow = try await InMemoryLink.connect(to: server, clock: clock)
        try await slow.client.write("question")
        let drain = await server.beginDrain(on: clock)
        await clock.advance(by: .seconds(10) - .nanoseconds(1))
        #expect(server.connectionCount == 1)
        await clock.advance(by: .nanoseconds(1))
        await drain.value
        #expect(server.connectionCount == 0)
    }

    @Test("an inline server closes its connections behind what it wrote")
    func inline() async throws {
        let reasons = Box<CloseReason>()
        let server = TCPServer(
            host: "127.0.0.1", port: 0, onMessage: { data, connection in connection.write(data) },
            onClose: { reasons.put($1) })
        let connection = try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            try await connection.write("hello")
            #expect(try await connection.readText() == "hello")
            return connection
        }
        #expect(try await connection.readText() == nil)
        connection.close()
        guard case .shutdown = await reasons.take() else {
            Issue.record("the shutdown ended the connection")
            return
        }
    }

    @Test("a scope that throws stops the server and passes the error on")
    func throwingScope() async throws {
        struct Failure: Error {}
        let server = Self.polite()
        await #expect(throws: Failure.self) {
            try await server.withListening { _ in throw Failure() }
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a server that was cancelled before it listened returns")
    func cancelledBefore() async throws {
        let server = Self.polite()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { try await server.run() }
            try await group.waitForAll()
        }
    }

    @Test("a cancelled client stops waiting for a message, and for a peer that does not read")
    func cancelledClient() async throws {
        let gate = Gate()
        let server = TCPServer.local { connection in
            await gate.wait()
            _ = try await connection.readAll()
        }
        try await server.withListening { address in
            let started = Box<Void>()
            let reading = Task {
                try await TCPClient.withConnection(to: address) { connection in
                    started.put(())
                    _ = try await connection.readText()
                }
            }
            await started.take()
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }

            let writing = Task {
                try await TCPClient.withConnection(to: address) { connection in
                    async let writing: Void = connection.write(ByteBuffer(repeating: 0, count: 64_000_000))
                    await Task.yield()
                    started.put(())
                    try await writing
                }
            }
            await started.take()
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
            gate.open()
        }
    }
}
