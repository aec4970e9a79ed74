internal import JSONText
internal import NIOCore

extension RawSpan {
    /// Reads a value of any shape and moves past it. Recursion is as deep as the nesting that validation let through.
    func readDynamicValue(_ at: inout Int, attachments: [ByteBuffer]) throws(JSONReadFailure) -> SocketIOValue {
        switch self.jsonKind(at: at) {
        case .null:
            at += 4
            return .null
        case .boolean:
            let value = self.byte(at) == UInt8(ascii: "t")
            at += value ? 4 : 5
            return .bool(value)
        case .number:
            let start = at
            at = self.endOfScalar(at: start)
            return .number(.init(validated: self.string(start, at)))
        case .string:
            return .string(self.readString(&at))
        case .array:
            var elements: [SocketIOValue] = []
            var next = self.firstElement(in: at)
            while let element = next {
                at = element
                elements.append(try self.readDynamicValue(&at, attachments: attachments))
                next = self.nextElement(after: at)
            }
            self.leaveContainer(&at, isEmpty: elements.isEmpty)
            return .array(elements)
        case .object:
            if !attachments.isEmpty, let index = try self.attachmentIndex(ofObject: at, count: attachments.count) {
                at = self.endOfValue(at: at)
                return .binary(attachments[index])
            }
            return .object(try self.readDynamicObject(&at, attachments: attachments))
        }
    }

    private func readDynamicObject(
        _ at: inout Int, attachments: [ByteBuffer]
    ) throws(JSONReadFailure) -> SocketIOValue.Object {
        var object = SocketIOValue.Object()
        var positions = MemberPositions()
        var next = self.firstElement(in: at)
        while let key = next {
            at = key
            let name = self.readString(&at)
            at = self.memberValue(afterKey: at)
            let value = try self.readDynamicValue(&at, attachments: attachments)
            if let position = positions.add(name, to: object.members) {
                object.members[position].value = value
            } else {
                object.members.append(.init(key: name, value: value))
            }
            next = self.nextElement(after: at)
        }
        self.leaveContainer(&at, isEmpty: object.isEmpty)
        return object
    }

    /// Moves past the closing bracket from the end of the last element or, in an empty container, from the opening one.
    private func leaveContainer(_ at: inout Int, isEmpty: Bool) {
        if isEmpty { at += 1 }
        self.skipWhitespace(&at)
        at += 1
    }
}

/// Finds members that occur twice without comparing each with all others.
struct MemberPositions {
    private static var linearLimit: Int { 16 }
    private var positions: [ExactString: Int] = [:]

    /// The position of the member that `name` repeats; nil, and the name is noted, if it is new.
    mutating func add(_ name: String, to members: [SocketIOValue.Object.Member]) -> Int? {
        if members.count < Self.linearLimit {
            return members.firstIndex { $0.key.utf8.elementsEqual(name.utf8) }
        }
        if self.positions.isEmpty {
            for (position, member) in members.enumerated() { self.positions[ExactString(member.key)] = position }
        }
        if let position = self.positions[ExactString(name)] { return position }
        self.positions[ExactString(name)] = members.count
        return nil
    }
}

extension ByteBuffer {
    /// Writes a value of any shape; its binary parts go to `attachments`.
    mutating func writeDynamicValue(_ value: SocketIOValue, attachments: inout [ByteBuffer]) {
        switch value {
        case .null: self.writeStaticString("null")
        case .bool(let value): self.writeStaticString(value ? "true" : "false")
        case .number(let number): self.writeString(number.description)
        case .string(let value): self.writeJSONString(value)
        case .array(let elements):
            self.writeByte(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { self.writeByte(UInt8(ascii: ",")) }
                self.writeDynamicValue(element, attachments: &attachments)
            }
            self.writeByte(UInt8(ascii: "]"))
        case .object(let object):
            self.writeByte(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { self.writeByte(UInt8(ascii: ",")) }
                self.writeJSONString(member.key)
                self.writeByte(UInt8(ascii: ":"))
                self.writeDynamicValue(member.value, attachments: &attachments)
            }
            self.writeByte(UInt8(ascii: "}"))
        case .binary(let bytes):
            self.writeAttachment(bytes, attachments: &attachments)
        }
    }
}

extension SocketIOValue: CustomStringConvertible {
    /// The value as JSON text; binary parts show as the placeholders that stand for them on the wire.
    public var description: String {
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        text.writeDynamicValue(self, attachments: &attachments)
        return String(buffer: text)
    }
}
