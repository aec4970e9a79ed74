/// Why a text is not JSON, and where.
package struct JSONSyntaxError: Error, Equatable {
    /// Why, as the end of a sentence.
    package enum Reason: String, Sendable {
        case truncated = "the JSON text ends too early"
        case unexpectedByte = "a byte that JSON does not allow here"
        case controlCharacter = "an unescaped control character in a JSON string"
        case invalidEscape = "an invalid escape in a JSON string"
        case invalidUTF8 = "a JSON string that is not UTF-8"
        case invalidNumber = "an invalid JSON number"
        case tooDeep = "JSON nested too deeply"
        case trailingBytes = "bytes after the end of the JSON text"
    }

    package let reason: Reason
    /// Counted in bytes from the start of the checked span.
    package let offset: Int
}

/// The open arrays and objects around a position: one bit each, so that depth costs neither recursion nor allocation.
private struct Nesting {
    static let capacity = UInt128.bitWidth

    private var objects: UInt128 = 0
    private(set) var depth = 0

    var isInObject: Bool { self.objects & 1 == 1 }

    mutating func open(object: Bool) {
        self.objects = self.objects << 1 | (object ? 1 : 0)
        self.depth += 1
    }

    mutating func close() {
        self.objects >>= 1
        self.depth -= 1
    }
}

extension RawSpan {
    /// The deepest nesting that ``validateJSON(from:maxDepth:)`` can follow.
    package static var maxJSONDepth: Int { Nesting.capacity }

    /// Checks that the bytes from `start` to the end are exactly one JSON value (RFC 8259), in UTF-8.
    ///
    /// Everything that reads values afterwards relies on this check and does not repeat it.
    package func validateJSON(from start: Int, maxDepth: Int) throws(JSONSyntaxError) {
        let maxDepth = Swift.min(maxDepth, Nesting.capacity)
        var nesting = Nesting()
        var at = start
        while true {
            self.skipWhitespace(&at)
            let first = try self.requiredByte(at)
            switch first {
            case UInt8(ascii: "\""):
                try self.validateString(&at)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard nesting.depth < maxDepth else { throw JSONSyntaxError(reason: .tooDeep, offset: at) }
                let isObject = first == UInt8(ascii: "{")
                at += 1
                self.skipWhitespace(&at)
                if try self.requiredByte(at) == first + 2 {  // "]" and "}" stand two after "[" and "{"
                    at += 1
                } else {
                    nesting.open(object: isObject)
                    if isObject { try self.validateKey(&at) }
                    continue
                }
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try self.validateNumber(&at)
            case UInt8(ascii: "t"):
                try self.validateLiteral("true", &at)
            case UInt8(ascii: "f"):
                try self.validateLiteral("false", &at)
            case UInt8(ascii: "n"):
                try self.validateLiteral("null", &at)
            default:
                throw JSONSyntaxError(reason: .unexpectedByte, offset: at)
            }
            if try self.validateAfterValue(&at, &nesting) { return }
        }
    }

    /// Closes what ends after a value; true at the end of the text, false where another value is due.
    @inline(__always)
    private func validateAfterValue(_ at: inout Int, _ nesting: inout Nesting) throws(JSONSyntaxError) -> Bool {
        while true {
            self.skipWhitespace(&at)
            guard nesting.depth > 0 else {
                guard at == self.byteCount else { throw JSONSyntaxError(reason: .trailingBytes, offset: at) }
                return true
            }
            let byte = try self.requiredByte(at)
            if byte == UInt8(ascii: ",") {
                at += 1
                if nesting.isInObject {
                    self.skipWhitespace(&at)
                    try self.validateKey(&at)
                }
                return false
            }
            guard byte == (nesting.isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw JSONSyntaxError(reason: .unexpectedByte, offset: at)
            }
            at += 1
            nesting.close()
        }
    }

    private func validateKey(_ at: inout Int) throws(JSONSyntaxError) {
        guard try self.requiredByte(at) == UInt8(ascii: "\"") else {
            throw JSONSyntaxError(reason: .unexpectedByte, offset: at)
        }
        try self.validateString(&at)
        self.skipWhitespace(&at)
        guard try self.requiredByte(at) == UInt8(ascii: ":") else {
            throw JSONSyntaxError(reason: .unexpectedByte, offset: at)
        }
        at += 1
    }

    private func validateLiteral(_ literal: StaticString, _ at: inout Int) throws(JSONSyntaxError) {
        for index in 0..<literal.utf8CodeUnitCount {
            guard try self.requiredByte(at) == literal.utf8Start[index] else {
                throw JSONSyntaxError(reason: .unexpectedByte, offset: at)
            }
            at += 1
        }
    }

    private func validateNumber(_ at: inout Int) throws(JSONSyntaxError) {
        if self.byte(at) == UInt8(ascii: "-") { at += 1 }
        if self.byte(at) == UInt8(ascii: "0") {
            at += 1
        } else {
            try self.validateDigits(&at)
        }
        if self.byte(at) == UInt8(ascii: ".") {
            at += 1
            try self.validateDigits(&at)
        }
        if let byte = self.byte(at), byte | 0x20 == UInt8(ascii: "e") {
            at += 1
            if let sign = self.byte(at), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { at += 1 }
            try self.validateDigits(&at)
        }
    }

    private func validateDigits(_ at: inout Int) throws(JSONSyntaxError) {
        let start = at
        while let byte = self.byte(at), byte.isDigit { at += 1 }
        if at == start {
            throw JSONSyntaxError(reason: at < self.byteCount ? .invalidNumber : .truncated, offset: at)
        }
    }

    @inline(__always)
    func requiredByte(_ at: Int) throws(JSONSyntaxError) -> UInt8 {
        guard let byte = self.byte(at) else { throw JSONSyntaxError(reason: .truncated, offset: at) }
        return byte
    }
}
