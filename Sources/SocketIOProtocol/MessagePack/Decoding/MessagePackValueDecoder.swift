/// The `Decoder` handed to types that decode themselves: one value of the source.
struct MessagePackValueDecoder: Decoder, SingleValueDecodingContainer {
    let source: MessagePackSource
    let position: Int
    let path: CodingPathNode?

    var codingPath: [any CodingKey] { self.path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try MessagePackKeyedDecodingContainer<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try MessagePackUnkeyedDecodingContainer(self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { self.source.kind(at: self.position) == .null }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try self.source.decode(type, at: self.position, path: self.path)
    }

    /// The head of the value, which is of the kind that the container `type` needs.
    func requireHead(_ kind: MessagePackKind, for type: any Any.Type) throws -> MessagePackHead {
        do throws(JSONReadFailure) {
            return try self.source.withBytes { bytes throws(JSONReadFailure) in
                try bytes.requireHead(kind, at: self.position)
            }
        } catch {
            throw error.decodingError(for: type, at: self.path)
        }
    }

    func nested(_ key: any CodingKey, at position: Int) -> MessagePackValueDecoder {
        MessagePackValueDecoder(source: self.source, position: position, path: self.path.appending(key))
    }
}
