internal import NIOCore

/// The attachments of one packet, gathered from everywhere in its payload.
final class AttachmentCollector {
    // Touched only by the statements of sessions that write one value at a time.
    @exclusivity(unchecked) var attachments: [ByteBuffer]

    init(_ attachments: [ByteBuffer]) {
        self.attachments = attachments
    }
}

/// Writes one value of a type that encodes itself, straight into the buffer.
///
/// A value's `encode(to:)` has returned before its parent goes on, so the open values form a stack and their brackets can
/// be written as they come. The exception is a container made with `nestedContainer` or `superEncoder`, which may be
/// filled at any time: it gets a session of its own, a fragment, whose text is put in its place at the end.
final class JSONEncodingSession {
    enum Shape {
        case none, array, object, single
    }

    /// A value that is being encoded.
    struct Level {
        let key: (any CodingKey)?
        var shape = Shape.none
        var count = 0
    }

    // Every access below ends within its own statement, and none of them calls out: they cannot overlap, and checking
    // that at run time would cost a fifth of the whole.
    @exclusivity(unchecked) private(set) var output: ByteBuffer
    @exclusivity(unchecked) private var levels: [Level]
    @exclusivity(unchecked) private var fragments: [(offset: Int, session: JSONEncodingSession)] = []
    private let collector: AttachmentCollector
    private let path: [any CodingKey]

    init(output: ByteBuffer, collector: AttachmentCollector, path: [any CodingKey]) {
        self.output = output
        self.collector = collector
        self.path = path
        self.levels = [Level(key: nil)]
    }

    /// Encodes the value of the whole session.
    func encode(_ value: some Encodable) throws {
        try value.encode(to: JSONValueEncoder(session: self, level: 0))
    }

    /// Ends the text. An open session is done with: what its containers would still write is lost.
    func finish() -> ByteBuffer {
        self.close(self.levels[0])
        let fragments = self.fragments
        self.fragments = []
        guard let first = fragments.first else { return self.output }
        var copied = first.offset
        let text = self.output
        self.output.moveWriterIndex(to: copied)
        for (offset, session) in fragments {
            self.output.writeImmutableBuffer(text.slice(from: copied, to: offset))
            self.output.writeImmutableBuffer(session.finish())
            copied = offset
        }
        self.output.writeImmutableBuffer(text.slice(from: copied, to: text.writerIndex))
        return self.output
    }

    func codingPath(at level: Int) -> [any CodingKey] {
        self.path + self.levels.prefix(level + 1).compactMap(\.key)
    }

    func count(at level: Int) -> Int { self.levels[level].count }

    /// Makes the value of a level an array or an object; asking again for the same is allowed.
    func open(_ shape: Shape, at level: Int) {
        guard self.levels[level].shape != shape else { return }
        precondition(self.levels[level].shape == .none, "A value is encoded in one kind of container only.")
        self.levels[level].shape = shape
        self.output.writeInteger(shape == .array ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    }

    /// Writes the only value of a level. After an error the text is what it was before.
    func writeSingle<T: Encodable>(_ value: T, at level: Int) throws {
        self.requireNoValue(at: level)
        try self.undoingOnError(at: level) {
            if try self.writeDirectly(value, at: level, key: nil) {
                self.levels[level].shape = .single
            } else {
                try value.encode(to: JSONValueEncoder(session: self, level: level))
            }
        }
    }

    /// Writes null as the only value of a level.
    func writeSingleNull(at level: Int) {
        self.requireNoValue(at: level)
        self.output.writeStaticString("null")
        self.levels[level].shape = .single
    }

    /// Writes an element of an array or, with its name, a member of an object. After an error the text is what it was
    /// before.
    func writeElement<T: Encodable>(_ value: T, name: String?, key: any CodingKey, at level: Int) throws {
        self.requireInnermost(level)
        try self.undoingOnError(at: level) {
            self.beginElement(name: name, at: level)
            if try self.writeDirectly(value, at: level, key: key) { return }
            self.levels.append(Level(key: key))
            try value.encode(to: JSONValueEncoder(session: self, level: level + 1))
            self.close(self.levels.removeLast())
        }
    }

    /// Writes null as an element or member.
    func writeNullElement(name: String?, at level: Int) {
        self.requireInnermost(level)
        self.beginElement(name: name, at: level)
        self.output.writeStaticString("null")
    }

    /// Begins an element whose value is written later, by the encoder returned.
    func writeFragment(name: String?, key: any CodingKey, at level: Int) -> JSONValueEncoder {
        self.requireInnermost(level)
        self.beginElement(name: name, at: level)
        let session = JSONEncodingSession(
            output: ByteBuffer(), collector: self.collector, path: self.codingPath(at: level) + [key])
        self.fragments.append((self.output.writerIndex, session))
        return JSONValueEncoder(session: session, level: 0)
    }

    /// Runs `body`; if it throws, which the caller may catch and go on, everything it wrote is taken back.
    @inline(__always)
    private func undoingOnError(at level: Int, _ body: () throws -> Void) throws {
        let saved = self.levels[level]
        let length = self.output.writerIndex
        let fragmentCount = self.fragments.count
        let attachmentCount = self.collector.attachments.count
        do {
            try body()
        } catch {
            self.output.moveWriterIndex(to: length)
            self.fragments.removeLast(self.fragments.count - fragmentCount)
            self.collector.attachments.removeLast(self.collector.attachments.count - attachmentCount)
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
        precondition(self.levels[level].shape == .none, "A single-value container takes one value.")
    }

    private func beginElement(name: String?, at level: Int) {
        if self.levels[level].count > 0 { self.output.writeInteger(UInt8(ascii: ",")) }
        self.levels[level].count += 1
        if let name {
            self.output.writeJSONString(name)
            self.output.writeInteger(UInt8(ascii: ":"))
        }
    }

    private func writeDirectly<T: Encodable>(_ value: T, at level: Int, key: (any CodingKey)?) throws -> Bool {
        do throws(JSONWriteFailure) {
            return try self.output.writeDirectly(value, attachments: &self.collector.attachments)
        } catch {
            throw error.encodingError(for: value, at: self.codingPath(at: level) + (key.map { [$0] } ?? []))
        }
    }

    /// Ends a value. One that encoded nothing is an empty object.
    private func close(_ level: Level) {
        switch level.shape {
        case .none: self.output.writeStaticString("{}")
        case .array: self.output.writeInteger(UInt8(ascii: "]"))
        case .object: self.output.writeInteger(UInt8(ascii: "}"))
        case .single: break
        }
    }
}

extension ByteBuffer {
    fileprivate func slice(from start: Int, to end: Int) -> ByteBuffer {
        self.getSlice(at: start, length: end - start) ?? ByteBuffer()
    }
}
