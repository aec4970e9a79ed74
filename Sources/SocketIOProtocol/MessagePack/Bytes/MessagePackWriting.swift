internal import NIOCore

/// Every value in the shortest of its formats, as the published parser writes it.
extension ByteBuffer {
    mutating func writePackedNil() { self.writeInteger(0xC0 as UInt8) }

    mutating func writePacked(_ value: Bool) { self.writeInteger(value ? 0xC3 : 0xC2 as UInt8) }

    mutating func writePacked(unsigned value: UInt64) {
        if value < 0x80 {
            self.writeInteger(UInt8(value))
        } else if let value = UInt8(exactly: value) {
            self.writeMultipleIntegers(0xCC as UInt8, value)
        } else if let value = UInt16(exactly: value) {
            self.writeMultipleIntegers(0xCD as UInt8, value)
        } else if let value = UInt32(exactly: value) {
            self.writeMultipleIntegers(0xCE as UInt8, value)
        } else {
            self.writeMultipleIntegers(0xCF as UInt8, value)
        }
    }

    mutating func writePacked(signed value: Int64) {
        if value >= 0 {
            self.writePacked(unsigned: UInt64(value))
        } else if value >= -0x20 {
            self.writeInteger(Int8(value))
        } else if let value = Int8(exactly: value) {
            self.writeMultipleIntegers(0xD0 as UInt8, value)
        } else if let value = Int16(exactly: value) {
            self.writeMultipleIntegers(0xD1 as UInt8, value)
        } else if let value = Int32(exactly: value) {
            self.writeMultipleIntegers(0xD2 as UInt8, value)
        } else {
            self.writeMultipleIntegers(0xD3 as UInt8, value)
        }
    }

    mutating func writePacked(_ value: Double) { self.writeMultipleIntegers(0xCB as UInt8, value.bitPattern) }

    mutating func writePacked(_ value: Float) { self.writeMultipleIntegers(0xCA as UInt8, value.bitPattern) }

    mutating func writePacked(_ text: String) throws(JSONWriteFailure) {
        let length = text.utf8.count
        if length < 0x20 {
            self.writeInteger(0xA0 | UInt8(length))
        } else {
            try self.writePackedLength(length, formats: (0xD9, 0xDA, 0xDB))
        }
        self.writeString(text)
    }

    mutating func writePacked(binary bytes: some Collection<UInt8>) throws(JSONWriteFailure) {
        try self.writePackedLength(bytes.count, formats: (0xC4, 0xC5, 0xC6))
        self.writeBytes(bytes)
    }

    private mutating func writePackedLength(
        _ length: Int, formats: (UInt8, UInt8, UInt8)
    ) throws(JSONWriteFailure) {
        if let length = UInt8(exactly: length) {
            self.writeMultipleIntegers(formats.0, length)
        } else if let length = UInt16(exactly: length) {
            self.writeMultipleIntegers(formats.1, length)
        } else if let length = UInt32(exactly: length) {
            self.writeMultipleIntegers(formats.2, length)
        } else {
            throw JSONWriteFailure(reason: "MessagePack has no values of 4 GiB and more.")
        }
    }

    /// What stands before the elements of an array, or the pairs of a map.
    mutating func writePackedHead(_ shape: PackedShape, count: Int) throws(JSONWriteFailure) {
        if count < 0x10 {
            self.writeInteger(shape.short | UInt8(count))
        } else if let count = UInt16(exactly: count) {
            self.writeMultipleIntegers(shape.medium, count)
        } else if let count = UInt32(exactly: count) {
            self.writeMultipleIntegers(shape.medium + 1, count)
        } else {
            throw JSONWriteFailure(reason: "MessagePack counts no more than 4,294,967,295 elements.")
        }
    }

    /// A date as the published parser writes it: type 0, milliseconds since 1970.
    mutating func writePackedDate(milliseconds: Int64) {
        self.writeMultipleIntegers(0xD7 as UInt8, 0 as UInt8, milliseconds)
    }
}

/// A value made of others.
enum PackedShape {
    case array, map

    fileprivate var short: UInt8 { self == .array ? 0x90 : 0x80 }
    fileprivate var medium: UInt8 { self == .array ? 0xDC : 0xDE }
}
