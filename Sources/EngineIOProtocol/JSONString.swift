import NIOCore

extension ByteBuffer {
    /// Appends a string as JSON: quoted, and escaped where RFC 8259, section 7, requires it.
    mutating func writeJSONString(_ string: String) {
        writeInteger(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                writeMultipleIntegers(UInt8(ascii: "\\"), byte)
            case 0..<0x20:
                writeString(byte < 0x10 ? "\\u000" : "\\u00")
                writeString(String(byte, radix: 16))
            default:
                writeInteger(byte)
            }
        }
        writeInteger(UInt8(ascii: "\""))
    }
}
