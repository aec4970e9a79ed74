struct MessagePackUnkeyedDecodingContainer: UnkeyedDecodingContainer {
    private let decoder: MessagePackValueDecoder
    private let length: Int
    /// The position of the element to decode next.
    private var position: Int
    private(set) var currentIndex = 0

    init(_ decoder: MessagePackValueDecoder) throws {
        let head = try decoder.requireHead(.array, for: [Any].self)
        self.decoder = decoder
        self.length = head.length
        self.position = head.content
    }

    var codingPath: [any CodingKey] { self.decoder.codingPath }
    var isAtEnd: Bool { self.currentIndex >= self.length }

    /// Nil, because types reserve room by it: what a peer announces takes none.
    var count: Int? { self.isAtEnd ? self.currentIndex : nil }

    mutating func decodeNil() throws -> Bool {
        let isNull = self.decoder.source.kind(at: try self.element(Any?.self)) == .null
        if isNull { self.advance() }
        return isNull
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let position = try self.element(type)
        let value = try self.decoder.source.decode(
            type, at: position, path: self.decoder.path.appending(JSONKey.index(self.currentIndex)))
        self.advance()
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try self.nestedDecoder().container(keyedBy: type)
        self.advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try self.nestedDecoder().unkeyedContainer()
        self.advance()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try self.nestedDecoder()
        self.advance()
        return decoder
    }

    private func nestedDecoder() throws -> MessagePackValueDecoder {
        self.decoder.nested(JSONKey.index(self.currentIndex), at: try self.element((any Decoder).self))
    }

    private func element(_ type: any Any.Type) throws -> Int {
        guard !self.isAtEnd else {
            throw DecodingError.valueNotFound(
                type,
                .init(
                    codingPath: self.codingPath + [JSONKey.index(self.currentIndex)],
                    debugDescription: "The array ends after \(self.currentIndex) elements."))
        }
        return self.position
    }

    private mutating func advance() {
        self.position = self.decoder.source.withBytes { $0.endOfMessagePack(at: self.position) }
        self.currentIndex += 1
    }
}
