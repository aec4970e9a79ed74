struct JSONUnkeyedDecodingContainer: UnkeyedDecodingContainer {
    private let decoder: JSONValueDecoder
    /// The position of the element to decode next; nil at the end.
    private var next: Int?
    private(set) var currentIndex = 0

    init(_ decoder: JSONValueDecoder) throws {
        try decoder.require(.array, for: [Any].self)
        self.decoder = decoder
        self.next = decoder.source.withText { $0.firstElement(in: decoder.position) }
    }

    var codingPath: [any CodingKey] { self.decoder.codingPath }
    var isAtEnd: Bool { self.next == nil }

    /// Unknown until the end is reached: counting would walk over every element a second time.
    var count: Int? { self.isAtEnd ? self.currentIndex : nil }

    mutating func decodeNil() throws -> Bool {
        let position = try self.element(Any?.self)
        let isNull = self.decoder.source.withText { $0.jsonKind(at: position) == .null }
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

    private func nestedDecoder() throws -> JSONValueDecoder {
        self.decoder.nested(JSONKey.index(self.currentIndex), at: try self.element((any Decoder).self))
    }

    private func element(_ type: any Any.Type) throws -> Int {
        guard let next = self.next else {
            throw DecodingError.valueNotFound(
                type,
                .init(
                    codingPath: self.codingPath + [JSONKey.index(self.currentIndex)],
                    debugDescription: "The array ends after \(self.currentIndex) elements."))
        }
        return next
    }

    private mutating func advance() {
        guard let next = self.next else { return }
        self.next = self.decoder.source.withText { $0.nextElement(after: $0.endOfValue(at: next)) }
        self.currentIndex += 1
    }
}
