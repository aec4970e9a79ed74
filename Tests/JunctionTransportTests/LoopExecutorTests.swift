import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JunctionTransport

@Suite("Tasks on an event loop", .timeLimit(.minutes(5)))
struct LoopExecutorTests {
    private let loop = EventLoops.group.next()
    private var executor: LoopExecutor { .of(loop) }

    /// What happened, in order.
    private final class Journal: Sendable {
        private let entries = Mutex<[String]>([])

        func note(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    /// Asks for a flush with its first write of a turn, as connections do.
    private final class Connection: TurnFlushing {
        let journal: Journal
        let executor: LoopExecutor
        var onFlush: () -> Void = {}
        private var needsFlush = false

        init(_ journal: Journal, _ executor: LoopExecutor) {
            self.journal = journal
            self.executor = executor
        }

        func write() {
            if !needsFlush {
                needsFlush = true
                executor.flushAtTurnEnd(self)
            }
        }

        func flushNow() {
            needsFlush = false
            journal.note("flush")
            onFlush()
        }
    }

    @Test("one executor belongs to each loop")
    func identity() {
        #expect(LoopExecutor.of(loop) === LoopExecutor.of(loop))
        for other in EventLoops.all where other !== loop {
            #expect(LoopExecutor.of(other) !== executor)
        }
    }

    @Test("a task runs on the loop's thread, also after it was suspended")
    func runsOnLoop() async {
        let (loop, executor) = (loop, executor)
        let places = await Task(executorPreference: executor) {
            var places = [loop.inEventLoop]
            await Task.yield()
            places.append(loop.inEventLoop)
            await withCheckedContinuation { continuation in
                EventLoops.group.any().makeFutureWithTask {}.whenComplete { _ in continuation.resume() }
            }
            places.append(loop.inEventLoop)
            return places
        }.value
        #expect(places == [true, true, true])
    }

    @Test("a task woken inside a turn runs in that turn, behind its body and before the flushes")
    func wokenInTurn() async throws {
        let (executor, journal) = (executor, Journal())
        try await loop.submit {
            let connection = Connection(journal, executor)
            executor.turn {
                Task(executorPreference: executor) { journal.note("task") }
                connection.write()
                journal.note("body")
            }
            journal.note("after the turn")
        }.get()
        #expect(journal.all == ["body", "task", "flush", "after the turn"])
    }

    @Test("a connection is flushed once a turn, however often it was written to")
    func flushedOnce() async throws {
        let (executor, journal) = (executor, Journal())
        try await loop.submit {
            let connection = Connection(journal, executor)
            executor.turn {
                connection.write()
                connection.write()
                executor.turn {
                    connection.write()
                    journal.note("nested turn")
                }
                journal.note("body")
            }
            executor.turn { connection.write() }
        }.get()
        #expect(journal.all == ["nested turn", "body", "flush", "flush"])
    }

    @Test("what a flush wakes runs in the same turn, and what that writes is flushed in it")
    func wokenByFlush() async throws {
        let (executor, journal) = (executor, Journal())
        try await loop.submit {
            let connection = Connection(journal, executor)
            let bound = NIOLoopBound(connection, eventLoop: executor.eventLoop)
            connection.onFlush = {
                connection.onFlush = {}
                Task(executorPreference: executor) {
                    journal.note("task")
                    bound.value.write()
                }
            }
            executor.turn { connection.write() }
            journal.note("after the turn")
        }.get()
        #expect(journal.all == ["flush", "task", "flush", "after the turn"])
    }

    @Test("a flush asked for between turns comes in a turn of its own")
    func flushOutsideTurn() async throws {
        let (executor, journal) = (executor, Journal())
        try await loop.submit {
            Connection(journal, executor).write()
            journal.note("written")
        }.get()
        try await loop.submit { journal.note("later") }.get()
        #expect(journal.all == ["written", "flush", "later"])
    }

    @Test("a task woken on the loop between turns runs soon after")
    func wokenOutsideTurn() async throws {
        let (executor, journal) = (executor, Journal())
        let task = try await loop.submit {
            let task = Task(executorPreference: executor) { journal.note("task") }
            journal.note("created")
            return task
        }.get()
        await task.value
        #expect(journal.all == ["created", "task"])
    }

    @Test("work from elsewhere reaches the loop in order, work on the loop is done at once")
    func execute() async throws {
        let (loop, executor, journal) = (loop, executor, Journal())
        for number in 0..<10 {
            executor.execute { journal.note("\(number) \(loop.inEventLoop)") }
        }
        try await loop.submit {
            executor.execute { journal.note("at once") }
            journal.note("last")
        }.get()
        #expect(journal.all == (0..<10).map { "\($0) true" } + ["at once", "last"])
    }

    @Test("tasks that wake each other without end leave the loop its other work")
    func noStarvation() async throws {
        // A loop of its own: the other tests count on turns that nobody fills.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let executor = LoopExecutor.of(loop)
        let isDone = Atomic(false)
        await Task(executorPreference: executor) {
            loop.execute { isDone.store(true, ordering: .relaxed) }
            while !isDone.load(ordering: .relaxed) { await Task.yield() }
        }.value
        try await group.shutdownGracefully()
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    @Test("tasks that wake each other without end leave the loop its sockets, too")
    func noStarvationOfSockets() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let executor = LoopExecutor.of(loop)
        let isDone = Flag()
        // A connection to itself, so that something arrives.
        let server = try await ServerBootstrap(group: loop)
            .childChannelInitializer { child in
                isDone.set()
                return child.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        let spinning = (0..<2).map { _ in
            Task(executorPreference: executor) {
                while !isDone.isSet { await Task.yield() }
            }
        }
        let writing = Task(executorPreference: executor) {
            while !isDone.isSet {
                await withCheckedContinuation { continuation in executor.executeBehindSockets { continuation.resume() }
                }
            }
        }
        // From elsewhere: nothing of this loop is to help it.
        let client = try await ClientBootstrap(group: EventLoops.group).connect(to: address).get()
        for task in spinning { await task.value }
        await writing.value
        try await client.close()
        try await server.close()
        try await group.shutdownGracefully()
    }

    @Test("a buffer given back is used again, empty; a huge one is not kept")
    func outputBuffers() {
        var buffers = OutputBuffers()
        var buffer = buffers.take()
        buffer.writeString("answer")
        let address = buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        buffers.giveBack(consume buffer)
        var again = buffers.take()
        #expect(again.readableBytes == 0)
        again.writeString("another")
        #expect(again.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == address)

        buffers.giveBack(ByteBuffer(repeating: 0, count: 1_000_000))
        #expect(buffers.take().capacity < 1_000_000)
    }
}
