internal import JSONText

/// Why bytes are not MessagePack that can be decoded, and where.
struct MessagePackSyntaxError: Error, Equatable {
    enum Reason: String {
        case truncated = "the bytes end within a value"
        case unknownFormat = "0xC1 starts no value"
        case invalidUTF8 = "a string is not UTF-8"
        case invalidKey = "the key of a map is neither a string nor an integer"
        case tooDeep = "arrays and maps are nested too deeply"
        case trailingBytes = "bytes follow the value"
    }

    let reason: Reason
    let offset: Int
}

extension RawSpan {
    /// Checks the value at `at` and moves past it: afterwards every function that reads may rely on it.
    ///
    /// Nothing is stored for it, whatever lengths it announces. Recursion is at most `maxDepth` deep.
    func validateMessagePack(_ at: inout Int, maxDepth: Int) throws(MessagePackSyntaxError) {
        let start = at
        guard let head = self.messagePackHead(at: start) else {
            throw MessagePackSyntaxError(
                reason: self.byte(start) == 0xC1 ? .unknownFormat : .truncated, offset: start)
        }
        at = head.content
        guard head.isContainer else {
            guard head.length <= self.byteCount - at else {
                throw MessagePackSyntaxError(reason: .truncated, offset: start)
            }
            at += head.length
            guard head.kind != .string || self.extracting(head.content..<at).isUTF8 else {
                throw MessagePackSyntaxError(reason: .invalidUTF8, offset: start)
            }
            return
        }
        guard maxDepth > 0 else { throw MessagePackSyntaxError(reason: .tooDeep, offset: start) }
        // A value takes a byte at least: more than there can be is refused before the first one is looked at.
        guard head.length <= (self.byteCount - at) / (head.kind == .map ? 2 : 1) else {
            throw MessagePackSyntaxError(reason: .truncated, offset: start)
        }
        for _ in 0..<head.length {
            if head.kind == .map { try self.validateKey(&at) }
            try self.validateMessagePack(&at, maxDepth: maxDepth - 1)
        }
    }

    private func validateKey(_ at: inout Int) throws(MessagePackSyntaxError) {
        switch self.messagePackHead(at: at)?.kind {
        case .string, .integer, nil: try self.validateMessagePack(&at, maxDepth: 0)
        default: throw MessagePackSyntaxError(reason: .invalidKey, offset: at)
        }
    }
}
