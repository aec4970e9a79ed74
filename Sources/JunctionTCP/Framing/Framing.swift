public import NIOCore

/// How a stream of bytes is cut into messages, in both directions.
///
/// ```swift
/// TCPServer(port: 7000, framing: .lines()) { connection in
///     for try await line in connection.inbound { … }   // whole lines, without the line ending
/// }
/// ```
public struct Framing: Sendable {
    /// Makes the framer of one connection; `nil` leaves the stream as it is.
    let makeFramer: (@Sendable () -> any Framer)?
    /// An unfinished frame is delivered after this long without another byte.
    let idleFlush: TimeAmount?

    /// No framing: chunks as the network delivers them, which are not messages.
    public static let raw = Framing(makeFramer: nil, idleFlush: nil)

    /// Lines that end with LF or CRLF; what is written gets an LF.
    ///
    /// - Parameters:
    ///   - maximumLength: bytes of a line without its ending; a longer one ends the connection with
    ///     ``NetworkError/Code/frameTooLong``. 65,536 by default.
    ///   - flushingAfter: delivers an unfinished line after this long without another byte, for clients that send no line
    ///     endings. Off by default.
    public static func lines(maximumLength: Int = 65_536, flushingAfter idle: Duration? = nil) -> Framing {
        Framing(makeFramer: { LineFramer(maximumLength: maximumLength) }, idleFlush: idle.map(TimeAmount.init))
    }

    /// A framing of your own.
    public static func custom(_ makeFramer: @escaping @Sendable () -> any Framer) -> Framing {
        Framing(makeFramer: makeFramer, idleFlush: nil)
    }
}

/// Cuts the bytes of one connection into frames and builds frames for the way out. Knows no sockets.
public protocol Framer {
    /// Takes more bytes from the stream.
    mutating func append(_ bytes: ByteBuffer)
    /// The next whole frame, or `nil` until more bytes come.
    ///
    /// - Throws: ``NetworkError`` when the stream breaks the framing; the connection ends.
    mutating func next() throws -> ByteBuffer?
    /// The unfinished frame, when the stream ended or fell idle in the middle of one.
    mutating func flush() -> ByteBuffer?
    /// Appends `message` as a frame to `output`.
    func frame(_ message: ByteBuffer, into output: inout ByteBuffer)
}
