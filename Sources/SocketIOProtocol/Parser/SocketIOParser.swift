/// How packets become messages of the layer below, and messages packets. Both ends of a connection need the same one.
///
/// ```swift
/// var options = SocketIOOptions()
/// options.parser = .messagePack
/// ```
public enum SocketIOParser: Sendable {
    /// The format of the protocol: text with JSON, binary values behind it as attachments.
    case `default`
    /// The published parser `socket.io-msgpack-parser`: one binary message for each packet, with everything in MessagePack,
    /// binary values included.
    ///
    /// Integers of 64 bits, floats and doubles are exact; of an integer beyond 2^53 a JavaScript peer sees the nearest
    /// double. A `Date` arrives as a `Date` there.
    case messagePack
    /// A parser of the program's own.
    indirect case custom(any CustomParser)

    /// Whether packets have the format of the protocol, for which the paths are the shortest.
    package var isDefault: Bool {
        if case .default = self { true } else { false }
    }
}
