/// The `Encoder` handed to types that encode themselves: one value of a session.
struct JSONValueEncoder: Encoder, SingleValueEncodingContainer {
    let session: JSONEncodingSession
    let level: Int

    var codingPath: [any CodingKey] { self.session.codingPath(at: self.level) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        self.session.open(.object, at: self.level)
        return KeyedEncodingContainer(JSONKeyedEncodingContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        self.session.open(.array, at: self.level)
        return JSONUnkeyedEncodingContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        self.session.writeSingleNull(at: self.level)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try self.session.writeSingle(value, at: self.level)
    }
}

struct JSONKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }

    func encodeNil(forKey key: Key) throws {
        self.encoder.session.writeNullElement(name: key.stringValue, at: self.encoder.level)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try self.encoder.session.writeElement(value, name: key.stringValue, key: key, at: self.encoder.level)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        self.nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        self.nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { self.nested(JSONKey.superKey) }

    func superEncoder(forKey key: Key) -> any Encoder { self.nested(key) }

    private func nested(_ key: some CodingKey) -> JSONValueEncoder {
        self.encoder.session.writeFragment(name: key.stringValue, key: key, at: self.encoder.level)
    }
}

struct JSONUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }
    var count: Int { self.encoder.session.count(at: self.encoder.level) }

    func encodeNil() throws {
        self.encoder.session.writeNullElement(name: nil, at: self.encoder.level)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try self.encoder.session.writeElement(value, name: nil, key: JSONKey.index(self.count), at: self.encoder.level)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        self.nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self.nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { self.nested() }

    private func nested() -> JSONValueEncoder {
        self.encoder.session.writeFragment(name: nil, key: JSONKey.index(self.count), at: self.encoder.level)
    }
}
