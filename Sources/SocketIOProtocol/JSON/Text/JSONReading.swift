internal import JSONText

/// The kind of a JSON value, for error texts and dispatch.
enum JSONKind: String {
    case null, boolean, number, string, array, object
}

/// Walking over JSON that ``RawSpan/validateJSON(from:maxDepth:)`` has accepted.
///
/// These functions stay within bounds on any bytes; what they return has a meaning on valid JSON only. Positions are those
/// of the first byte of a value, a key or a closing bracket.
extension RawSpan {
    @inline(__always)
    func jsonKind(at position: Int) -> JSONKind {
        switch self.byte(position) {
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The position of the first element of an array, or of the first key of an object; nil if it is empty.
    @inline(__always)
    func firstElement(in container: Int) -> Int? {
        var at = container + 1
        self.skipWhitespace(&at)
        switch self.byte(at) {
        case UInt8(ascii: "]"), UInt8(ascii: "}"), nil: return nil
        default: return at
        }
    }

    /// The position of the next element or key, given the end of the element before; nil if that was the last.
    @inline(__always)
    func nextElement(after end: Int) -> Int? {
        var at = end
        self.skipWhitespace(&at)
        guard self.byte(at) == UInt8(ascii: ",") else { return nil }
        at += 1
        self.skipWhitespace(&at)
        return at
    }

    /// The position of the value whose key ends at `end`.
    @inline(__always)
    func memberValue(afterKey end: Int) -> Int {
        var at = end
        self.skipWhitespace(&at)
        at += 1
        self.skipWhitespace(&at)
        return at
    }

    /// Moves from a string's opening quote past its closing one; tells whether escapes occur in it.
    @inline(__always)
    @discardableResult
    func skipString(_ at: inout Int) -> Bool {
        var isEscaped = false
        at += 1
        while true {
            self.skipPlain(&at, ascii: false)
            switch self.byte(at) {
            case UInt8(ascii: "\""):
                at += 1
                return isEscaped
            case UInt8(ascii: "\\"):
                isEscaped = true
                at += 2
            case nil:
                at = self.byteCount
                return isEscaped
            default:
                at += 1
            }
        }
    }

    /// The end of the value at a position.
    func endOfValue(at position: Int) -> Int {
        var at = position
        var depth = 0
        repeat {
            switch self.byte(at) {
            case UInt8(ascii: "\""):
                self.skipString(&at)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                at += 1
            case nil:
                return self.byteCount
            default:
                if depth == 0 { return self.endOfScalar(at: at) }
                at += 1
            }
        } while depth > 0
        return at
    }

    /// The end of the number or literal at a position.
    @inline(__always)
    func endOfScalar(at position: Int) -> Int {
        var at = position
        while let byte = self.byte(at) {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0x20, 0x0A, 0x0D, 0x09: return at
            default: at += 1
            }
        }
        return at
    }
}
