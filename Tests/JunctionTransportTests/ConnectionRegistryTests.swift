import JunctionTransport
import Logging
import NIOCore
import Synchronization
import Testing

@Suite("Draining connections", .timeLimit(.minutes(5)))
struct ConnectionRegistryTests {
    /// A connection that does what it is told when the server drains.
    private final class Connection: Drainable {
        enum Call: Equatable { case drain, force }

        private let onCall: @Sendable (Connection, Call) -> Void
        private let recorded = Mutex<[Call]>([])

        init(_ onCall: @escaping @Sendable (Connection, Call) -> Void) { self.onCall = onCall }

        var calls: [Call] { recorded.withLock { $0 } }

        func beginDrain() { record(.drain) }
        func forceClose() { record(.force) }

        private func record(_ call: Call) {
            recorded.withLock { $0.append(call) }
            onCall(self, call)
        }
    }

    private let registry = ConnectionRegistry()
    private let logger = Logger(label: "test")

    /// A connection that ends when it is asked to.
    private func willing() -> Connection {
        Connection { [registry] connection, _ in registry.remove(connection) }
    }

    @Test("counts the connections")
    func count() {
        let (first, second) = (willing(), willing())
        #expect(registry.count == 0)
        registry.insert(first)
        registry.insert(second)
        #expect(registry.count == 2)
        registry.remove(first)
        registry.remove(first)
        #expect(registry.count == 1)
        #expect(first.calls.isEmpty && second.calls.isEmpty)
    }

    @Test("is drained at once without connections")
    func empty() async {
        await registry.drain(timeout: .hours(1), logger: logger)
        #expect(registry.count == 0)
    }

    @Test("asks every connection once to end, and is drained when the last has")
    func asksAll() async {
        let connections = (0..<5).map { _ in willing() }
        for connection in connections { registry.insert(connection) }
        await registry.drain(timeout: .hours(1), logger: logger)
        for connection in connections { #expect(connection.calls == [.drain]) }
        #expect(registry.count == 0)
    }

    @Test("waits for a connection that ends later")
    func waits() async {
        let registry = registry
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let slow = Connection { _, _ in isAsked.yield() }
        registry.insert(slow)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [logger] in
                await registry.drain(timeout: .hours(1), logger: logger)
                #expect(registry.count == 0)
            }
            for await _ in asked { break }
            registry.remove(slow)
        }
        #expect(slow.calls == [.drain])
    }

    @Test("closes what is left at the deadline")
    func deadline() async {
        let registry = registry
        let stubborn = Connection { connection, call in
            if call == .force { registry.remove(connection) }
        }
        registry.insert(stubborn)
        await registry.drain(timeout: .zero, logger: logger)
        #expect(stubborn.calls == [.drain, .force])
        #expect(registry.count == 0)
    }

    @Test("asks a connection that comes while the server drains to end at once")
    func lateConnection() async {
        let registry = registry
        let late = willing()
        let first = Connection { connection, _ in
            registry.insert(late)
            registry.remove(connection)
        }
        registry.insert(first)
        await registry.drain(timeout: .hours(1), logger: logger)
        #expect(late.calls == [.drain])
    }

    @Test("drains to the end in a task that was cancelled")
    func cancelled() async {
        let connection = willing()
        registry.insert(connection)
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { [registry, logger] in
                #expect(Task.isCancelled)
                await registry.drain(timeout: .hours(1), logger: logger)
            }
        }
        #expect(connection.calls == [.drain])
        #expect(registry.count == 0)
    }
}
