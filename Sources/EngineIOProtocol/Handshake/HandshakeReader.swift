import NIOCore

/// Reads the JSON that a handshake may consist of (RFC 8259), strictly, from bytes that a server sent.
///
/// Every method skips white space first and throws ``EngineParseError/Code/invalidHandshake`` with the place.
struct HandshakeReader {
    /// How deep arrays and objects may be nested in a member that is not known.
    private static let maxDepth = 32

    private let bytes: ByteBufferView
    private let start: Int
    private var index: Int

    init(_ body: ByteBuffer) {
        bytes = body.readableBytesView
        start = bytes.startIndex
        index = start
    }

    /// The error of the place reached.
    func error() -> EngineParseError { EngineParseError(.invalidHandshake, at: index - start) }

    /// Reads an object that is the whole text. The closure reads the value of each member, of which the name is given.
    mutating func readObject(
        _ member: (String, inout HandshakeReader) throws(EngineParseError) -> Void
    ) throws(EngineParseError) {
        try readMembers(member)
        skipSpace()
        guard index == bytes.endIndex else { throw error() }
    }

    private mutating func readMembers(
        _ member: (String, inout HandshakeReader) throws(EngineParseError) -> Void
    ) throws(EngineParseError) {
        try expect("{")
        if skip("}") { return }
        repeat {
            let name = try readString()
            try expect(":")
            try member(name, &self)
        } while skip(",")
        try expect("}")
    }

    private mutating func readElements(
        _ element: (inout HandshakeReader) throws(EngineParseError) -> Void
    ) throws(EngineParseError) {
        try expect("[")
        if skip("]") { return }
        repeat {
            try element(&self)
        } while skip(",")
        try expect("]")
    }

    mutating func readStrings() throws(EngineParseError) -> [String] {
        var strings: [String] = []
        try readElements { reader throws(EngineParseError) in strings.append(try reader.readString()) }
        return strings
    }

    /// Reads a whole number from 0 to 2^53 - 1, the ones that every JSON implementation agrees on.
    mutating func readInteger() throws(EngineParseError) -> Int {
        let text = try readNumber()
        guard let number = Double(text), let integer = Int(exactly: number), 0..<(1 << 53) ~= integer else {
            throw error()
        }
        return integer
    }

    /// Reads any value and forgets it.
    mutating func skipValue() throws(EngineParseError) {
        try skipValue(depth: 0)
    }

    private mutating func skipValue(depth: Int) throws(EngineParseError) {
        guard depth < Self.maxDepth else { throw error() }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"):
            try readMembers { _, reader throws(EngineParseError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try readElements { reader throws(EngineParseError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try readString()
        case UInt8(ascii: "t"): try expect(word: "true")
        case UInt8(ascii: "f"): try expect(word: "false")
        case UInt8(ascii: "n"): try expect(word: "null")
        default: _ = try readNumber()
        }
    }
}

// MARK: - Tokens

extension HandshakeReader {
    private var peek: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        return skipByte { $0 == UInt8(ascii: character) }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(EngineParseError) {
        guard skip(character) else { throw error() }
    }

    private mutating func expect(word: String) throws(EngineParseError) {
        for byte in word.utf8 {
            guard skipByte({ $0 == byte }) else { throw error() }
        }
    }

    private mutating func skipByte(_ isWanted: (UInt8) -> Bool) -> Bool {
        guard let byte = peek, isWanted(byte) else { return false }
        index += 1
        return true
    }

    /// Reads a number and returns its text.
    private mutating func readNumber() throws(EngineParseError) -> Substring {
        skipSpace()
        let first = index
        _ = skipByte { $0 == UInt8(ascii: "-") }
        if !skipByte({ $0 == UInt8(ascii: "0") }) { try expectDigits() }
        if skipByte({ $0 == UInt8(ascii: ".") }) { try expectDigits() }
        if skipByte({ $0 | 0x20 == UInt8(ascii: "e") }) {
            _ = skipByte { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            try expectDigits()
        }
        return Substring(decoding: bytes[first..<index], as: UTF8.self)
    }

    private mutating func expectDigits() throws(EngineParseError) {
        var count = 0
        while skipByte({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) { count += 1 }
        guard count > 0 else { throw error() }
    }

    /// Reads a string. A `\u` escape of half a surrogate pair becomes U+FFFD, as in a browser's text decoder.
    mutating func readString() throws(EngineParseError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = peek {
            guard byte >= 0x20 else { throw error() }
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error() }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try readEscape()).utf8)
            default:
                text.append(byte)
            }
        }
        throw error()
    }

    private mutating func readEscape() throws(EngineParseError) -> Unicode.Scalar {
        guard let byte = peek else { throw error() }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try readUnicodeEscape()
        default: throw error()
        }
    }

    private mutating func readUnicodeEscape() throws(EngineParseError) -> Unicode.Scalar {
        let unit = try readHexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let afterUnit = index
        if UTF16.isLeadSurrogate(unit), skipByte({ $0 == UInt8(ascii: "\\") }), skipByte({ $0 == UInt8(ascii: "u") }) {
            let trail = try readHexadecimal()
            if UTF16.isTrailSurrogate(trail) {
                return UTF16.decode(UTF16.EncodedScalar([unit, trail]))
            }
        }
        index = afterUnit
        return "\u{FFFD}"
    }

    private mutating func readHexadecimal() throws(EngineParseError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = peek.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else { throw error() }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }
}
