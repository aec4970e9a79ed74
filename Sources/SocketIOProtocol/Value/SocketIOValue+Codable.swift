internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// For coders other than this package's own, which takes a value as it is: these do not keep the text of a number, and
/// a binary value is to them what `Data` is.
extension SocketIOValue: Codable {
    /// Decodes a value of any shape, as far as the decoder can tell shapes apart.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: JSONKey.self) {
            var object = Object()
            for key in container.allKeys {
                object.members.append(.init(key: key.stringValue, value: try container.decode(Self.self, forKey: key)))
            }
            self = .object(object)
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [SocketIOValue] = []
            while !container.isAtEnd { elements.append(try container.decode(Self.self)) }
            self = .array(elements)
        } else {
            try self.init(try decoder.singleValueContainer())
        }
    }

    private init(_ container: any SingleValueDecodingContainer) throws {
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .number(Number(value))
        } else if let value = try? container.decode(UInt64.self) {
            self = .number(Number(value))
        } else if let value = Number(try container.decode(Double.self)) {
            self = .number(value)
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "The number is not finite.")
        }
    }

    /// Encodes the value in the shape it has.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value):
            try value.encode(to: encoder)
        case .number(let number):
            if let value = number.exactly(Int64.self) {
                try value.encode(to: encoder)
            } else if let value = number.exactly(UInt64.self) {
                try value.encode(to: encoder)
            } else {
                try number.doubleValue.encode(to: encoder)
            }
        case .string(let value):
            try value.encode(to: encoder)
        case .array(let elements):
            try elements.encode(to: encoder)
        case .object(let object):
            var container = encoder.container(keyedBy: JSONKey.self)
            for (key, value) in object { try container.encode(value, forKey: .name(key)) }
        case .binary(let buffer):
            var container = encoder.singleValueContainer()
            try container.encode(Data(buffer.readableBytesView))
        }
    }
}
