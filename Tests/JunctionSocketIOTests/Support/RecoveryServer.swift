import JunctionSocketIO
import NIOCore
import RawClients
import Synchronization
import Testing

/// A server whose clients can come back, with a clock that the test moves.
final class RecoveryServer: Sendable {
    let io: SocketIOServer
    let address: SocketAddress
    let clock: TestClock
    /// Sockets that have connected, in order.
    let connected: Events<Socket>
    /// Why sockets ended, in order.
    let reasons: Events<String>

    private init(
        _ io: SocketIOServer, _ address: SocketAddress, _ clock: TestClock, _ connected: Events<Socket>,
        _ reasons: Events<String>
    ) {
        self.io = io
        self.address = address
        self.clock = clock
        self.connected = connected
        self.reasons = reasons
    }

    static func run(
        _ recovery: ConnectionStateRecovery? = ConnectionStateRecovery(),
        prepare: (SocketIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (RecoveryServer) async throws -> Void
    ) async throws {
        let clock = TestClock()
        var options = SocketIOOptions()
        options.connectionStateRecovery = recovery
        options.connectionStateRecovery?.clock = { clock.now }
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        let (connected, reasons) = (Events<Socket>(), Events<String>())
        io.onConnection { socket in
            socket.on("synced") { () in RecoveringClient.synced() }
            socket.onDisconnect { reasons.add($0.rawValue) }
            connected.add(socket)
        }
        prepare(io)
        try await io.withListening { address in
            try await body(RecoveryServer(io, address, clock, connected, reasons))
        }
    }

    /// Connects the client, runs `body`, and closes the TCP connection; returns when the server has noticed.
    func visit<Result>(
        _ client: inout RecoveringClient,
        _ body: (inout RecoveringClient, RawWebSocket, [[SocketIOValue]], Bool) async throws -> Result
    ) async throws -> Result {
        var visitor = client
        let result = try await RawWebSocket.with(address) { socket in
            let (missed, recovered) = try await visitor.connect(socket)
            return try await body(&visitor, socket, missed, recovered)
        }
        client = visitor
        _ = await reasons.next()
        return result
    }
}

/// Time that stands still.
final class TestClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_000_000)
    var now: Int64 { milliseconds.withLock { $0 } }
    func advance(_ duration: Int64) { milliseconds.withLock { $0 += duration } }
}

/// What happened, awaited in order.
final class Events<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func add(_ value: Value) { continuation.yield(value) }

    func next() async -> Value? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

/// A store that takes time: it commits while its gate is open, and fails when it is told to.
final class GatedStore: RecoveryStore {
    struct Failure: Error {}

    private let inner = InMemoryRecoveryStore()
    private let state = Mutex(State())

    /// What was committed and not yet told, while the gate is behind the commit.
    let committed = Events<Void>()

    private struct State {
        var isOpen = true
        var isBehindCommit = false
        var fails = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var beforeRestoring: (@Sendable () async -> Void)?
    }

    /// - Parameter behindCommit: what comes is committed, and the server is not told.
    func close(behindCommit: Bool = false) {
        state.withLock { state in
            state.isOpen = false
            state.isBehindCommit = behindCommit
        }
    }

    /// Runs `body` when a client's state is next asked for.
    func beforeRestoring(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.beforeRestoring = body }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

    private func pass() async throws {
        await Task.yield()
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if goesOn { continuation.resume() }
        }
        if state.withLock({ $0.fails }) { throw Failure() }
    }

    func open(_ namespace: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime) async throws
        -> RecoveryPosition
    { inner.open(namespace, limits: limits, retention: retention, now: now) }

    func commit(_ batch: RecoveryBatch, to namespace: String, now: RecoveryTime) async throws {
        if state.withLock({ $0.isBehindCommit }) {
            inner.commit(batch, to: namespace, now: now)
            committed.add(())
            try await pass()
        } else {
            try await pass()
            inner.commit(batch, to: namespace, now: now)
        }
    }

    func restore(_ request: RecoveryRequest, in namespace: String, now: RecoveryTime) async throws -> RecoveredSession?
    {
        await state.withLock { $0.beforeRestoring.take() }?()
        await Task.yield()
        let found = inner.restore(request, in: namespace, now: now)
        await Task.yield()
        return found
    }

    func close(_ namespace: String, now: RecoveryTime) async { inner.close(namespace, now: now) }

    func prune(_ namespace: String, maxDisconnection: Int64, now: RecoveryTime) async throws -> RecoveryPruning {
        inner.prune(namespace, maxDisconnection: maxDisconnection, now: now)
    }
}
