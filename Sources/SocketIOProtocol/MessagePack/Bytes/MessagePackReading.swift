internal import JSONText
internal import NIOCore

/// Reading values that ``RawSpan/validateMessagePack(_:maxDepth:)`` has accepted. The functions stay within bounds on any
/// bytes; what they return has a meaning on valid ones only.
extension RawSpan {
    /// The end of the value at a position.
    func endOfMessagePack(at position: Int) -> Int {
        var at = position
        var pending = 1
        while pending > 0 {
            guard let head = self.messagePackHead(at: at) else { return self.byteCount }
            pending -= 1
            if head.isContainer {
                pending += head.kind == .map ? head.length * 2 : head.length
                at = head.content
            } else {
                at = Swift.min(head.content + head.length, self.byteCount)
            }
        }
        return at
    }

    func requireHead(_ at: Int) throws(JSONReadFailure) -> MessagePackHead {
        guard let head = self.messagePackHead(at: at) else { throw .mismatched(.null) }
        return head
    }

    func requireHead(_ kind: MessagePackKind, at position: Int) throws(JSONReadFailure) -> MessagePackHead {
        let head = try self.requireHead(position)
        guard head.kind == kind else { throw .mismatched(head.kind) }
        return head
    }

    /// Reads a string and moves past it.
    func readPackedString(_ at: inout Int) throws(JSONReadFailure) -> String {
        let head = try self.requireHead(.string, at: at)
        at = Swift.min(head.content + head.length, self.byteCount)
        return self.string(head.content, at)
    }

    /// Reads the key of a map and moves past it; an integer is written as JavaScript does.
    func readPackedKey(_ at: inout Int) throws(JSONReadFailure) -> String {
        let head = try self.requireHead(at)
        if head.kind == .string { return try self.readPackedString(&at) }
        return String(try self.readPackedNumber(&at).integer ?? 0)
    }

    func readPackedBool(_ at: inout Int) throws(JSONReadFailure) -> Bool {
        let head = try self.requireHead(.boolean, at: at)
        at = head.content + 1
        return self.byte(head.content) == 0xC3
    }

    /// Reads bytes and moves past them: a slice of `bytes`, which this span is of.
    func readPackedBinary(_ at: inout Int, of bytes: ByteBuffer) throws(JSONReadFailure) -> ByteBuffer {
        let head = try self.requireHead(.binary, at: at)
        at = Swift.min(head.content + head.length, self.byteCount)
        return bytes.getSlice(at: bytes.readerIndex + head.content, length: at - head.content) ?? ByteBuffer()
    }
}

/// A number as it stands in the bytes.
enum PackedNumber {
    case unsigned(UInt64)
    case negative(Int64)
    case single(Float)
    case double(Double)

    var integer: Int128? {
        switch self {
        case .unsigned(let value): Int128(value)
        case .negative(let value): Int128(value)
        case .single, .double: nil
        }
    }

    /// The value as an integer; nil if it has a fraction or is out of range.
    func exactly<T: FixedWidthInteger>(_ type: T.Type) -> T? {
        switch self {
        case .unsigned(let value): T(exactly: value)
        case .negative(let value): T(exactly: value)
        case .single(let value): T(exactly: value)
        case .double(let value): T(exactly: value)
        }
    }

    /// The nearest double: integers beyond 2^53 are rounded.
    var doubleValue: Double {
        switch self {
        case .unsigned(let value): Double(value)
        case .negative(let value): Double(value)
        case .single(let value): Double(value)
        case .double(let value): value
        }
    }

    /// The nearest float, infinite beyond the largest.
    var floatValue: Float {
        switch self {
        case .unsigned(let value): Float(value)
        case .negative(let value): Float(value)
        case .single(let value): value
        case .double(let value): Float(value)
        }
    }

    /// The value in digits; nil if it is not finite.
    var text: String? {
        switch self {
        case .unsigned(let value): String(value)
        case .negative(let value): String(value)
        case .single(let value): JavaScriptNumber.text(Double(value))
        case .double(let value): JavaScriptNumber.text(value)
        }
    }
}

extension RawSpan {
    /// Reads a number and moves past it.
    func readPackedNumber(_ at: inout Int) throws(JSONReadFailure) -> PackedNumber {
        let head = try self.requireHead(at)
        guard head.kind == .integer || head.kind == .float, let first = self.byte(at),
            let bits = self.bigEndian(head.content, head.length)
        else { throw .mismatched(head.kind) }
        at = head.content + head.length
        switch first {
        case 0xCA: return .single(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case 0xCB: return .double(Double(bitPattern: bits))
        case 0xD0: return .signed(Int64(Int8(truncatingIfNeeded: bits)))
        case 0xD1: return .signed(Int64(Int16(truncatingIfNeeded: bits)))
        case 0xD2: return .signed(Int64(Int32(truncatingIfNeeded: bits)))
        case 0xD3: return .signed(Int64(bitPattern: bits))
        case 0xE0...0xFF: return .negative(Int64(Int8(bitPattern: first)))
        default: return .unsigned(bits)
        }
    }
}

extension PackedNumber {
    static func signed(_ value: Int64) -> PackedNumber {
        value < 0 ? .negative(value) : .unsigned(UInt64(value))
    }
}
