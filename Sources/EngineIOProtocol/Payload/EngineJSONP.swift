import NIOCore

/// Payloads for browsers that can load nothing from another origin but a program ("JSONP", revision 3).
enum EngineJSONP {
    /// The program that gives a payload of text to the client's function of that number: `___eio[0]("2:40");`.
    static func encode(_ payload: ByteBuffer, index: UInt32) -> ByteBuffer {
        var program = ByteBuffer()
        program.reserveCapacity(payload.readableBytes + payload.readableBytes / 4 + 24)
        program.writeString("___eio[\(index)](\"")
        var rest = payload
        while let byte = rest.readInteger(as: UInt8.self) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                program.writeMultipleIntegers(UInt8(ascii: "\\"), byte)
            // Never markup, wherever the answer is shown.
            case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
                program.writeString(byte < 0x10 ? "\\u000" : "\\u00")
                program.writeString(String(byte, radix: 16))
            case 0xE2 where rest.readsLineSeparator:
                // U+2028 and U+2029 end a line within a string of older JavaScript.
                program.writeString(rest.getInteger(at: rest.readerIndex + 1) == UInt8(0xA8) ? "\\u2028" : "\\u2029")
                rest.moveReaderIndex(forwardBy: 2)
            default:
                program.writeInteger(byte)
            }
        }
        program.writeString("\");")
        return program
    }

    /// The payload in the body of a client's form, whose field `d` it is.
    ///
    /// Forms change line feeds: the client sends one as a backslash and an "n", and a backslash before an "n" as two.
    ///
    /// - Throws: ``EngineParseError`` for a body that is not UTF-8 or no form with a field `d`.
    static func decode(_ body: ByteBuffer) throws(EngineParseError) -> ByteBuffer {
        guard let form = try? body.getUTF8ValidatedString(at: body.readerIndex, length: body.readableBytes) else {
            throw EngineParseError(.invalidUTF8)
        }
        guard let text = EngineQuery(form: form[...])?["d"] else { throw EngineParseError(.invalidFraming) }
        var payload = ByteBuffer()
        payload.reserveCapacity(text.utf8.count)
        var backslashes = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\\") {
                backslashes += 1
                continue
            }
            if byte == UInt8(ascii: "n"), backslashes > 0 {
                payload.writeRepeatingByte(UInt8(ascii: "\\"), count: backslashes - 1)
                payload.writeInteger(backslashes == 1 ? UInt8(ascii: "\n") : byte)
            } else {
                payload.writeRepeatingByte(UInt8(ascii: "\\"), count: backslashes)
                payload.writeInteger(byte)
            }
            backslashes = 0
        }
        payload.writeRepeatingByte(UInt8(ascii: "\\"), count: backslashes)
        return payload
    }
}

extension ByteBuffer {
    /// What follows an E2 is the rest of U+2028 or U+2029.
    fileprivate var readsLineSeparator: Bool {
        guard let next = getInteger(at: readerIndex, as: UInt16.self) else { return false }
        return next == 0x80A8 || next == 0x80A9
    }
}
