internal import NIOCore

extension RawSpan {
    /// Reads a value of any shape and moves past it. Recursion is as deep as the nesting that validation let through.
    ///
    /// What dynamic values have no form for becomes what JavaScript makes of it in JSON: a date its text, a number that is
    /// not finite null. Another extension becomes an array of its type and its bytes, as the published parser has it.
    func readPackedValue(_ at: inout Int, of whole: ByteBuffer) throws(JSONReadFailure) -> SocketIOValue {
        let head = try self.requireHead(at)
        switch head.kind {
        case .null:
            at = head.content + head.length
            return .null
        case .boolean: return .bool(try self.readPackedBool(&at))
        case .integer, .float:
            let number = try self.readPackedNumber(&at)
            return number.text.map { .number(SocketIOValue.Number(validated: $0)) } ?? .null
        case .string: return .string(try self.readPackedString(&at))
        case .binary: return .binary(try self.readPackedBinary(&at, of: whole))
        case .date, .extension: return self.readPackedExtension(head, &at, of: whole)
        case .array:
            at = head.content
            var elements: [SocketIOValue] = []
            for _ in 0..<head.length { elements.append(try self.readPackedValue(&at, of: whole)) }
            return .array(elements)
        case .map:
            at = head.content
            var object = SocketIOValue.Object()
            var positions = MemberPositions()
            for _ in 0..<head.length {
                let name = try self.readPackedKey(&at)
                let value = try self.readPackedValue(&at, of: whole)
                if let position = positions.add(name, to: object.members) {
                    object.members[position].value = value
                } else {
                    object.members.append(.init(key: name, value: value))
                }
            }
            return .object(object)
        }
    }

    private func readPackedExtension(
        _ head: MessagePackHead, _ at: inout Int, of whole: ByteBuffer
    ) -> SocketIOValue {
        at = Swift.min(head.content + head.length, self.byteCount)
        if head.type == 0, head.kind == .date {
            let milliseconds = Int64(bitPattern: self.bigEndian(head.content, 8) ?? 0)
            return JavaScriptDate.text(Int(milliseconds)).map { .string($0) } ?? .null
        }
        let bytes = whole.getSlice(at: whole.readerIndex + head.content, length: at - head.content)
        return .array([.number(SocketIOValue.Number(head.type)), .binary(bytes ?? ByteBuffer())])
    }
}

extension ByteBuffer {
    /// Writes a value of any shape. A number becomes an integer if it is one of 64 bits, and else the nearest double.
    mutating func writePacked(_ value: SocketIOValue) throws(JSONWriteFailure) {
        switch value {
        case .null: self.writePackedNil()
        case .bool(let value): self.writePacked(value)
        case .number(let number):
            if let value = number.exactly(Int64.self) {
                self.writePacked(signed: value)
            } else if let value = number.exactly(UInt64.self) {
                self.writePacked(unsigned: value)
            } else {
                self.writePacked(number.doubleValue)
            }
        case .string(let value): try self.writePacked(value)
        case .array(let elements):
            try self.writePackedHead(.array, count: elements.count)
            for element in elements { try self.writePacked(element) }
        case .object(let object):
            try self.writePackedHead(.map, count: object.count)
            for member in object.members {
                try self.writePacked(member.key)
                try self.writePacked(member.value)
            }
        case .binary(let bytes): try self.writePacked(binary: bytes.readableBytesView)
        }
    }
}
