public import JunctionFraming
public import NIOCore

/// A framing together with what has to hold for it.
public struct FramingCase: Sendable, CustomStringConvertible {
    /// The fuzz target and the folder of the corpus that it belongs to.
    public let group: String
    /// Tells the cases of a group apart.
    public let variant: String
    /// Bytes of the longest message.
    public let maximumLength: Int
    /// Bytes of the longest frame that may be held unfinished.
    public let maximumHeld: Int
    /// Bytes that mean something to the framing.
    public let alphabet: [UInt8]
    /// Only a flush ends a message.
    public let endsAtFlush: Bool

    let make: @Sendable (Int) -> Framing
    /// Makes a message that the framing can carry out of any bytes.
    let carry: @Sendable ([UInt8]) -> [UInt8]
    /// What arrives of a message that was written; `nil` where several messages may.
    let arriving: @Sendable ([UInt8]) -> [UInt8]?

    init(
        _ group: String, _ variant: String = "", maximumLength: Int = 48, held: (Int) -> Int = { $0 },
        alphabet: [UInt8], endsAtFlush: Bool = false,
        carry: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 },
        arriving: @escaping @Sendable ([UInt8]) -> [UInt8]? = { $0 },
        make: @escaping @Sendable (Int) -> Framing
    ) {
        self.group = group
        self.variant = variant
        self.maximumLength = maximumLength
        self.maximumHeld = held(maximumLength)
        self.alphabet = alphabet
        self.endsAtFlush = endsAtFlush
        self.make = make
        self.carry = carry
        self.arriving = arriving
    }

    /// Group and variant.
    public var description: String { variant.isEmpty ? group : "\(group) \(variant)" }

    /// The framing with its maximum, or with another one.
    public func framing(maximumLength: Int? = nil) -> Framing { make(maximumLength ?? self.maximumLength) }

    /// A message of at most the maximum that the framing can carry.
    public func message(of bytes: some Sequence<UInt8>) -> ByteBuffer {
        ByteBuffer(bytes: carry(Array(bytes)).prefix(maximumLength))
    }

    /// A message that the framing can carry but for its length.
    public func longMessage(of length: Int) -> ByteBuffer {
        ByteBuffer(bytes: carry(Array(repeating: UInt8(ascii: "7"), count: length)))
    }
}

extension FramingCase {
    /// Every named framing but `raw`, in each of its kinds.
    public static let all: [FramingCase] =
        [lines, jsonLines, varint, netstring, slip, cobs, idleGap, stxEtx(escaped: false), stxEtx(escaped: true)]
        + [fixed(size: 1), fixed(size: 7)]
        + [delimiter("|"), delimiter("\r\n\r\n"), delimiter("aab")]
        + Framing.PrefixWidth.allCases.flatMap { width in
            [Endianness.big, .little].flatMap { order in
                [false, true].map { lengthPrefix(width, order, countsItself: $0) }
            }
        }

    private static let lines = FramingCase(
        "lines", held: { $0 + 1 }, alphabet: Array("\n\r\n".utf8), carry: { $0.filter { $0 != 10 && $0 != 13 } },
        arriving: { $0.contains(10) || $0.last == 13 ? nil : $0 },
        make: { .lines(maximumLength: $0) })

    private static let jsonLines = FramingCase(
        "jsonLines", held: { $0 + 1 }, alphabet: Array("\n\r \t[]{}\":,0.1e-+tfn\\u".utf8),
        // A number with as many digits as there are bytes, and line breaks around it where there is room.
        carry: { bytes in
            var text = bytes.isEmpty ? [UInt8(ascii: "7")] : bytes.map { UInt8(ascii: "1") + $0 % 9 }
            if text.count > 2 { (text[0], text[text.count - 1]) = (10, 13) }
            return text
        },
        arriving: { $0.map { $0 == 10 || $0 == 13 ? 32 : $0 } },
        make: { .jsonLines(maximumLength: $0) })

    private static let varint = FramingCase(
        "varint", held: { $0 + 10 }, alphabet: [0, 1, 2, 0x7F, 0x80, 0x81, 0xFF], make: { .varint(maximumLength: $0) })

    private static let netstring = FramingCase(
        "netstring", held: { $0 + 22 }, alphabet: Array("0123456789:,".utf8), make: { .netstring(maximumLength: $0) })

    private static let slip = FramingCase(
        "slip", held: { 2 * $0 }, alphabet: [0xC0, 0xDB, 0xDC, 0xDD, 0], carry: { $0.isEmpty ? [0] : $0 },
        make: { .slip(maximumLength: $0) })

    private static let cobs = FramingCase(
        "cobs", maximumLength: 600, held: { $0 + $0 / 254 + 1 }, alphabet: [0, 1, 2, 3, 0xFE, 0xFF],
        make: { .cobs(maximumLength: $0) })

    private static let idleGap = FramingCase(
        "idleGap", alphabet: [0, 1], endsAtFlush: true, carry: { $0.isEmpty ? [0] : $0 },
        arriving: { $0.isEmpty ? nil : $0 }, make: { .idleGap(.milliseconds(4), maximumLength: $0) })

    private static func stxEtx(escaped: Bool) -> FramingCase {
        FramingCase(
            "stxEtx", escaped ? "escaped" : "plain", held: { escaped ? 2 * $0 : $0 }, alphabet: [2, 3, 0x10, 0x41],
            carry: { escaped ? $0 : $0.filter { $0 != 2 && $0 != 3 } },
            make: { .stxEtx(escaped: escaped, maximumLength: $0) })
    }

    private static func fixed(size: Int) -> FramingCase {
        FramingCase(
            "fixed", "\(size)", maximumLength: size, alphabet: [0, 1],
            carry: { Array($0.prefix(size)) + Array(repeating: 0, count: max(0, size - $0.count)) },
            make: { _ in .fixed(size: size) })
    }

    private static func delimiter(_ text: String) -> FramingCase {
        let bytes = Array(text.utf8)
        return FramingCase(
            "delimiter", text.debugDescription, held: { $0 + bytes.count - 1 }, alphabet: bytes,
            carry: { $0.filter { !bytes.contains($0) } }, make: { .delimiter(bytes, maximumLength: $0) })
    }

    private static func lengthPrefix(
        _ width: Framing.PrefixWidth, _ endianness: Endianness, countsItself: Bool
    ) -> FramingCase {
        FramingCase(
            "lengthPrefix", "\(width) \(endianness)\(countsItself ? " counting itself" : "")",
            held: { $0 + width.rawValue }, alphabet: [0, 1, 2, 3, 7, 8, 48, 49, 0xFF],
            make: { .lengthPrefix(width, endianness: endianness, countsItself: countsItself, maximumLength: $0) })
    }
}
