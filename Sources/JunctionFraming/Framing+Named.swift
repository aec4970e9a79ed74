public import NIOCore

// The named framings. Each says its maximum and where it goes on after a violation.
extension Framing {
    /// No framing: chunks as the network delivers them, which are not messages.
    public static let raw = Framing(nil)

    /// Lines that end with LF or CRLF; what is written gets an LF.
    ///
    /// Line breaks inside a written message are not looked for: such a message reaches the peer as several lines.
    ///
    /// After a line that is too long the next line is read.
    ///
    /// - Parameters:
    ///   - maximumLength: bytes of a line without its ending. 65,536 by default.
    ///   - idle: delivers an unfinished line after this long without another byte, for clients that send no line
    ///     endings; see ``flushing(after:)``. Off by default.
    public static func lines(maximumLength: Int = 65_536, flushingAfter idle: Duration? = nil) -> Framing {
        let maximum = checked(maximumLength)
        return Framing(idleFlush: idle) { LineFramer(maximumLength: maximum) }
    }

    /// Messages that end with a sequence of bytes, which cannot occur in them.
    ///
    /// After a message that is too long the one behind the next delimiter is read. An unfinished message is delivered when
    /// the stream ends.
    ///
    /// - Parameters:
    ///   - delimiter: one byte or more.
    ///   - maximumLength: bytes of a message without the delimiter. 65,536 by default.
    public static func delimiter(_ delimiter: some Sequence<UInt8>, maximumLength: Int = 65_536) -> Framing {
        let (delimiter, maximum) = (Array(delimiter), checked(maximumLength))
        precondition(!delimiter.isEmpty, "a delimiter has at least one byte")
        return Framing { DelimiterFramer(delimiter: delimiter, maximumLength: maximum) }
    }

    /// Messages that end with a text, in UTF-8: `.delimiter("\r\n\r\n")`.
    public static func delimiter(_ text: String, maximumLength: Int = 65_536) -> Framing {
        delimiter(text.utf8, maximumLength: maximumLength)
    }

    /// How many bytes a length prefix has.
    public enum PrefixWidth: Int, Sendable, CaseIterable {
        /// One byte: up to 255.
        case oneByte = 1
        /// Two bytes: up to 65,535.
        case twoBytes = 2
        /// Three bytes: up to 16,777,215.
        case threeBytes = 3
        /// Four bytes: up to 4,294,967,295.
        case fourBytes = 4
        /// Eight bytes.
        case eightBytes = 8
    }

    /// Messages behind their length, an unsigned integer.
    ///
    /// A message that is too long is skipped by its length and the one behind it is read. A length that counts itself and is
    /// less than its own width is fatal.
    ///
    /// - Parameters:
    ///   - width: bytes of the prefix. Four by default.
    ///   - endianness: the order of the prefix's bytes. Big-endian (network byte order) by default.
    ///   - countsItself: whether the number includes the bytes of the prefix. `false` by default.
    ///   - maximumLength: bytes of a message without the prefix. 1,048,576 by default.
    public static func lengthPrefix(
        _ width: PrefixWidth = .fourBytes, endianness: Endianness = .big, countsItself: Bool = false,
        maximumLength: Int = 1_048_576
    ) -> Framing {
        let header = IntegerHeader(width: width.rawValue, endianness: endianness, countsItself: countsItself)
        let maximum = checked(maximumLength)
        return Framing { PrefixFramer(header, maximumLength: maximum) }
    }

    /// Messages behind their length as an unsigned LEB128 number of at most 10 bytes, as Protocol Buffers delimit them.
    ///
    /// A message that is too long is skipped by its length and the one behind it is read. A number that needs more than 64
    /// bits is fatal.
    ///
    /// - Parameter maximumLength: bytes of a message without the prefix. 1,048,576 by default.
    public static func varint(maximumLength: Int = 1_048_576) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { PrefixFramer(VarintHeader(), maximumLength: maximum) }
    }

    /// Netstrings (D. J. Bernstein, 1997): `5:hello,`.
    ///
    /// A message that is too long is skipped by its length and the one behind it is read. Anything that is no netstring is
    /// fatal.
    ///
    /// - Parameter maximumLength: bytes of a message. 1,048,576 by default.
    public static func netstring(maximumLength: Int = 1_048_576) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { PrefixFramer(NetstringHeader(), maximumLength: maximum) }
    }

    /// Messages of one size each.
    ///
    /// No bytes can break this framing, so that one that has lost its step stays so: ``flushing(after:)`` brings it back at
    /// the next pause.
    ///
    /// - Parameter size: bytes of every message, and so the maximum: 1 to ``largestMaximum``.
    public static func fixed(size: Int) -> Framing {
        let size = checked(size)
        return Framing { FixedFramer(size: size) }
    }

    /// SLIP (RFC 1055): packets end with END (C0), and END and ESC (DB) inside are escaped.
    ///
    /// A packet is written with an END before it, too, as the RFC suggests: noise in front of it becomes a packet of its own.
    /// Empty packets are not delivered and cannot be sent. After a packet that is too long or has an invalid escape the one
    /// behind the next END is read.
    ///
    /// - Parameter maximumLength: bytes of a packet once its escapes are undone; up to twice as many are held. 65,536 by
    ///   default.
    public static func slip(maximumLength: Int = 65_536) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { SLIPFramer(maximumLength: maximum) }
    }

    /// COBS (Cheshire and Baker, 1999): packets without a zero byte in them, each with a zero behind it.
    ///
    /// Zeros with nothing between them are ignored. After a packet that is too long or has an invalid code the one behind the
    /// next zero is read.
    ///
    /// - Parameter maximumLength: bytes of a decoded packet. 65,536 by default.
    public static func cobs(maximumLength: Int = 65_536) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { COBSFramer(maximumLength: maximum) }
    }

    /// Messages between STX (02) and ETX (03).
    ///
    /// What stands between an ETX and the next STX, such as a line ending, belongs to no message and is skipped; more than
    /// `maximumLength` bytes of it are a violation. An STX inside a message is a violation, too, and begins a new message.
    /// After any other violation the message behind the next STX is read.
    ///
    /// - Parameters:
    ///   - escaped: whether STX, ETX and DLE (10) may occur in messages, each with a DLE before it; any other byte behind a
    ///     DLE is a violation, and an STX behind one begins no message. Otherwise STX and ETX cannot be sent. `false` by default.
    ///   - maximumLength: bytes of a message once its escapes are undone; up to twice as many are held. 65,536 by default.
    public static func stxEtx(escaped: Bool = false, maximumLength: Int = 65_536) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { STXETXFramer(isEscaped: escaped, maximumLength: maximum) }
    }

    /// One JSON value (RFC 8259) a line, each of them checked, in both directions.
    ///
    /// Blank lines are skipped. Nesting is followed 128 levels deep. What is written may be pretty-printed: line breaks,
    /// which in JSON can only stand between tokens, become spaces. After a line that is too long or is not JSON the next line
    /// is read.
    ///
    /// - Parameter maximumLength: bytes of a line without its ending. 65,536 by default.
    public static func jsonLines(maximumLength: Int = 65_536) -> Framing {
        let maximum = checked(maximumLength)
        return Framing { JSONLineFramer(maximumLength: maximum) }
    }

    /// What comes until the line falls silent is one message, as in Modbus RTU.
    ///
    /// A network may join and tear such messages: use it close to the device. Messages are written as they are; pauses
    /// between them are the writer's affair. After a message that is too long the one behind the next pause is read.
    ///
    /// - Parameters:
    ///   - gap: the pause that ends a message.
    ///   - maximumLength: bytes of a message. 65,536 by default.
    public static func idleGap(_ gap: Duration, maximumLength: Int = 65_536) -> Framing {
        let maximum = checked(maximumLength)
        return Framing(idleFlush: gap) { IdleGapFramer(maximumLength: maximum) }
    }

    /// A framing of your own.
    ///
    /// - Parameter makeFramer: called once for each connection.
    public static func custom(_ makeFramer: @escaping @Sendable () -> any Framer) -> Framing {
        Framing(makeFramer)
    }
}
