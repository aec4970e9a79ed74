public import NIOCore

/// Cuts the bytes of one stream into frames and builds frames for the way out. Knows no sockets.
///
/// A framer is a value with the state of one stream; whoever owns it calls it from one thread at a time. Take one of the
/// named framings with ``Framing/newFramer()``, or write your own and pass it to ``Framing/custom(_:)``:
///
/// ```swift
/// var framer = Framing.slip().newFramer()
/// framer.append(bytes)                                    // whatever the serial line has brought
/// while let frame = try framer.next() { handle(frame) }   // whole frames
/// var output = ByteBuffer()
/// try framer.frame(answer, into: &output)                 // ready to be sent
/// ```
public protocol Framer {
    /// Takes more bytes from the stream.
    ///
    /// Call ``next()`` until it returns `nil` before appending again: then a framer holds no more than one unfinished frame.
    mutating func append(_ bytes: ByteBuffer)

    /// The next whole frame, or `nil` until more bytes come.
    ///
    /// Frames that arrived in one piece are slices of what was appended and keep its storage alive; copy what is kept for
    /// long.
    ///
    /// - Throws: ``FramingError`` for a frame over the maximum, or for bytes that the framing does not allow. The framer has
    ///   then skipped to where it can go on, and the call may be repeated; after an error that ``FramingError/isFatal`` it
    ///   takes no more and returns `nil`.
    mutating func next() throws(FramingError) -> ByteBuffer?

    /// The unfinished frame, when the stream ended or fell idle in the middle of one; `nil` when nothing is pending. Whatever
    /// comes afterwards begins a new frame.
    ///
    /// - Throws: ``FramingError`` with ``FramingError/Kind/truncated`` where an unfinished frame is no message.
    mutating func flush() throws(FramingError) -> ByteBuffer?

    /// Appends `message` as a frame to `output`.
    ///
    /// - Throws: ``FramingError`` when the framing cannot carry the message: it is too long for the maximum or for the length
    ///   prefix, or contains the delimiter. Nothing has been appended then.
    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError)
}

/// A framer whose memory can be looked at.
package protocol MemoryReportingFramer: Framer {
    /// Bytes of storage that unfinished input holds.
    var heldBytes: Int { get }
}
