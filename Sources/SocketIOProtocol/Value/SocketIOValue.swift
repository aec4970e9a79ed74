public import NIOCore

/// A value of any shape: what an event's argument is before a type is known for it.
///
/// It keeps what it was decoded from exactly (numbers as they were written, object members in their order, binary
/// attachments as they are), so that sending it on changes nothing but white space and the way characters are escaped.
///
/// ```swift
/// let reading: SocketIOValue = ["device": "meter-7", "values": [20.5, 21], "raw": .binary(buffer)]
/// reading["values"]?[0]?.doubleValue  // 20.5
/// ```
public enum SocketIOValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Number)
    case string(String)
    case array([SocketIOValue])
    case object(Object)
    /// Bytes that travel as an attachment of the packet.
    case binary(ByteBuffer)

    /// An object: its members in their order.
    ///
    /// Two objects are equal if they have equal members in the same order.
    public struct Object: Hashable, Sendable {
        var members: [Member] = []

        struct Member: Hashable, Sendable {
            let key: String
            var value: SocketIOValue
        }

        /// An object without members.
        public init() {}
    }
}

extension SocketIOValue {
    /// The text of a string; nil for everything else.
    public var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// Nil unless this is a boolean.
    public var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// Nil unless this is a number with exactly the value of an `Int`.
    public var intValue: Int? {
        guard case .number(let number) = self else { return nil }
        return number.exactly(Int.self)
    }

    /// The nearest double of a number; nil for everything else.
    public var doubleValue: Double? {
        guard case .number(let number) = self else { return nil }
        return number.doubleValue
    }

    /// The bytes of an attachment; nil for everything else.
    public var binaryValue: ByteBuffer? {
        guard case .binary(let value) = self else { return nil }
        return value
    }

    /// The element at an index; nil outside of an array.
    public subscript(index: Int) -> SocketIOValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The member with a name; nil if there is none.
    public subscript(key: String) -> SocketIOValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }
}

extension SocketIOValue.Object: RandomAccessCollection {
    /// Zero.
    public var startIndex: Int { 0 }
    /// The number of members.
    public var endIndex: Int { self.members.count }

    /// The member at a position of the order.
    public subscript(position: Int) -> (key: String, value: SocketIOValue) {
        (self.members[position].key, self.members[position].value)
    }

    /// The member with a name. Setting keeps the place of a member that exists, and appends one that does not; setting
    /// nil removes. Takes time in proportion to the number of members.
    public subscript(key: String) -> SocketIOValue? {
        get { self.position(of: key).map { self.members[$0].value } }
        set {
            switch (self.position(of: key), newValue) {
            case (let position?, let value?): self.members[position].value = value
            case (let position?, nil): self.members.remove(at: position)
            case (nil, let value?): self.members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        self.members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }
}

extension SocketIOValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Null.
    public init(nilLiteral: ()) { self = .null }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(Number(value)) }
    /// A number, or null for a literal too large for a `Double`, as JavaScript writes an infinity.
    public init(floatLiteral value: Double) { self = Number(value).map { .number($0) } ?? .null }
    /// An array.
    public init(arrayLiteral elements: SocketIOValue...) { self = .array(elements) }
    /// An object; of members with the same name the last counts.
    public init(dictionaryLiteral elements: (String, SocketIOValue)...) {
        var object = Object()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
