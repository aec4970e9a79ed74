#if SQLite
    import Foundation
    import JunctionSQLite
    import JunctionSocketIO
    import Logging
    import NIOCore
    import RecoveryChecks
    import Synchronization
    import Testing

    /// The recovery store in an SQLite database.
    @Suite(.timeLimit(.minutes(1))) struct SQLiteRecoveryStoreTests {
        @Test("What holds for every recovery store holds for the one in SQLite", arguments: RecoveryCheck.allCases)
        func check(_ check: RecoveryCheck) async throws {
            try await withFile { path in try await check.run(try SQLiteRecoveryStore(path: path)) }
        }

        @Test(
            "A store that is opened again has what was committed, goes on counting, and keeps its tag",
            arguments: [SQLiteRecoveryStore.Durability.process, .machine])
        func reopened(_ durability: SQLiteRecoveryStore.Durability) async throws {
            try await withFile { path in
                let first = try await CheckedNamespace(try SQLiteRecoveryStore(path: path, durability: durability))
                #expect(first.position.lastSequence == 0)
                try await first.keep(RecoverySession(pid: "p", sid: "s", rooms: ["a": 1]))
                try await first.commit(1...3)
                let second = try await CheckedNamespace(try SQLiteRecoveryStore(path: path, durability: durability))
                #expect(second.position == RecoveryPosition(tag: first.position.tag, lastSequence: 3))
                #expect(try await second.restore("p", 1)?.missed.map(\.sequence) == [2, 3])
                // Gone events do not make it count from the beginning.
                try await second.commit(4...200)
                try await second.prune()
                let third = try await CheckedNamespace(try SQLiteRecoveryStore(path: path, durability: durability))
                #expect(third.position.lastSequence == 200)
                #expect(try await third.restore("p", 3) == nil)
            }
        }

        @Test("Socket data of types that can be kept comes back as those types; others are left out and logged once")
        func data() async throws {
            let log = LogLines()
            try await withFile { path in
                let store = try SQLiteRecoveryStore(path: path, logger: log.logger)
                let namespace = try await CheckedNamespace(store)
                var session = RecoverySession(pid: "p", sid: "s")
                session.data = [
                    "i8": Int8(-8), "u64": UInt64.max, "float": Float(0.1), "double": -0.0, "text": "\u{0} 한",
                    "value": ["a": [1, 2.5], "b": nil, "bytes": .binary(ByteBuffer(bytes: [1, 2]))] as SocketIOValue,
                    "bytes": ByteBuffer(bytes: [3]), "nested": ["x": [1, 2], "y": [Int]()], "own": Own(),
                ]
                try await namespace.keep(session)
                try await namespace.keep(session)
                let found = try #require(try await namespace.restore("p", nil)).session.data
                #expect(found["i8"] as? Int8 == -8)
                #expect(found["u64"] as? UInt64 == .max)
                #expect(found["float"] as? Float == 0.1)
                #expect((found["double"] as? Double)?.sign == .minus)
                #expect(found["text"] as? String == "\u{0} 한")
                #expect(found["value"] as? SocketIOValue == session.data["value"] as? SocketIOValue)
                #expect(found["bytes"] as? ByteBuffer == ByteBuffer(bytes: [3]))
                #expect(found["nested"] as? [String: [Int]] == ["x": [1, 2], "y": []])
                #expect(found.count == session.data.count - 1)
                #expect(log.lines == ["socket data not kept across a restart own"])
            }
        }

        @Test("A file that is no database, or one of a later version, is refused")
        func refused() async throws {
            try await withFile { path in
                try Data(repeating: 65, count: 4_096).write(to: URL(filePath: path))
                #expect(throws: (any Error).self) { try SQLiteRecoveryStore(path: path) }
            }
            try await withFile { path in
                do { _ = try SQLiteRecoveryStore(path: path) }
                // The header's user version (SQLite file format, section 1.3).
                for name in [path, path + "-wal"] where FileManager.default.fileExists(atPath: name) {
                    let file = try FileHandle(forUpdating: URL(filePath: name))
                    if name == path {
                        try file.seek(toOffset: 60)
                        try file.write(contentsOf: Data([0, 0, 0, 99]))
                    } else {
                        try file.truncate(atOffset: 0)
                    }
                    try file.close()
                }
                #expect(throws: SQLiteRecoveryError.self) { try SQLiteRecoveryStore(path: path) }
            }
        }

        private struct Own: Sendable {}

        /// Gives `body` the path of a file that does not exist yet, in a directory that is removed afterwards.
        private func withFile(_ body: (String) async throws -> Void) async throws {
            let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            try await body(directory.appending(path: "recovery.sqlite").path)
        }
    }

    /// What was logged: messages with the value of `name`.
    private final class LogLines: LogHandler, Sendable {
        private let logged = Mutex<[String]>([])

        var lines: [String] { logged.withLock { $0 } }
        var logger: Logger { Logger(label: "test") { _ in self } }

        subscript(metadataKey _: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .warning }
            set {}
        }

        func log(event: LogEvent) {
            logged.withLock { $0.append("\(event.message) \(event.metadata?["name"] ?? "")") }
        }
    }
#endif
