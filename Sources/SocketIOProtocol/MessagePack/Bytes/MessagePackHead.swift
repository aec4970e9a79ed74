internal import JSONText

/// The kind of a MessagePack value, for error texts and dispatch.
enum MessagePackKind: String {
    case null, boolean, integer, float, string, binary, array, map, date, `extension`
}

/// What the first bytes of a value say about it (MessagePack specification, "Formats").
///
/// The application-specific type 0 means what the published parser of Socket.IO makes of it (notepack.io): a single byte is
/// JavaScript's `undefined`, eight are a `Date`, and those with a length of their own an `ArrayBuffer`.
struct MessagePackHead {
    let kind: MessagePackKind
    /// Where the content starts.
    let content: Int
    /// Bytes of the content; of an array its elements, of a map its pairs.
    let length: Int
    /// The type of an extension.
    var type: Int8 = 0

    var isContainer: Bool { self.kind == .array || self.kind == .map }
}

extension RawSpan {
    /// The head of the value at a position; nil if the bytes end in it, or start no value.
    func messagePackHead(at position: Int) -> MessagePackHead? {
        guard let first = self.byte(position) else { return nil }
        let next = position + 1
        switch first {
        case 0x00...0x7F, 0xE0...0xFF: return MessagePackHead(kind: .integer, content: position, length: 1)
        case 0x80...0x8F: return MessagePackHead(kind: .map, content: next, length: Int(first & 0x0F))
        case 0x90...0x9F: return MessagePackHead(kind: .array, content: next, length: Int(first & 0x0F))
        case 0xA0...0xBF: return MessagePackHead(kind: .string, content: next, length: Int(first & 0x1F))
        case 0xC0: return MessagePackHead(kind: .null, content: next, length: 0)
        case 0xC2, 0xC3: return MessagePackHead(kind: .boolean, content: position, length: 1)
        case 0xC4...0xC6: return self.sizedHead(.binary, at: next, width: 1 << (first - 0xC4))
        case 0xC7...0xC9: return self.sizedExtension(at: next, width: 1 << (first - 0xC7))
        case 0xCA: return MessagePackHead(kind: .float, content: next, length: 4)
        case 0xCB: return MessagePackHead(kind: .float, content: next, length: 8)
        case 0xCC...0xCF: return MessagePackHead(kind: .integer, content: next, length: 1 << (first - 0xCC))
        case 0xD0...0xD3: return MessagePackHead(kind: .integer, content: next, length: 1 << (first - 0xD0))
        case 0xD4...0xD8: return self.fixedExtension(at: next, length: 1 << (first - 0xD4))
        case 0xD9...0xDB: return self.sizedHead(.string, at: next, width: 1 << (first - 0xD9))
        case 0xDC, 0xDD: return self.sizedHead(.array, at: next, width: 2 << (first - 0xDC))
        case 0xDE, 0xDF: return self.sizedHead(.map, at: next, width: 2 << (first - 0xDE))
        default: return nil
        }
    }

    private func sizedHead(_ kind: MessagePackKind, at position: Int, width: Int) -> MessagePackHead? {
        guard let length = self.bigEndian(position, width) else { return nil }
        return MessagePackHead(kind: kind, content: position + width, length: Int(truncatingIfNeeded: length))
    }

    private func sizedExtension(at position: Int, width: Int) -> MessagePackHead? {
        guard let bits = self.bigEndian(position, width), let type = self.byte(position + width) else { return nil }
        let length = Int(truncatingIfNeeded: bits)
        let kind = self.kind(ofExtension: Int8(bitPattern: type), length: length, isSized: true)
        return MessagePackHead(
            kind: kind, content: position + width + 1, length: length, type: Int8(bitPattern: type))
    }

    private func fixedExtension(at position: Int, length: Int) -> MessagePackHead? {
        guard let type = self.byte(position) else { return nil }
        let kind = self.kind(ofExtension: Int8(bitPattern: type), length: length, isSized: false)
        return MessagePackHead(kind: kind, content: position + 1, length: length, type: Int8(bitPattern: type))
    }

    private func kind(ofExtension type: Int8, length: Int, isSized: Bool) -> MessagePackKind {
        switch (type, length) {
        case (0, _) where isSized: .binary
        case (0, 1): .null
        case (0, 8): .date
        case (-1, 4), (-1, 8), (-1, 12): .date
        default: .extension
        }
    }

    /// An unsigned integer of up to eight bytes, the highest first; nil beyond the end.
    func bigEndian(_ position: Int, _ width: Int) -> UInt64? {
        guard position + width <= self.byteCount else { return nil }
        var value: UInt64 = 0
        for index in position..<(position + width) { value = value << 8 | UInt64(self.byte(index) ?? 0) }
        return value
    }
}
