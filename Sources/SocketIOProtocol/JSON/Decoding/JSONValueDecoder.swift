/// The `Decoder` handed to types that decode themselves: one value of the source.
struct JSONValueDecoder: Decoder, SingleValueDecodingContainer {
    let source: JSONSource
    let position: Int
    let path: CodingPathNode?

    var codingPath: [any CodingKey] { self.path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try JSONKeyedDecodingContainer<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try JSONUnkeyedDecodingContainer(self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool {
        self.source.withText { $0.jsonKind(at: self.position) == .null }
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try self.source.decode(type, at: self.position, path: self.path)
    }

    /// Throws unless the value is of the kind that the container `type` needs.
    func require(_ kind: JSONKind, for type: any Any.Type) throws {
        let found = self.source.withText { $0.jsonKind(at: self.position) }
        guard found == kind else {
            throw JSONReadFailure.mismatch(found: found).decodingError(for: type, at: self.path)
        }
    }

    func nested(_ key: any CodingKey, at position: Int) -> JSONValueDecoder {
        JSONValueDecoder(source: self.source, position: position, path: self.path.appending(key))
    }
}
