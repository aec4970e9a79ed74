#if SQLite
    import Foundation
    import GRDB
    import JunctionSocketIO

    /// One namespace in the database, and what is known of it without asking.
    struct NamespaceTable: Sendable {
        private let id: Int64
        private let limits: RecoveryLimits
        private let retention: Int64
        private var eventCount = 0
        private var eventBytes = 0
        private var lastSequence: UInt64 = 0
        /// No fewer than there are: a session that is kept again counts again until they are counted.
        private var sessionBound = 0

        /// Rows that one step removes at most; more than one batch adds.
        static let pruningStep = 2_048

        private var events: String { RecoverySchema.events(id) }

        static func open(
            _ name: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime, _ database: Database
        ) throws -> (NamespaceTable, RecoveryPosition) {
            try database.execute(
                sql: """
                    INSERT INTO junction_namespace (name, tag, last_sequence, gone, alive_at) VALUES (?, ?, 0, 0, ?)
                    ON CONFLICT (name) DO NOTHING
                    """, arguments: [name, RecoveryTag.make(), now])
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM junction_namespace WHERE name = ?", arguments: [name])
            else { throw SQLiteRecoveryError(message: "the row of the namespace \(name) is missing") }
            var table = NamespaceTable(id: row["id"], limits: limits, retention: retention)
            try RecoverySchema.createEvents(table.id, database)
            try database.execute(
                sql: """
                    UPDATE junction_session SET disconnected_at = ? WHERE namespace = ? AND disconnected_at IS NULL
                    """, arguments: [min(now, row["alive_at"]), table.id])
            let totals = try Row.fetchOne(
                database, sql: "SELECT COUNT(*) AS count, COALESCE(SUM(bytes), 0) AS bytes FROM \(table.events)")
            table.eventCount = totals?["count"] ?? 0
            table.eventBytes = totals?["bytes"] ?? 0
            table.sessionBound = try table.sessionCount(database)
            table.lastSequence = UInt64(clamping: row["last_sequence"] as Int64)
            return (table, RecoveryPosition(tag: row["tag"], lastSequence: table.lastSequence))
        }

        private init(id: Int64, limits: RecoveryLimits, retention: Int64) {
            self.id = id
            self.limits = limits
            self.retention = retention
        }

        // MARK: Committing

        func commit(_ batch: RecoveryBatch, _ sessions: [SessionRow], now: RecoveryTime, _ database: Database) throws
            -> NamespaceTable
        {
            var table = self
            let insert = try database.cachedStatement(
                sql: "INSERT INTO \(events) (sequence, emitted_at, bytes, body) VALUES (?, ?, ?, ?)")
            for event in batch.events {
                let bytes = event.byteCount
                try insert.execute(arguments: [Int64(clamping: event.sequence), event.emittedAt, bytes, event.body])
                table.eventCount += 1
                table.eventBytes += bytes
                table.lastSequence = event.sequence
            }
            table.lastSequence = max(table.lastSequence, batch.gone)
            for row in sessions { try put(row, database) }
            table.sessionBound += sessions.count
            let end = try database.cachedStatement(
                sql: "DELETE FROM junction_session WHERE namespace = ? AND pid = ?")
            for pid in batch.ended { try end.execute(arguments: [id, pid]) }
            try database.cachedStatement(
                sql: """
                    UPDATE junction_namespace SET last_sequence = ?, gone = MAX(gone, ?), alive_at = ? WHERE id = ?
                    """
            ).execute(arguments: [Int64(clamping: table.lastSequence), Int64(clamping: batch.gone), now, id])
            return table
        }

        private func put(_ row: SessionRow, _ database: Database) throws {
            let session = row.session
            try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO junction_session
                        (namespace, pid, sid, since, delivered, as_of, disconnected_at, rooms, data)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                id, session.pid, session.sid, Int64(clamping: session.since), Int64(clamping: session.delivered),
                Int64(clamping: session.asOf), session.disconnectedAt, row.rooms, row.data,
            ])
        }

        // MARK: Restoring

        func restore(_ request: RecoveryRequest, now: RecoveryTime, _ database: Database) throws -> RecoveredSession? {
            guard
                let position = try Row.fetchOne(
                    database, sql: "SELECT last_sequence, gone FROM junction_namespace WHERE id = ?", arguments: [id]),
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM junction_session WHERE namespace = ? AND pid = ?",
                    arguments: [id, request.pid])
            else { return nil }
            let session = try session(row)
            let last = UInt64(clamping: position["last_sequence"] as Int64)
            let gone = UInt64(clamping: position["gone"] as Int64)
            guard (request.offset ?? 0) <= last else { return nil }
            if let at = session.disconnectedAt, now - at > request.maxDisconnection { return nil }
            guard let after = session.resumption(after: request.offset, gone: gone) else { return nil }
            let rows = try Row.fetchCursor(
                database, sql: "SELECT sequence, emitted_at, body FROM \(events) WHERE sequence > ? ORDER BY sequence",
                arguments: [Int64(clamping: max(after, gone))])
            var missed: [RecoverableEvent] = []
            while let row = try rows.next() {
                let event = try RecoverableEvent(
                    sequence: UInt64(clamping: row["sequence"] as Int64), emittedAt: row["emitted_at"],
                    body: row["body"])
                if session.isMeant(by: event) { missed.append(event) }
            }
            return RecoveredSession(session: session, missed: missed, lastSequence: last)
        }

        private func session(_ row: Row) throws -> RecoverySession {
            let column: Data = row["data"]
            var data: [String: any Sendable] = [:]
            if !column.isEmpty {
                var reader = RowReader(column)
                data = RecoverableData.decode(try reader.buffers())
            }
            return RecoverySession(
                pid: row["pid"], sid: row["sid"], rooms: try RecoverySession.rooms(row["rooms"]), data: data,
                since: UInt64(clamping: row["since"] as Int64), delivered: UInt64(clamping: row["delivered"] as Int64),
                asOf: UInt64(clamping: row["as_of"] as Int64), disconnectedAt: row["disconnected_at"])
        }

        // MARK: Pruning

        private var isOverEventLimits: Bool { eventCount > limits.events || eventBytes > limits.eventBytes }

        func needsPruning(_ maxDisconnection: Int64, now: RecoveryTime, _ database: Database) throws -> Bool {
            if isOverEventLimits { return true }
            let oldest = try Int64.fetchOne(
                database, sql: "SELECT emitted_at FROM \(events) ORDER BY sequence LIMIT 1")
            if let oldest, now - oldest > retention { return true }
            if sessionBound > limits.sessions { return true }
            let away = try Int64.fetchOne(
                database,
                sql:
                    "SELECT MIN(disconnected_at) FROM junction_session WHERE namespace = ? AND disconnected_at NOT NULL",
                arguments: [id])
            return away.map { now - $0 > maxDisconnection } ?? false
        }

        func prune(_ maxDisconnection: Int64, now: RecoveryTime, _ database: Database) throws -> (
            NamespaceTable, RecoveryPruning
        ) {
            var table = self
            var result = RecoveryPruning()
            try table.pruneEvents(&result, now: now, database)
            try table.pruneSessions(&result, maxDisconnection, now: now, database)
            result.isDone = try !table.needsPruning(maxDisconnection, now: now, database)
            return (table, result)
        }

        private mutating func pruneEvents(
            _ result: inout RecoveryPruning, now: RecoveryTime, _ database: Database
        ) throws {
            let rows = try Row.fetchCursor(
                database, sql: "SELECT sequence, emitted_at, bytes FROM \(events) ORDER BY sequence LIMIT ?",
                arguments: [Self.pruningStep])
            var cut: Int64?
            while let row = try rows.next() {
                let isOld = now - (row["emitted_at"] as Int64) > retention
                guard isOld || isOverEventLimits else { break }
                if !isOld { result.evictedEvents += 1 }
                eventCount -= 1
                eventBytes -= row["bytes"] as Int
                cut = row["sequence"]
            }
            guard let cut else { return }
            try database.execute(sql: "DELETE FROM \(events) WHERE sequence <= ?", arguments: [cut])
            try database.execute(
                sql: "UPDATE junction_namespace SET gone = MAX(gone, ?) WHERE id = ?", arguments: [cut, id])
        }

        private mutating func pruneSessions(
            _ result: inout RecoveryPruning, _ maxDisconnection: Int64, now: RecoveryTime, _ database: Database
        ) throws {
            try database.execute(
                sql: """
                    DELETE FROM junction_session WHERE namespace = ?1 AND pid IN (
                        SELECT pid FROM junction_session WHERE namespace = ?1 AND disconnected_at < ?2
                        ORDER BY disconnected_at LIMIT ?3)
                    """, arguments: [id, now - maxDisconnection, Self.pruningStep])
            sessionBound = try sessionCount(database)
            let surplus = min(sessionBound - limits.sessions, Self.pruningStep)
            guard surplus > 0 else { return }
            sessionBound -= surplus
            try database.execute(
                sql: """
                    DELETE FROM junction_session WHERE namespace = ?1 AND pid IN (
                        SELECT pid FROM junction_session WHERE namespace = ?1
                        ORDER BY disconnected_at IS NULL, disconnected_at LIMIT ?2)
                    """, arguments: [id, surplus])
            result.evictedSessions += surplus
        }

        private func sessionCount(_ database: Database) throws -> Int {
            try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM junction_session WHERE namespace = ?", arguments: [id]) ?? 0
        }
    }

    /// What the offsets of a namespace begin with.
    enum RecoveryTag {
        private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

        static func make() -> String { String((0..<6).compactMap { _ in alphabet.randomElement() }) + "." }
    }
#endif
