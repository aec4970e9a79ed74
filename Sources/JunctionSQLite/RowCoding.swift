#if SQLite
    import Foundation
    import JunctionSocketIO
    import NIOCore

    /// What stands in one column of a row: numbers and buffers, each buffer behind its length.
    struct RowWriter {
        private var bytes = ByteBuffer()

        mutating func write(_ number: UInt64) { bytes.writeInteger(number) }

        mutating func write(_ count: Int) { bytes.writeInteger(UInt32(clamping: count)) }

        mutating func write(_ text: String) {
            write(text.utf8.count)
            bytes.writeString(text)
        }

        mutating func write(_ buffer: ByteBuffer) {
            write(buffer.readableBytes)
            bytes.writeImmutableBuffer(buffer)
        }

        mutating func write(_ buffers: [ByteBuffer]) {
            write(buffers.count)
            for buffer in buffers { write(buffer) }
        }

        mutating func write(_ names: Set<String>) {
            write(names.count)
            for name in names { write(name) }
        }

        var data: Data { Data(bytes.readableBytesView) }
    }

    /// Reads what a ``RowWriter`` wrote; throws when it did not.
    struct RowReader {
        private var bytes: ByteBuffer

        init(_ data: Data) { bytes = ByteBuffer(bytes: data) }

        mutating func number() throws -> UInt64 { try checked(bytes.readInteger()) }

        mutating func count() throws -> Int { Int(try checked(bytes.readInteger(as: UInt32.self))) }

        mutating func text() throws -> String { String(buffer: try buffer()) }

        mutating func buffer() throws -> ByteBuffer { try checked(bytes.readSlice(length: try count())) }

        mutating func buffers() throws -> [ByteBuffer] { try (0..<count()).map { _ in try buffer() } }

        mutating func names() throws -> Set<String> { Set(try (0..<count()).map { _ in try text() }) }

        private func checked<Value>(_ value: Value?) throws -> Value {
            guard let value else { throw SQLiteRecoveryError(message: "a row of the recovery store is cut off") }
            return value
        }
    }

    extension RecoverableEvent {
        /// All but the number and the time.
        var body: Data {
            var row = RowWriter()
            row.write(rooms)
            row.write(except)
            row.write(packet)
            row.write(attachments)
            return row.data
        }

        init(sequence: UInt64, emittedAt: RecoveryTime, body: Data) throws {
            var row = RowReader(body)
            self.init(
                sequence: sequence, rooms: try row.names(), except: try row.names(), emittedAt: emittedAt,
                packet: try row.buffer(), attachments: try row.buffers())
        }
    }

    extension RecoverySession {
        /// The rooms with their numbers.
        var roomsColumn: Data {
            var row = RowWriter()
            row.write(rooms.count)
            for (name, sequence) in rooms {
                row.write(name)
                row.write(sequence)
            }
            return row.data
        }

        static func rooms(_ column: Data) throws -> [String: UInt64] {
            var row = RowReader(column)
            var rooms: [String: UInt64] = [:]
            for _ in 0..<(try row.count()) { rooms[try row.text()] = try row.number() }
            return rooms
        }
    }
#endif
