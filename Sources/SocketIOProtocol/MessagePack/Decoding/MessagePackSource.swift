internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Validated MessagePack, shared by the decoder, its containers and the boxes around them.
final class MessagePackSource {
    let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// Looks at the bytes.
    @inline(__always)
    func withBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        let bytes = self.bytes
        return try body(bytes.readableBytesSpan)
    }

    func kind(at position: Int) -> MessagePackKind {
        self.withBytes { $0.messagePackHead(at: position)?.kind ?? .null }
    }

    /// Decodes the value at `position`.
    func decode<T: Decodable>(_ type: T.Type, at position: Int, path: @autoclosure () -> CodingPathNode?) throws -> T {
        do throws(JSONReadFailure) {
            return try self.withBytes { bytes throws(JSONReadFailure) in
                var end = position
                return try bytes.readPacked(type, &end, of: self.bytes)
            }
        } catch .needsDecoder {
            return try T(from: MessagePackValueDecoder(source: self, position: position, path: path()))
        } catch {
            throw error.decodingError(for: type, at: path())
        }
    }
}

extension RawSpan {
    /// Reads a value of a type that needs no containers, and moves past it; throws `needsDecoder` for every other type.
    ///
    /// The counterpart of ``readDirectly(_:_:attachments:)``, with the same types; `whole` is the buffer of this span.
    func readPacked<T>(_ type: T.Type, _ at: inout Int, of whole: ByteBuffer) throws(JSONReadFailure) -> T {
        if type == String.self { return assumingSameType(try self.readPackedString(&at), type) }
        if type == Int.self { return assumingSameType(try self.readPackedInteger(Int.self, &at), type) }
        if type == Double.self { return assumingSameType(try self.readPackedNumber(&at).doubleValue, type) }
        if type == Bool.self { return assumingSameType(try self.readPackedBool(&at), type) }
        if type == SocketIOValue.self { return assumingSameType(try self.readPackedValue(&at, of: whole), type) }
        if type == Data.self {
            let bytes = try self.readPackedBinary(&at, of: whole)
            return assumingSameType(Data(bytes.readableBytesView), type)
        }
        if type == ByteBuffer.self { return assumingSameType(try self.readPackedBinary(&at, of: whole), type) }
        if type == [String].self { return assumingSameType(try self.readPackedArray(String.self, &at, whole), type) }
        if type == [Int].self { return assumingSameType(try self.readPackedArray(Int.self, &at, whole), type) }
        if type == [Double].self { return assumingSameType(try self.readPackedArray(Double.self, &at, whole), type) }
        if type == [Bool].self { return assumingSameType(try self.readPackedArray(Bool.self, &at, whole), type) }
        if type == Date.self { return assumingSameType(try self.readPackedDate(&at), type) }
        if type == URL.self { return assumingSameType(try self.readPackedURL(&at), type) }
        if type == Decimal.self { return assumingSameType(try self.readPackedDecimal(&at), type) }
        return try self.readRarerPackedNumber(type, &at)
    }

    private func readRarerPackedNumber<T>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        if type == Int64.self { return assumingSameType(try self.readPackedInteger(Int64.self, &at), type) }
        if type == UInt64.self { return assumingSameType(try self.readPackedInteger(UInt64.self, &at), type) }
        if type == UInt.self { return assumingSameType(try self.readPackedInteger(UInt.self, &at), type) }
        if type == Int32.self { return assumingSameType(try self.readPackedInteger(Int32.self, &at), type) }
        if type == UInt32.self { return assumingSameType(try self.readPackedInteger(UInt32.self, &at), type) }
        if type == Int16.self { return assumingSameType(try self.readPackedInteger(Int16.self, &at), type) }
        if type == UInt16.self { return assumingSameType(try self.readPackedInteger(UInt16.self, &at), type) }
        if type == Int8.self { return assumingSameType(try self.readPackedInteger(Int8.self, &at), type) }
        if type == UInt8.self { return assumingSameType(try self.readPackedInteger(UInt8.self, &at), type) }
        if type == Float.self { return assumingSameType(try self.readPackedFloat(&at), type) }
        if type == Int128.self { return assumingSameType(try self.readPackedInteger(Int128.self, &at), type) }
        if type == UInt128.self { return assumingSameType(try self.readPackedInteger(UInt128.self, &at), type) }
        throw .needsDecoder
    }

    private func readPackedInteger<T: FixedWidthInteger>(_ type: T.Type, _ at: inout Int) throws(JSONReadFailure) -> T {
        let number = try self.readPackedNumber(&at)
        guard let value = number.exactly(type) else { throw .unrepresentable(number.text ?? "A number") }
        return value
    }

    private func readPackedFloat(_ at: inout Int) throws(JSONReadFailure) -> Float {
        let number = try self.readPackedNumber(&at)
        let value = number.floatValue
        guard value.isFinite || !number.doubleValue.isFinite else { throw .unrepresentable(number.text ?? "A number") }
        return value
    }

    private func readPackedArray<T>(
        _ type: T.Type, _ at: inout Int, _ whole: ByteBuffer
    ) throws(JSONReadFailure) -> [T] {
        let head = try self.requireHead(.array, at: at)
        at = head.content
        var values: [T] = []
        for _ in 0..<head.length { values.append(try self.readPacked(type, &at, of: whole)) }
        return values
    }
}
