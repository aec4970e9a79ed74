/// A class, because the box that the standard library keeps a container in copies it at every call.
private final class MessagePackMap {
    let decoder: MessagePackValueDecoder
    /// Each key once, in the order of their first occurrence.
    private(set) var names: [String] = []
    /// Of members with the same key the last counts, as in JavaScript.
    private var values: [ExactString: Int] = [:]

    init(_ decoder: MessagePackValueDecoder) throws {
        self.decoder = decoder
        let head = try decoder.requireHead(.map, for: [String: Any].self)
        do throws(JSONReadFailure) {
            try decoder.source.withBytes { bytes throws(JSONReadFailure) in
                var at = head.content
                for _ in 0..<head.length {
                    let name = try bytes.readPackedKey(&at)
                    if self.values.updateValue(at, forKey: ExactString(name)) == nil { self.names.append(name) }
                    at = bytes.endOfMessagePack(at: at)
                }
            }
        } catch {
            throw error.decodingError(for: [String: Any].self, at: decoder.path)
        }
    }

    func value(of name: String) -> Int? { self.values[ExactString(name)] }
}

struct MessagePackKeyedDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let map: MessagePackMap

    init(_ decoder: MessagePackValueDecoder) throws {
        self.map = try MessagePackMap(decoder)
    }

    private var decoder: MessagePackValueDecoder { self.map.decoder }

    var codingPath: [any CodingKey] { self.decoder.codingPath }

    var allKeys: [Key] { self.map.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { self.map.value(of: key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        self.decoder.source.kind(at: try self.value(key)) == .null
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
        guard let position = self.map.value(of: key.stringValue) else {
            throw DecodingError.keyNotFound(
                key,
                .init(codingPath: self.codingPath, debugDescription: "No value for the key \"\(key.stringValue)\"."))
        }
        return position
    }
}
