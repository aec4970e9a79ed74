internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension ByteBuffer {
    /// Writes a value of a type that needs no containers; false, with nothing written, for every other type.
    ///
    /// The counterpart of ``RawSpan/readPacked(_:_:of:)``, with the same types in the same order.
    mutating func writePackedDirectly<T>(_ value: T) throws(JSONWriteFailure) -> Bool {
        let type = T.self
        if type == String.self {
            try self.writePacked(assumingSameType(value, String.self))
        } else if type == Int.self {
            self.writePacked(signed: Int64(assumingSameType(value, Int.self)))
        } else if type == Double.self {
            self.writePacked(assumingSameType(value, Double.self))
        } else if type == Bool.self {
            self.writePacked(assumingSameType(value, Bool.self))
        } else if type == SocketIOValue.self {
            try self.writePacked(assumingSameType(value, SocketIOValue.self))
        } else if type == Data.self {
            try self.writePacked(binary: assumingSameType(value, Data.self))
        } else if type == ByteBuffer.self {
            try self.writePacked(binary: assumingSameType(value, ByteBuffer.self).readableBytesView)
        } else if type == [String].self {
            try self.writePackedArray(assumingSameType(value, [String].self))
        } else if type == [Int].self {
            try self.writePackedArray(assumingSameType(value, [Int].self))
        } else if type == [Double].self {
            try self.writePackedArray(assumingSameType(value, [Double].self))
        } else if type == [Bool].self {
            try self.writePackedArray(assumingSameType(value, [Bool].self))
        } else if type == Date.self {
            try self.writePacked(assumingSameType(value, Date.self))
        } else if type == URL.self {
            try self.writePacked(assumingSameType(value, URL.self).absoluteString)
        } else if type == Decimal.self {
            try self.writePacked(assumingSameType(value, Decimal.self))
        } else {
            return try self.writeRarerPackedNumber(value)
        }
        return true
    }

    private mutating func writeRarerPackedNumber<T>(_ value: T) throws(JSONWriteFailure) -> Bool {
        let type = T.self
        if type == Int64.self {
            self.writePacked(signed: assumingSameType(value, Int64.self))
        } else if type == UInt64.self {
            self.writePacked(unsigned: assumingSameType(value, UInt64.self))
        } else if type == UInt.self {
            self.writePacked(unsigned: UInt64(assumingSameType(value, UInt.self)))
        } else if type == Int32.self {
            self.writePacked(signed: Int64(assumingSameType(value, Int32.self)))
        } else if type == UInt32.self {
            self.writePacked(unsigned: UInt64(assumingSameType(value, UInt32.self)))
        } else if type == Int16.self {
            self.writePacked(signed: Int64(assumingSameType(value, Int16.self)))
        } else if type == UInt16.self {
            self.writePacked(unsigned: UInt64(assumingSameType(value, UInt16.self)))
        } else if type == Int8.self {
            self.writePacked(signed: Int64(assumingSameType(value, Int8.self)))
        } else if type == UInt8.self {
            self.writePacked(unsigned: UInt64(assumingSameType(value, UInt8.self)))
        } else if type == Float.self {
            self.writePacked(assumingSameType(value, Float.self))
        } else if type == Int128.self {
            try self.writePacked(large: assumingSameType(value, Int128.self))
        } else if type == UInt128.self {
            try self.writePacked(large: assumingSameType(value, UInt128.self))
        } else {
            return false
        }
        return true
    }

    private mutating func writePacked(large value: some FixedWidthInteger) throws(JSONWriteFailure) {
        if let value = Int64(exactly: value) {
            self.writePacked(signed: value)
        } else if let value = UInt64(exactly: value) {
            self.writePacked(unsigned: value)
        } else {
            throw JSONWriteFailure(reason: "MessagePack has no integers of more than 64 bits.")
        }
    }

    private mutating func writePackedArray<T>(_ values: [T]) throws(JSONWriteFailure) {
        try self.writePackedHead(.array, count: values.count)
        for value in values { _ = try self.writePackedDirectly(value) }
    }

    private mutating func writePacked(_ date: Date) throws(JSONWriteFailure) {
        guard let milliseconds = Int(exactly: (date.timeIntervalSince1970 * 1000).rounded()),
            JavaScriptDate.range.contains(milliseconds)
        else {
            throw JSONWriteFailure(reason: "The date is beyond those of JavaScript.")
        }
        self.writePackedDate(milliseconds: Int64(milliseconds))
    }

    /// An integer, or the double whose shortest digits are the decimal's.
    private mutating func writePacked(_ value: Decimal) throws(JSONWriteFailure) {
        guard value.isFinite else { throw JSONWriteFailure(reason: "The decimal is not a number.") }
        let text = value.description
        if let integer = Int64(text) {
            self.writePacked(signed: integer)
        } else if let integer = UInt64(text) {
            self.writePacked(unsigned: integer)
        } else if let double = Double(text), let shortest = JavaScriptNumber.text(double),
            Decimal(string: shortest) == value
        {
            self.writePacked(double)
        } else {
            throw JSONWriteFailure(reason: "MessagePack has no number with all the digits of the decimal.")
        }
    }
}
