internal import NIOCore

/// Writes one value of a type that encodes itself, straight into the buffer.
///
/// As in ``JSONEncodingSession`` the open values form a stack, and what `nestedContainer` and `superEncoder` make is written
/// apart and put in its place at the end. How many elements a container has is known only when it is closed: room for the
/// shortest head is left, and one that needs more has its content moved.
final class MessagePackEncodingSession {
    /// A value that is being encoded.
    private struct Level {
        let key: (any CodingKey)?
        var shape: PackedShape?
        var isSingle = false
        /// Where the head of the container stands.
        var start = 0
        var count = 0

        init(key: (any CodingKey)?) {
            self.key = key
        }

        var isEmpty: Bool { self.shape == nil && !self.isSingle }
    }

    private var output: ByteBuffer
    private var levels = [Level(key: nil)]
    private var fragments: [(offset: Int, session: MessagePackEncodingSession)] = []
    private let path: [any CodingKey]

    init(output: ByteBuffer, path: [any CodingKey]) {
        self.output = output
        self.path = path
    }

    /// Encodes the value of the whole session.
    func encode(_ value: some Encodable) throws {
        try value.encode(to: MessagePackValueEncoder(session: self, level: 0))
    }

    /// Ends the bytes. An open session is done with: what its containers would still write is lost.
    func finish() throws(JSONWriteFailure) -> ByteBuffer {
        try self.close(self.levels[0])
        let fragments = self.fragments
        self.fragments = []
        guard let first = fragments.first else { return self.output }
        var copied = first.offset
        let bytes = self.output
        self.output.moveWriterIndex(to: copied)
        for (offset, session) in fragments {
            self.output.writeImmutableBuffer(bytes.slice(from: copied, to: offset))
            self.output.writeImmutableBuffer(try session.finish())
            copied = offset
        }
        self.output.writeImmutableBuffer(bytes.slice(from: copied, to: bytes.writerIndex))
        return self.output
    }

    func codingPath(at level: Int) -> [any CodingKey] {
        self.path + self.levels.prefix(level + 1).compactMap(\.key)
    }

    func count(at level: Int) -> Int { self.levels[level].count }

    /// Makes the value of a level an array or a map; asking again for the same is allowed.
    func open(_ shape: PackedShape, at level: Int) {
        guard self.levels[level].shape != shape else { return }
        precondition(self.levels[level].isEmpty, "A value is encoded in one kind of container only.")
        self.levels[level].shape = shape
        self.levels[level].start = self.output.writerIndex
        self.output.writeInteger(0 as UInt8)
    }

    /// Writes the only value of a level. After an error the bytes are what they were before.
    func writeSingle<T: Encodable>(_ value: T, at level: Int) throws {
        self.requireNoValue(at: level)
        try self.undoingOnError(at: level) {
            if try self.writeDirectly(value, at: level, key: nil) {
                self.levels[level].isSingle = true
            } else {
                try value.encode(to: MessagePackValueEncoder(session: self, level: level))
            }
        }
    }

    /// Writes nil as the only value of a level.
    func writeSingleNil(at level: Int) {
        self.requireNoValue(at: level)
        self.output.writePackedNil()
        self.levels[level].isSingle = true
    }

    /// Writes an element of an array or, with its name, a member of a map. After an error the bytes are what they were
    /// before.
    func writeElement<T: Encodable>(_ value: T, name: String?, key: any CodingKey, at level: Int) throws {
        self.requireInnermost(level)
        try self.undoingOnError(at: level) {
            try self.beginElement(name: name, key: key, at: level)
            if try self.writeDirectly(value, at: level, key: key) { return }
            self.levels.append(Level(key: key))
            try value.encode(to: MessagePackValueEncoder(session: self, level: level + 1))
            try self.close(self.levels.removeLast())
        }
    }

    /// Writes nil as an element or member.
    func writeNilElement(name: String?, key: any CodingKey, at level: Int) throws {
        self.requireInnermost(level)
        try self.undoingOnError(at: level) {
            try self.beginElement(name: name, key: key, at: level)
            self.output.writePackedNil()
        }
    }

    /// Begins an element whose value is written later, by the encoder returned.
    func writeFragment(name: String?, key: any CodingKey, at level: Int) -> MessagePackValueEncoder {
        self.requireInnermost(level)
        // Only a key of 4 GiB cannot be written, and this function cannot throw.
        try? self.beginElement(name: name, key: key, at: level)
        let session = MessagePackEncodingSession(output: ByteBuffer(), path: self.codingPath(at: level) + [key])
        self.fragments.append((self.output.writerIndex, session))
        return MessagePackValueEncoder(session: session, level: 0)
    }

    /// Runs `body`; if it throws, which the caller may catch and go on, everything it wrote is taken back.
    private func undoingOnError(at level: Int, _ body: () throws -> Void) throws {
        let saved = self.levels[level]
        let length = self.output.writerIndex
        let fragmentCount = self.fragments.count
        do {
            try body()
        } catch {
            self.output.moveWriterIndex(to: length)
            self.fragments.removeLast(self.fragments.count - fragmentCount)
            self.levels.removeLast(self.levels.count - level - 1)
            self.levels[level] = saved
            throw error
        }
    }

    private func requireInnermost(_ level: Int) {
        precondition(
            level == self.levels.count - 1,
            "A container is written to only while its own value is being encoded, and no value inside it.")
    }

    private func requireNoValue(at level: Int) {
        precondition(self.levels[level].isEmpty, "A single-value container takes one value.")
    }

    private func beginElement(name: String?, key: any CodingKey, at level: Int) throws {
        self.levels[level].count += 1
        guard let name else { return }
        do throws(JSONWriteFailure) {
            try self.output.writePacked(name)
        } catch {
            throw error.encodingError(for: name, at: self.codingPath(at: level) + [key])
        }
    }

    private func writeDirectly<T: Encodable>(_ value: T, at level: Int, key: (any CodingKey)?) throws -> Bool {
        do throws(JSONWriteFailure) {
            return try self.output.writePackedDirectly(value)
        } catch {
            throw error.encodingError(for: value, at: self.codingPath(at: level) + (key.map { [$0] } ?? []))
        }
    }

    /// Ends a value. One that encoded nothing is an empty map.
    private func close(_ level: Level) throws(JSONWriteFailure) {
        guard let shape = level.shape else {
            if !level.isSingle { try self.output.writePackedHead(.map, count: 0) }
            return
        }
        let contentStart = level.start + 1
        let content = self.output.slice(from: contentStart, to: self.output.writerIndex)
        let end = self.output.writerIndex
        self.output.moveWriterIndex(to: level.start)
        try self.output.writePackedHead(shape, count: level.count)
        let shift = self.output.writerIndex - contentStart
        guard shift > 0 else { return self.output.moveWriterIndex(to: end) }
        self.output.writeImmutableBuffer(content)
        for index in self.fragments.indices.reversed() where self.fragments[index].offset >= contentStart {
            self.fragments[index].offset += shift
        }
    }
}

extension ByteBuffer {
    fileprivate func slice(from start: Int, to end: Int) -> ByteBuffer {
        self.getSlice(at: start, length: end - start) ?? ByteBuffer()
    }

    /// Writes any value. After an error the buffer's end is undefined.
    mutating func writeMessagePack<T: Encodable>(_ value: T, path: @autoclosure () -> [any CodingKey]) throws {
        do throws(JSONWriteFailure) {
            if try self.writePackedDirectly(value) { return }
        } catch {
            throw error.encodingError(for: value, at: path())
        }
        let session = MessagePackEncodingSession(output: self, path: path())
        try session.encode(value)
        do throws(JSONWriteFailure) {
            self = try session.finish()
        } catch {
            throw error.encodingError(for: value, at: path())
        }
    }
}
