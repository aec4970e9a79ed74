#if SQLite
    import Foundation
    import GRDB
    import JunctionSocketIO

    /// The tables. Each namespace has a table of events of its own, whose key is the event's number: events are appended at
    /// its end and removed from its beginning.
    enum RecoverySchema {
        static let version = 1

        static func prepare(_ database: Database) throws {
            let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard found <= version else {
                throw SQLiteRecoveryError(message: "the recovery store was made by a later version of Junction")
            }
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS junction_namespace (
                        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tag TEXT NOT NULL,
                        last_sequence INTEGER NOT NULL, gone INTEGER NOT NULL, alive_at INTEGER NOT NULL);
                    CREATE TABLE IF NOT EXISTS junction_session (
                        namespace INTEGER NOT NULL, pid TEXT NOT NULL, sid TEXT NOT NULL, since INTEGER NOT NULL,
                        delivered INTEGER NOT NULL, as_of INTEGER NOT NULL, disconnected_at INTEGER,
                        rooms BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (namespace, pid)) WITHOUT ROWID;
                    CREATE INDEX IF NOT EXISTS junction_session_away
                        ON junction_session (namespace, disconnected_at) WHERE disconnected_at IS NOT NULL;
                    PRAGMA user_version = \(version)
                    """)
        }

        static func createEvents(_ id: Int64, _ database: Database) throws {
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS \(events(id)) (
                        sequence INTEGER PRIMARY KEY, emitted_at INTEGER NOT NULL, bytes INTEGER NOT NULL,
                        body BLOB NOT NULL)
                    """)
        }

        /// Namespaces that go at most when one is opened: more than one, so that none pile up.
        private static let removedAtOnce = 4

        /// Removes namespaces that no server has used since then.
        static func removeUnused(except inUse: Set<String>, since: RecoveryTime, _ database: Database) throws {
            let rows = try Row.fetchAll(
                database, sql: "SELECT id, name FROM junction_namespace WHERE alive_at < ? ORDER BY alive_at LIMIT ?",
                arguments: [since, removedAtOnce + inUse.count])
            for row in rows.filter({ !inUse.contains($0["name"]) }).prefix(removedAtOnce) {
                let id: Int64 = row["id"]
                try database.execute(sql: "DROP TABLE IF EXISTS \(events(id))")
                try database.execute(sql: "DELETE FROM junction_session WHERE namespace = ?", arguments: [id])
                try database.execute(sql: "DELETE FROM junction_namespace WHERE id = ?", arguments: [id])
            }
        }

        static func events(_ id: Int64) -> String { "junction_event_\(id)" }
    }

    /// A session as its row has it.
    struct SessionRow: Sendable {
        let session: RecoverySession
        let rooms: Data
        let data: Data

        init(_ session: RecoverySession, data: Data) {
            self.session = session
            self.rooms = session.roomsColumn
            self.data = data
        }
    }
#endif
