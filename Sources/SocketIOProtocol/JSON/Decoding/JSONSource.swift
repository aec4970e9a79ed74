internal import JSONText
internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Validated JSON together with the attachments that its placeholders stand for.
///
/// A class, so that the decoder, its containers and the existential boxes around them share it by one reference.
final class JSONSource {
    let json: ByteBuffer
    let attachments: [ByteBuffer]

    init(json: ByteBuffer, attachments: [ByteBuffer]) {
        self.json = json
        self.attachments = attachments
    }

    /// Looks at the text.
    @inline(__always)
    func withText<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        let json = self.json
        return try body(json.readableBytesSpan)
    }

    /// Decodes the value at `position`.
    @inline(__always)
    func decode<T: Decodable>(_ type: T.Type, at position: Int, path: @autoclosure () -> CodingPathNode?) throws -> T {
        do throws(JSONReadFailure) {
            return try self.withText { text throws(JSONReadFailure) in
                var end = position
                return try text.readDirectly(type, &end, attachments: self.attachments)
            }
        } catch .needsDecoder {
            return try T(from: JSONValueDecoder(source: self, position: position, path: path()))
        } catch {
            throw error.decodingError(for: type, at: path())
        }
    }
}

extension RawSpan {
    /// Reads a value of a type that needs no containers, and moves past it; throws `needsDecoder` for every other type,
    /// which costs less than an optional of a type known at run time only.
    ///
    /// The types are told apart by comparing metatypes: one instruction each, where asking for a protocol conformance
    /// would take a look-up. Types of Foundation stand here because their own conformances do not write what JavaScript
    /// does.
    @inline(__always)
    func readDirectly<T>(
        _ type: T.Type, _ at: inout Int, attachments: [ByteBuffer]
    ) throws(JSONReadFailure) -> T {
        if type == String.self { return assumingSameType(try self.readStringValue(&at), type) }
        if type == Int.self { return assumingSameType(try self.readNumber(Int.self, &at), type) }
        if type == Double.self { return assumingSameType(try self.readNumber(Double.self, &at), type) }
        if type == Bool.self { return assumingSameType(try self.readBool(&at), type) }
        if type == SocketIOValue.self {
            return assumingSameType(try self.readDynamicValue(&at, attachments: attachments), type)
        }
        if type == Data.self {
            let attachment = try self.readAttachment(&at, attachments)
            return assumingSameType(Data(attachment.readableBytesView), type)
        }
        if type == ByteBuffer.self { return assumingSameType(try self.readAttachment(&at, attachments), type) }
        if type == [String].self { return assumingSameType(try self.readArray(String.self, &at), type) }
        if type == [Int].self { return assumingSameType(try self.readArray(Int.self, &at), type) }
        if type == [Double].self { return assumingSameType(try self.readArray(Double.self, &at), type) }
        if type == [Bool].self { return assumingSameType(try self.readArray(Bool.self, &at), type) }
        if type == Date.self { return assumingSameType(try self.readDate(&at), type) }
        if type == URL.self { return assumingSameType(try self.readURL(&at), type) }
        if type == Decimal.self { return assumingSameType(try self.readDecimal(&at), type) }
        return try self.readRarerNumber(type, &at)
    }

    private func readRarerNumber<T>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        if type == Int64.self { return assumingSameType(try self.readNumber(Int64.self, &at), type) }
        if type == UInt64.self { return assumingSameType(try self.readNumber(UInt64.self, &at), type) }
        if type == UInt.self { return assumingSameType(try self.readNumber(UInt.self, &at), type) }
        if type == Int32.self { return assumingSameType(try self.readNumber(Int32.self, &at), type) }
        if type == UInt32.self { return assumingSameType(try self.readNumber(UInt32.self, &at), type) }
        if type == Int16.self { return assumingSameType(try self.readNumber(Int16.self, &at), type) }
        if type == UInt16.self { return assumingSameType(try self.readNumber(UInt16.self, &at), type) }
        if type == Int8.self { return assumingSameType(try self.readNumber(Int8.self, &at), type) }
        if type == UInt8.self { return assumingSameType(try self.readNumber(UInt8.self, &at), type) }
        if type == Float.self { return assumingSameType(try self.readNumber(Float.self, &at), type) }
        if type == Int128.self { return assumingSameType(try self.readNumber(Int128.self, &at), type) }
        if type == UInt128.self { return assumingSameType(try self.readNumber(UInt128.self, &at), type) }
        throw .needsDecoder
    }

    @inline(__always)
    func require(_ kind: JSONKind, at position: Int) throws(JSONReadFailure) {
        let found = self.jsonKind(at: position)
        guard found == kind else { throw .mismatch(found: found) }
    }

    @inline(__always)
    func readStringValue(_ at: inout Int) throws(JSONReadFailure) -> String {
        try self.require(.string, at: at)
        return self.readString(&at)
    }

    private func readBool(_ at: inout Int) throws(JSONReadFailure) -> Bool {
        try self.require(.boolean, at: at)
        let value = self.byte(at) == UInt8(ascii: "t")
        at += value ? 4 : 5
        return value
    }

    @inline(__always)
    private func readNumber<T: FixedWidthInteger>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        try self.require(.number, at: at)
        return try self.readInteger(type, &at)
    }

    private func readNumber(_ type: Double.Type, _ at: inout Int) throws(JSONReadFailure) -> Double {
        try self.require(.number, at: at)
        return try self.readDouble(&at)
    }

    /// Rounded from the text at once: by way of `Double` it would be rounded twice.
    private func readNumber(_ type: Float.Type, _ at: inout Int) throws(JSONReadFailure) -> Float {
        try self.require(.number, at: at)
        let start = at
        at = self.endOfScalar(at: start)
        guard let value = Float(self.string(start, at)), value.isFinite else {
            throw .unrepresentable(self.string(start, at))
        }
        return value
    }

    private func readArray<T>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> [T] {
        try self.require(.array, at: at)
        var values: [T] = []
        var next = self.firstElement(in: at)
        while let element = next {
            var end = element
            values.append(try self.readDirectly(type, &end, attachments: []))
            next = self.nextElement(after: end)
        }
        at = self.endOfValue(at: at)
        return values
    }
}
