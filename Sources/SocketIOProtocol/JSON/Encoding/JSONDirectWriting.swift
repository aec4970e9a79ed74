internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Why a value has no JSON; becomes an `EncodingError` once the coding path is known.
struct JSONWriteFailure: Error {
    let reason: String

    func encodingError(for value: Any, at path: [any CodingKey]) -> EncodingError {
        .invalidValue(value, .init(codingPath: path, debugDescription: self.reason))
    }
}

extension ByteBuffer {
    /// Writes a value of a type that needs no containers; false, with nothing written, for every other type.
    ///
    /// The counterpart of ``RawSpan/readDirectly(_:_:attachments:)``, with the same types in the same order.
    @specialized(where T == String)
    @specialized(where T == SocketIOValue)
    mutating func writeDirectly<T>(_ value: T, attachments: inout [ByteBuffer]) throws(JSONWriteFailure) -> Bool {
        let type = T.self
        if type == String.self {
            self.writeJSONString(assumingSameType(value, String.self))
        } else if type == Int.self {
            self.writeDecimal(assumingSameType(value, Int.self))
        } else if type == Double.self {
            try self.writeDouble(assumingSameType(value, Double.self))
        } else if type == Bool.self {
            self.writeStaticString(assumingSameType(value, Bool.self) ? "true" : "false")
        } else if type == SocketIOValue.self {
            self.writeDynamicValue(assumingSameType(value, SocketIOValue.self), attachments: &attachments)
        } else if type == Data.self {
            self.writeAttachment(ByteBuffer(bytes: assumingSameType(value, Data.self)), attachments: &attachments)
        } else if type == ByteBuffer.self {
            self.writeAttachment(assumingSameType(value, ByteBuffer.self), attachments: &attachments)
        } else if type == [String].self {
            try self.writeArray(assumingSameType(value, [String].self))
        } else if type == [Int].self {
            try self.writeArray(assumingSameType(value, [Int].self))
        } else if type == [Double].self {
            try self.writeArray(assumingSameType(value, [Double].self))
        } else if type == [Bool].self {
            try self.writeArray(assumingSameType(value, [Bool].self))
        } else if type == Date.self {
            try self.writeDate(assumingSameType(value, Date.self))
        } else if type == URL.self {
            self.writeJSONString(assumingSameType(value, URL.self).absoluteString)
        } else if type == Decimal.self {
            try self.writeExactDecimal(assumingSameType(value, Decimal.self))
        } else {
            return try self.writeRarerNumber(value)
        }
        return true
    }

    private mutating func writeRarerNumber<T>(_ value: T) throws(JSONWriteFailure) -> Bool {
        let type = T.self
        if type == Int64.self {
            self.writeDecimal(assumingSameType(value, Int64.self))
        } else if type == UInt64.self {
            self.writeDecimal(assumingSameType(value, UInt64.self))
        } else if type == UInt.self {
            self.writeDecimal(assumingSameType(value, UInt.self))
        } else if type == Int32.self {
            self.writeDecimal(assumingSameType(value, Int32.self))
        } else if type == UInt32.self {
            self.writeDecimal(assumingSameType(value, UInt32.self))
        } else if type == Int16.self {
            self.writeDecimal(assumingSameType(value, Int16.self))
        } else if type == UInt16.self {
            self.writeDecimal(assumingSameType(value, UInt16.self))
        } else if type == Int8.self {
            self.writeDecimal(assumingSameType(value, Int8.self))
        } else if type == UInt8.self {
            self.writeDecimal(assumingSameType(value, UInt8.self))
        } else if type == Float.self {
            try self.writeNumber(JavaScriptNumber.text(assumingSameType(value, Float.self)))
        } else if type == Int128.self {
            self.writeDecimal(assumingSameType(value, Int128.self))
        } else if type == UInt128.self {
            self.writeDecimal(assumingSameType(value, UInt128.self))
        } else {
            return false
        }
        return true
    }

    private mutating func writeArray<T>(_ values: [T]) throws(JSONWriteFailure) {
        var none: [ByteBuffer] = []
        self.writeInteger(UInt8(ascii: "["))
        var isFirst = true
        for value in values {
            if !isFirst { self.writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            _ = try self.writeDirectly(value, attachments: &none)
        }
        self.writeInteger(UInt8(ascii: "]"))
    }

    @inline(__always)
    private mutating func writeDouble(_ value: Double) throws(JSONWriteFailure) {
        if let integer = Int64(exactly: value), integer.magnitude < 1 << 53 {
            self.writeDecimal(integer)
        } else {
            try self.writeNumber(JavaScriptNumber.text(value))
        }
    }

    private mutating func writeNumber(_ text: String?) throws(JSONWriteFailure) {
        guard let text else { throw JSONWriteFailure(reason: "JSON has no number that is not finite.") }
        self.writeString(text)
    }

    private mutating func writeDate(_ date: Date) throws(JSONWriteFailure) {
        guard let milliseconds = Int(exactly: (date.timeIntervalSince1970 * 1000).rounded()),
            let text = JavaScriptDate.text(milliseconds)
        else {
            throw JSONWriteFailure(reason: "The date is beyond those of JavaScript.")
        }
        self.writeJSONString(text)
    }

    private mutating func writeExactDecimal(_ value: Decimal) throws(JSONWriteFailure) {
        guard value.isFinite else { throw JSONWriteFailure(reason: "JSON has no number that is not finite.") }
        self.writeString(value.description)
    }
}
