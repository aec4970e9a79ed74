/// Whether and how messages are compressed on the wire: the extension permessage-deflate (RFC 7692).
///
/// Off by default, because it costs memory and the event loop's time. Worth it for large texts on slow links.
/// ```swift
/// options.engine.perMessageDeflate = WebSocketCompression()
/// ```
/// What a connection costs that has agreed to it, with the default window and ``memLevel``:
///
/// | | until its first compressed message | with context takeover | without |
/// |---|---|---|---|
/// | sending | 100 bytes | 268 KB, as long as it lives | nothing: one compressor for each event loop |
/// | receiving | 100 bytes | 40 KB, as long as it lives | 40 KB while a message arrives |
///
/// Each bit less of ``serverMaxWindowBits`` and ``clientMaxWindowBits`` halves the window's part, which is 131 KB of the
/// former and 33 KB of the latter. Where there are many connections, set ``serverNoContextTakeover`` and
/// ``clientNoContextTakeover``: a broadcast is then compressed once for all of them, too. Messages are compressed on the event
/// loop, so that a large one keeps the loop's other connections waiting.
///
/// A received message is inflated as it arrives and ends its connection with 1009 as soon as it has more bytes than a message
/// may have, however small it was on the wire.
public struct WebSocketCompression: Sendable, Hashable {
    /// Bytes of a message below which it is sent as it is. 1,024.
    public var threshold = 1024
    /// How hard to try, from 1 (fastest) to 9 (smallest); 0 stores without compressing. 6.
    public var level = 6
    /// Memory of a compressor beside its window, from 1 to 9: 2 to the power of this plus 9, in bytes. 8.
    public var memLevel = 8
    /// Compresses each message by itself, also when the client does not ask for it. When it asks, this is done anyway. False.
    public var serverNoContextTakeover = false
    /// Has clients compress each message by itself. A client that offers to is taken at its word anyway. False.
    public var clientNoContextTakeover = false
    /// The window of the server's compressor, as a power of 2 from 9 to 15; a client can ask for less. `nil` is 15.
    public var serverMaxWindowBits: Int?
    /// The window of the clients' compressors, as a power of 2 from 8 to 15. With a number, clients that do not offer to keep
    /// to one are served without compression. `nil` leaves it to the client.
    public var clientMaxWindowBits: Int?

    /// The defaults. Numbers out of their range count as the nearest one in it.
    public init() {}
}
