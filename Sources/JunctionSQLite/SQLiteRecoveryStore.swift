#if SQLite
    import Foundation
    import GRDB
    public import JunctionSocketIO
    public import Logging
    import Synchronization

    /// Keeps sessions and events in an SQLite database, so that clients get back to their state, and to what they missed,
    /// when the server was started anew; also after it was killed.
    ///
    /// ```swift
    /// var options = SocketIOOptions()
    /// options.connectionStateRecovery = ConnectionStateRecovery(store: try SQLiteRecoveryStore(path: "recovery.sqlite"))
    /// ```
    ///
    /// Events are delivered when they are committed. What is emitted while a commit is under way is committed together, next
    /// (group commit); event loops never wait for the disk. A commit survives the death of the process; whether it survives
    /// that of the machine, too, is a matter of ``Durability``.
    ///
    /// A database belongs to one server at a time. Of ``Socket/data-swift.property`` those values are kept that
    /// ``RecoverableData`` can keep; the others are named in the log once, and are gone after a restart.
    public final class SQLiteRecoveryStore: RecoveryStore {
        /// What a commit survives.
        public enum Durability: String, Sendable {
            /// The death of the process, however it comes. When the machine itself stops, the last commits may be missing;
            /// the database stays whole. SQLite's `synchronous=NORMAL`.
            case process = "NORMAL"
            /// Loss of power, too, where the disk keeps what it has confirmed: each commit waits for it. SQLite's
            /// `synchronous=FULL`.
            case machine = "FULL"
        }

        let database: DatabasePool
        let logger: Logger
        let state = Mutex(State())

        struct State {
            var tables: [String: NamespaceTable] = [:]
            /// How many servers use a namespace.
            var users: [String: Int] = [:]
            /// Names in sockets' data whose values cannot be kept, and were logged.
            var leftNames: Set<String> = []
        }

        /// Names that are remembered as logged.
        static let maximumLoggedNames = 1_000

        /// Opens the database, or makes it.
        ///
        /// - Parameters:
        ///   - path: of the file; SQLite puts `-wal` and `-shm` beside it while it is open.
        ///   - durability: what a commit survives. ``Durability/process``.
        /// - Throws: when the file cannot be opened, is no database, or was made by a later version.
        public init(
            path: String, durability: Durability = .process, logger: Logger = Logger(label: "junction.recovery")
        ) throws {
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.maximumReaderCount = 2
            configuration.label = "junction.recovery"
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
            }
            self.database = try DatabasePool(path: path, configuration: configuration)
            self.logger = logger
            try database.write { try RecoverySchema.prepare($0) }
        }

        /// See ``RecoveryStore/open(_:limits:retention:now:)``.
        public func open(
            _ namespace: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime
        ) async throws -> RecoveryPosition {
            let inUse = state.withLock { Set($0.users.keys) }
            let (table, position) = try await database.write { database in
                try RecoverySchema.removeUnused(except: inUse.union([namespace]), since: now - retention, database)
                return try NamespaceTable.open(namespace, limits: limits, retention: retention, now: now, database)
            }
            state.withLock { state in
                state.tables[namespace] = table
                state.users[namespace, default: 0] += 1
            }
            return position
        }

        /// See ``RecoveryStore/close(_:now:)``.
        public func close(_ namespace: String, now: RecoveryTime) async {
            state.withLock { state in
                guard let users = state.users[namespace] else { return }
                state.users[namespace] = users > 1 ? users - 1 : nil
                if users == 1 { state.tables[namespace] = nil }
            }
        }

        /// See ``RecoveryStore/commit(_:to:now:)``.
        public func commit(_ batch: RecoveryBatch, to namespace: String, now: RecoveryTime) async throws {
            let table = try table(namespace)
            let rows = batch.sessions.map { SessionRow($0, data: encode($0.data)) }
            let committed = try await database.write { database in
                try table.commit(batch, rows, now: now, database)
            }
            replace(namespace, committed)
        }

        /// See ``RecoveryStore/restore(_:in:now:)``.
        public func restore(
            _ request: RecoveryRequest, in namespace: String, now: RecoveryTime
        ) async throws -> RecoveredSession? {
            let table = try table(namespace)
            return try await database.read { database in try table.restore(request, now: now, database) }
        }

        /// See ``RecoveryStore/prune(_:maxDisconnection:now:)``.
        public func prune(
            _ namespace: String, maxDisconnection: Int64, now: RecoveryTime
        ) async throws -> RecoveryPruning {
            let table = try table(namespace)
            guard try await database.read({ try table.needsPruning(maxDisconnection, now: now, $0) }) else {
                return RecoveryPruning()
            }
            let (pruned, result) = try await database.write { database in
                try table.prune(maxDisconnection, now: now, database)
            }
            replace(namespace, pruned)
            return result
        }

        private func table(_ namespace: String) throws -> NamespaceTable {
            guard let table = state.withLock({ $0.tables[namespace] }) else {
                throw SQLiteRecoveryError(message: "the namespace \(namespace) was not opened")
            }
            return table
        }

        /// Calls that change a namespace come one at a time, so nothing is overwritten.
        private func replace(_ namespace: String, _ table: NamespaceTable) {
            state.withLock { $0.tables[namespace] = table }
        }

        private func encode(_ data: [String: any Sendable]) -> Data {
            guard !data.isEmpty else { return Data() }
            let (buffers, left) = RecoverableData.encode(data)
            if !left.isEmpty { logOnce(left) }
            var row = RowWriter()
            row.write(buffers)
            return row.data
        }

        private func logOnce(_ names: [String]) {
            let new = state.withLock { state in
                names.filter { state.leftNames.count < Self.maximumLoggedNames && state.leftNames.insert($0).inserted }
            }
            for name in new {
                logger.warning("socket data not kept across a restart", metadata: ["name": "\(name)"])
            }
        }
    }

    /// Why a recovery store cannot be used.
    public struct SQLiteRecoveryError: Error, Sendable, CustomStringConvertible {
        /// One sentence for a person.
        public let message: String

        /// The sentence.
        public var description: String { message }
    }
#else
    /// The store is in the package trait `SQLite`; this target is empty without it.
    private enum WithoutSQLite {}
#endif
