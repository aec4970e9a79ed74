public import NIOCore
import SocketIOProtocol

/// What of a socket's data a store can keep that outlives the process, as bytes.
///
/// Kept are `String`, `Bool`, `Float`, `Double`, every integer type of the standard library, `ByteBuffer`, `SocketIOValue`, and arrays
/// and dictionaries (with `String` keys) of these; each comes back as the type that it was. Other values, such as the classes and
/// structures of an application, stay with the process.
public enum RecoverableData {
    /// Writes values as a packet with attachments.
    ///
    /// - Returns: the buffers to keep, and the names of the values that cannot be kept.
    public static func encode(_ data: [String: any Sendable]) -> (buffers: [ByteBuffer], left: [String]) {
        var object = SocketIOValue.Object()
        var left: [String] = []
        for (name, value) in data {
            if let tagged = tagged(value, depth: 0) { object[name] = tagged } else { left.append(name) }
        }
        var text = ByteBuffer()
        guard
            let attachments = try? SocketIOPacketEncoder.encodeEvent("data", SocketIOValue.object(object), into: &text)
        else { return ([], Array(data.keys)) }
        return ([text] + attachments, left)
    }

    /// Reads what ``encode(_:)`` wrote; nothing from bytes that it did not write.
    public static func decode(_ buffers: [ByteBuffer]) -> [String: any Sendable] {
        guard let text = buffers.first else { return [:] }
        var decoder = SocketIOPacketDecoder(
            limits: SocketIOLimits(maxAttachments: 1_000_000, maxDepth: 128, maxPacketBytes: Int(Int32.max)))
        var packet = try? decoder.decode(text: text)
        for attachment in buffers.dropFirst() { packet = try? decoder.decode(binary: attachment) }
        return packet.map(values) ?? [:]
    }

    private static func values(_ packet: SocketIOPacket) -> [String: any Sendable] {
        guard var arguments = try? EventArguments(packet), let value = try? arguments.next(SocketIOValue.self),
            case .object(let object) = value
        else { return [:] }
        var data: [String: any Sendable] = [:]
        for (name, value) in object { data[name] = untagged(value) }
        return data
    }

    // MARK: Types

    /// Deeper values are not kept: the decoder reads 128 levels, of which each takes two here.
    private static let maximumDepth = 60

    /// The value in an array behind the name of its type.
    private static func tagged(_ value: any Sendable, depth: Int) -> SocketIOValue? {
        guard depth <= maximumDepth else { return nil }
        switch value {
        case let value as String: return ["s", .string(value)]
        case let value as Bool: return ["b", .bool(value)]
        case let value as any FixedWidthInteger:
            return integerTypes.first { $0.value == type(of: value) }.map { [.string($0.key), .string("\(value)")] }
        case let value as Double: return ["d", .string("\(value.bitPattern)")]
        case let value as Float: return ["f", .string("\(value.bitPattern)")]
        case let value as SocketIOValue: return value.isShallower(than: maximumDepth - depth) ? ["v", value] : nil
        case let value as ByteBuffer: return ["y", .binary(value)]
        case let value as [String: any Sendable]:
            var object = SocketIOValue.Object()
            for (name, member) in value {
                guard let member = tagged(member, depth: depth + 1) else { return nil }
                object[name] = member
            }
            return ["o", .object(object)]
        case let value as [any Sendable]:
            var elements: [SocketIOValue] = []
            for element in value {
                guard let element = tagged(element, depth: depth + 1) else { return nil }
                elements.append(element)
            }
            return ["a", .array(elements)]
        default: return nil
        }
    }

    private static func untagged(_ value: SocketIOValue) -> (any Sendable)? {
        guard let name = value[0]?.stringValue, let value = value[1] else { return nil }
        switch name {
        case "s": return value.stringValue
        case "b": return value.boolValue
        case "d": return value.stringValue.flatMap { UInt64($0) }.map { Double(bitPattern: $0) }
        case "f": return value.stringValue.flatMap { UInt32($0) }.map { Float(bitPattern: $0) }
        case "v": return value
        case "y": return value.binaryValue
        case "o":
            guard case .object(let object) = value else { return nil }
            var members: [String: any Sendable] = [:]
            for (name, member) in object { members[name] = untagged(member) }
            return members
        case "a":
            guard case .array(let elements) = value else { return nil }
            return elements.compactMap(untagged)
        default:
            return value.stringValue.flatMap { text in integerTypes[name].flatMap { integer($0, text) } }
        }
    }

    private static let integerTypes: [String: any (FixedWidthInteger & Sendable).Type] = [
        "i": Int.self, "i8": Int8.self, "i16": Int16.self, "i32": Int32.self, "i64": Int64.self,
        "u": UInt.self, "u8": UInt8.self, "u16": UInt16.self, "u32": UInt32.self, "u64": UInt64.self,
    ]

    private static func integer<Integer: FixedWidthInteger & Sendable>(_ type: Integer.Type, _ text: String)
        -> (any Sendable)?
    { Integer(text) }
}

extension SocketIOValue {
    fileprivate func isShallower(than depth: Int) -> Bool {
        guard depth > 0 else { return false }
        switch self {
        case .array(let elements): return elements.allSatisfy { $0.isShallower(than: depth - 1) }
        case .object(let object): return object.allSatisfy { $0.value.isShallower(than: depth - 1) }
        default: return true
        }
    }
}
