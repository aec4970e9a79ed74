internal import JSONText
internal import NIOCore

/// The arguments of an event or of an acknowledgement, decoded one after another.
///
/// As in JavaScript, arguments that are not asked for are ignored, and a missing one is nothing: nil for an optional type,
/// an error for every other.
///
/// ```swift
/// var arguments = try EventArguments(packet)  // ["sum",1,2]
/// let (a, b) = try arguments.decode(Int.self, Int.self)
/// ```
public struct EventArguments: Sendable {
    /// The name of the event; nil for an acknowledgement. A number is written as JavaScript would.
    public let event: String?
    private let payload: ByteBuffer
    private let attachments: [ByteBuffer]
    private let isMessagePack: Bool
    /// Where reading has come to.
    package private(set) var cursor: Cursor

    /// A place among the arguments.
    package struct Cursor: Sendable {
        /// The position of the argument that comes next, nil behind the last.
        var position: Int?
        var index = 0
    }

    /// The arguments of an EVENT or ACK packet.
    ///
    /// - Throws: ``NotAnEvent`` for a packet of another kind.
    public init(_ packet: consuming SocketIOPacket) throws(NotAnEvent) {
        guard let payload = packet.payload else { throw NotAnEvent(kind: packet.kind) }
        self.isMessagePack = packet.format == .messagePack
        let (event, position) =
            self.isMessagePack
            ? try payload.readableBytesSpan.firstPackedArgument(of: packet.kind)
            : try Self.start(payload.readableBytesSpan, of: packet.kind)
        self.event = event
        self.cursor = Cursor(position: position)
        self.payload = payload
        self.attachments = packet.attachments
    }

    /// The name of the event, and where the first argument is.
    private static func start(
        _ text: borrowing RawSpan, of kind: SocketIOPacket.Kind
    ) throws(NotAnEvent) -> (event: String?, position: Int?) {
        var start = 0
        text.skipWhitespace(&start)
        switch kind {
        case .event, .binaryEvent:
            var at = text.firstElement(in: start) ?? start
            let event = text.readEventName(&at)
            return (event, text.nextElement(after: at))
        case .ack, .binaryAck:
            return (nil, text.firstElement(in: start))
        case .connect, .connectError, .disconnect:
            throw NotAnEvent(kind: kind)
        }
    }

    /// Whether no argument is left.
    public var isAtEnd: Bool { self.cursor.position == nil }

    /// How many arguments are left. Counting takes a look at each of them.
    public var count: Int {
        let text = self.payload.readableBytesSpan
        var count = 0
        var next = self.cursor.position
        while let position = next {
            count += 1
            guard !self.isMessagePack else {
                next = text.nextPackedArgument(after: text.endOfMessagePack(at: position))
                continue
            }
            next = text.nextElement(after: text.endOfValue(at: position))
        }
        return count
    }

    /// Decodes the next argument.
    ///
    /// - Throws: `DecodingError`, whose coding path starts with the index of the argument; the argument is not consumed.
    public mutating func next<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        var cursor = self.cursor
        defer { self.cursor = cursor }
        return try self.next(type, at: &cursor)
    }

    /// Decodes the argument at `cursor`, as ``next(_:)`` does, for a reader who keeps the place: the arguments need no copy.
    @specialized(where T == String)
    @specialized(where T == SocketIOValue)
    package func next<T: Decodable>(_ type: T.Type, at cursor: inout Cursor) throws -> T {
        guard let position = cursor.position else { return try self.missing(type, cursor.index) }
        var next: Int?
        let value = try self.read(type, at: position, cursor.index, next: &next)
        cursor = Cursor(position: next, index: cursor.index + 1)
        return value
    }

    @inline(__always)
    private func read<T: Decodable>(_ type: T.Type, at position: Int, _ index: Int, next: inout Int?) throws -> T {
        guard !self.isMessagePack else { return try self.readPacked(type, at: position, index, next: &next) }
        let text = self.payload.readableBytesSpan
        var end = position
        do throws(JSONReadFailure) {
            let value = try text.readDirectly(type, &end, attachments: self.attachments)
            next = text.nextElement(after: end)
            return value
        } catch .needsDecoder {
            next = text.nextElement(after: text.endOfValue(at: position))
            let source = JSONSource(json: self.payload, attachments: self.attachments)
            return try T(from: JSONValueDecoder(source: source, position: position, path: Self.path(index)))
        } catch {
            throw error.decodingError(for: type, at: Self.path(index))
        }
    }

    private func readPacked<T: Decodable>(
        _ type: T.Type, at position: Int, _ index: Int, next: inout Int?
    ) throws -> T {
        let bytes = self.payload.readableBytesSpan
        next = bytes.nextPackedArgument(after: bytes.endOfMessagePack(at: position))
        return try MessagePackSource(self.payload).decode(type, at: position, path: Self.path(index))
    }

    /// Decodes as many of the next arguments as there are types.
    ///
    /// ```swift
    /// let (name, level, unit) = try arguments.decode(String.self, Double.self, String?.self)
    /// ```
    /// - Throws: `DecodingError` as ``next(_:)`` does.
    public func decode<each T: Decodable>(_ types: repeat (each T).Type) throws -> (repeat each T) {
        var cursor = self.cursor
        return (repeat try self.next(each types, at: &cursor))
    }

    /// All arguments that are left, as values of any shape.
    public mutating func remaining() throws -> [SocketIOValue] {
        var values: [SocketIOValue] = []
        while !self.isAtEnd { values.append(try self.next(SocketIOValue.self)) }
        return values
    }

    private static func path(_ index: Int) -> CodingPathNode? { CodingPathNode(JSONKey.index(index), parent: nil) }

    private func missing<T>(_ type: T.Type, _ index: Int) throws -> T {
        if let absent = type as? any Absentable.Type, let value = absent.absent as? T { return value }
        let owner = self.event.map { "event \"\($0)\"" } ?? "the acknowledgement"
        throw DecodingError.valueNotFound(
            type,
            .init(
                codingPath: Self.path(index).keys,
                debugDescription: "Argument \(index) of \(owner) is missing; expected \(type)."))
    }
}

/// A packet of another kind was taken for an event or an acknowledgement.
public struct NotAnEvent: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind that the packet has.
    public let kind: SocketIOPacket.Kind

    /// What is wrong, in a plain sentence.
    public var description: String { "A packet of the kind \(self.kind) has no arguments." }
}

extension RawSpan {
    /// The name of an event, and the position of its first argument or of that of an acknowledgement.
    fileprivate func firstPackedArgument(of kind: SocketIOPacket.Kind) throws(NotAnEvent) -> (String?, Int?) {
        guard kind == .event || kind == .ack, let array = self.messagePackHead(at: 0) else {
            throw NotAnEvent(kind: kind)
        }
        var at = array.content
        guard kind == .event else { return (nil, self.nextPackedArgument(after: at)) }
        let isString = self.messagePackHead(at: at)?.kind == .string
        let name = isString ? try? self.readPackedString(&at) : (try? self.readPackedNumber(&at))?.text
        return (name ?? "", self.nextPackedArgument(after: self.endOfMessagePack(at: array.content)))
    }

    /// The position of the argument that starts where another ends; nil behind the last, which ends the payload.
    fileprivate func nextPackedArgument(after end: Int) -> Int? {
        end < self.byteCount ? end : nil
    }

    /// Reads the name of an event and moves past it.
    fileprivate func readEventName(_ at: inout Int) -> String {
        guard self.jsonKind(at: at) == .number else { return self.readString(&at) }
        let start = at
        at = self.endOfScalar(at: start)
        let text = self.string(start, at)
        return Double(text).flatMap(JavaScriptNumber.text) ?? text
    }
}
