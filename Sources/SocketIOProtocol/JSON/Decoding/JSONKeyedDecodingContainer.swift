struct JSONKeyedDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let object: JSONObject

    init(_ decoder: JSONValueDecoder) throws {
        try decoder.require(.object, for: [String: Any].self)
        self.object = JSONObject(decoder)
    }

    private var decoder: JSONValueDecoder { self.object.decoder }

    var codingPath: [any CodingKey] { self.decoder.codingPath }

    var allKeys: [Key] {
        self.object.names.compactMap { Key(stringValue: $0) }
    }

    func contains(_ key: Key) -> Bool { self.object.value(of: key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        let position = try self.value(key)
        return self.decoder.source.withText { $0.jsonKind(at: position) == .null }
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try self.decoder.source.decode(type, at: try self.value(key), path: self.decoder.path.appending(key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try self.decoder.nested(key, at: try self.value(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try self.decoder.nested(key, at: try self.value(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        self.decoder.nested(JSONKey.superKey, at: try self.value(JSONKey.superKey))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        self.decoder.nested(key, at: try self.value(key))
    }

    private func value(_ key: some CodingKey) throws -> Int {
        guard let position = self.object.value(of: key.stringValue) else {
            throw DecodingError.keyNotFound(
                key,
                .init(codingPath: self.codingPath, debugDescription: "No value for the key \"\(key.stringValue)\"."))
        }
        return position
    }
}
