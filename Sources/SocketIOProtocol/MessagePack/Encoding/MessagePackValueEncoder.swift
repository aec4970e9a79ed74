/// The `Encoder` handed to types that encode themselves: one value of a session.
struct MessagePackValueEncoder: Encoder, SingleValueEncodingContainer {
    let session: MessagePackEncodingSession
    let level: Int

    var codingPath: [any CodingKey] { self.session.codingPath(at: self.level) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        self.session.open(.map, at: self.level)
        return KeyedEncodingContainer(MessagePackKeyedEncodingContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        self.session.open(.array, at: self.level)
        return MessagePackUnkeyedEncodingContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        self.session.writeSingleNil(at: self.level)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try self.session.writeSingle(value, at: self.level)
    }
}

struct MessagePackKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: MessagePackValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }

    func encodeNil(forKey key: Key) throws {
        try self.encoder.session.writeNilElement(name: key.stringValue, key: key, at: self.encoder.level)
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

    private func nested(_ key: some CodingKey) -> MessagePackValueEncoder {
        self.encoder.session.writeFragment(name: key.stringValue, key: key, at: self.encoder.level)
    }
}

struct MessagePackUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let encoder: MessagePackValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }
    var count: Int { self.encoder.session.count(at: self.encoder.level) }

    func encodeNil() throws {
        try self.encoder.session.writeNilElement(
            name: nil, key: JSONKey.index(self.count), at: self.encoder.level)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try self.encoder.session.writeElement(value, name: nil, key: JSONKey.index(self.count), at: self.encoder.level)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        self.nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self.nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { self.nested() }

    private func nested() -> MessagePackValueEncoder {
        self.encoder.session.writeFragment(name: nil, key: JSONKey.index(self.count), at: self.encoder.level)
    }
}
