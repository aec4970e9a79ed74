// What connection state recovery costs for each event: CPU time and the way to the store and back, without clients.
//
//     recovery-cost [EVENTS] [DIRECTORY]
//
// Events of 64 bytes go to a room. "Burst" emits all of them as fast as it goes, a thousand at a time, and waits until the last is
// committed; "paced" emits one in each millisecond, and shows from when until when it is committed. The directory is where the
// databases are made; figures of a disk need one that is on it.
import Foundation
import JunctionSQLite
import JunctionSocketIO
import Synchronization

let events = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000
let directory = URL(filePath: CommandLine.arguments.dropFirst(2).first ?? FileManager.default.temporaryDirectory.path)

/// Passes all on to a store, and tells when which event was committed.
final class WatchedStore: RecoveryStore {
    private let store: any RecoveryStore
    private let times = Mutex<(committed: [ContinuousClock.Instant], batches: Int)>(([], 0))
    let progress: AsyncStream<Int>
    private let report: AsyncStream<Int>.Continuation

    init(_ store: any RecoveryStore) {
        self.store = store
        (progress, report) = AsyncStream.makeStream()
    }

    var committed: [ContinuousClock.Instant] { times.withLock { $0.committed } }
    var batches: Int { times.withLock { $0.batches } }

    func open(_ namespace: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime) async throws
        -> RecoveryPosition
    { try await store.open(namespace, limits: limits, retention: retention, now: now) }

    func commit(_ batch: RecoveryBatch, to namespace: String, now: RecoveryTime) async throws {
        try await store.commit(batch, to: namespace, now: now)
        guard !batch.events.isEmpty else { return }
        let now = ContinuousClock.now
        let count = times.withLock { times in
            times.committed += Array(repeating: now, count: batch.events.count)
            times.batches += 1
            return times.committed.count
        }
        report.yield(count)
    }

    func restore(_ request: RecoveryRequest, in namespace: String, now: RecoveryTime) async throws -> RecoveredSession?
    {
        try await store.restore(request, in: namespace, now: now)
    }

    func close(_ namespace: String, now: RecoveryTime) async { await store.close(namespace, now: now) }

    func prune(_ namespace: String, maxDisconnection: Int64, now: RecoveryTime) async throws -> RecoveryPruning {
        try await store.prune(namespace, maxDisconnection: maxDisconnection, now: now)
    }
}

func cpuMicroseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

func measure(_ name: String, _ recovery: ConnectionStateRecovery?, _ watched: WatchedStore?) async throws {
    var options = SocketIOOptions()
    options.connectionStateRecovery = recovery
    let text = String(repeating: "x", count: 64)

    // Burst.
    var io = SocketIOServer(options: options)
    var iterator = watched?.progress.makeAsyncIterator()
    func wait(for count: Int) async {
        guard watched != nil else { return }
        while let done = await iterator?.next(), done < count {}
    }
    let start = ContinuousClock.now
    let cpu = cpuMicroseconds()
    for number in 1...events {
        io.to("room").emit("message", text)
        if number % 1_000 == 0 { await wait(for: number) }
    }
    let used = (cpuMicroseconds() - cpu) / Double(events)
    let wall = (ContinuousClock.now - start) / events
    var line = "\(name): burst \(rounded(used)) µs CPU, \(rounded(wall / .microseconds(1))) µs an event"
    if let watched { line += ", \(events / max(watched.batches, 1)) events a commit" }

    // Paced.
    if let watched {
        let before = watched.committed.count
        var emitted: [ContinuousClock.Instant] = []
        let pacedCPU = cpuMicroseconds()
        for _ in 0..<2_000 {
            emitted.append(.now)
            io.to("room").emit("message", text)
            try await Task.sleep(for: .milliseconds(1))
        }
        await wait(for: before + 2_000)
        let pacedUsed = (cpuMicroseconds() - pacedCPU) / 2_000
        let latencies = zip(emitted, watched.committed[before...]).map { ($1 - $0) / .microseconds(1) }.sorted()
        line += "; paced \(rounded(pacedUsed)) µs CPU, committed after \(rounded(latencies[1_000])) µs (median), "
        line += "\(rounded(latencies[1_980])) µs (99 %)"
    }
    print(line)
    io = SocketIOServer()
}

func rounded(_ value: Double) -> String { String(format: "%.2f", value) }

func sqlite(_ durability: SQLiteRecoveryStore.Durability) throws -> WatchedStore {
    let file = directory.appending(path: "recovery-cost-\(UUID().uuidString).sqlite")
    return WatchedStore(try SQLiteRecoveryStore(path: file.path, durability: durability))
}

try await measure("off", nil, nil)
try await measure("in memory", ConnectionStateRecovery(), nil)
let normal = try sqlite(.process)
try await measure("SQLite, synchronous=NORMAL", ConnectionStateRecovery(store: normal), normal)
let full = try sqlite(.machine)
try await measure("SQLite, synchronous=FULL", ConnectionStateRecovery(store: full), full)
for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) where name.hasPrefix("recovery-cost-") {
    try FileManager.default.removeItem(at: directory.appending(path: name))
}
