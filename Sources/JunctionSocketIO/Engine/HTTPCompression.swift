import CJunctionZlib
import JunctionTransport
import NIOCore
import NIOHTTP1

/// How answers to polls are compressed: with gzip or deflate, whichever the client prefers.
public struct HTTPCompression: Sendable {
    /// Bytes of an answer from which on it is compressed. 1,024.
    public var threshold: Int
    /// From 1, the fastest, to 9, the smallest. 6.
    public var level: Int

    /// The JavaScript server's defaults.
    public init(threshold: Int = 1_024, level: Int = 6) {
        self.threshold = threshold
        self.level = level
    }
}

/// A content coding that a client may accept (RFC 9110, section 8.4.1).
enum ContentCoding: String, CaseIterable {
    case gzip
    case deflate

    /// The one offered that the client prefers, the earlier one of equals; `nil` when it takes none (RFC 9110, section 12.5.3).
    init?(accepted field: String, offered: [ContentCoding] = ContentCoding.allCases) {
        let accepted = field.split(separator: ",").compactMap { item -> (name: String, quality: Double)? in
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { return nil }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            return (name, quality)
        }
        // What is said of a coding itself goes before what is said of all others.
        let ranked = offered.compactMap { coding -> (coding: ContentCoding, place: Int, quality: Double)? in
            let place =
                accepted.firstIndex { $0.name == coding.rawValue } ?? accepted.firstIndex { $0.name == "*" }
            return place.map { (coding, $0, accepted[$0].quality) }
        }
        let best = ranked.filter { $0.quality > 0 }.min { ($1.quality, $0.place) < ($0.quality, $1.place) }
        guard let best else { return nil }
        self = best.coding
    }

    /// The bytes compressed; `nil` when there is no memory for it.
    ///
    /// - Parameter level: from 1 to 9.
    func compress(_ bytes: ByteBuffer, level: Int) -> ByteBuffer? {
        var stream = z_stream()
        let windowBits: CInt = self == .gzip ? 15 + 16 : 15  // with the header and trailer of RFC 1952, or of RFC 1950
        let started = deflateInit2_(
            &stream, CInt(max(1, min(level, 9))), Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard started == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        // What the longest result takes, so that one call is enough.
        let bound = Int(deflateBound(&stream, uLong(bytes.readableBytes)))
        guard bytes.readableBytes <= UInt32.max, bound <= UInt32.max else { return nil }
        var result = ByteBuffer()
        var isComplete = false
        result.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
            bytes.withUnsafeReadableBytes { input in
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(min(output.count, Int(UInt32.max)))
                let room = stream.avail_out
                isComplete = CJunctionZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
                return Int(room - stream.avail_out)
            }
        }
        return isComplete ? result : nil
    }
}
