/// What happens to messages for a client that does not read them as fast as they are sent.
///
/// ```swift
/// options.engine.slowConsumer = .dropOldest(maximumMessages: 100)
/// ```
/// A message that cannot be written at once, because the client's connection is full or because it polls and has not asked
/// again, waits in a queue of its session. Sending never waits for it, and other clients do not notice.
///
/// Never dropped are the packets of the protocol: heartbeat, acknowledgements, events that ask for one, connecting and
/// disconnecting. With every policy, more than ``EngineIOOptions/maximumBufferedBytes`` in all end the session.
public struct SlowConsumerPolicy: Sendable, Hashable {
    enum Kind: Hashable {
        case disconnect
        case dropOldest(BacklogLimits)
    }

    let kind: Kind

    /// Keeps everything, until ``EngineIOOptions/maximumBufferedBytes`` end the session: the default.
    public static let disconnect = SlowConsumerPolicy(kind: .disconnect)

    /// Drops the messages that have waited longest when there are too many. An event and its binary attachments are one
    /// message.
    ///
    /// - Parameters:
    ///   - maximumMessages: messages that may wait. 256.
    ///   - maximumBytes: bytes that may wait, all of them together. A message larger than this is dropped as soon as it has to
    ///     wait. 1,000,000.
    public static func dropOldest(maximumMessages: Int = 256, maximumBytes: Int = 1_000_000) -> SlowConsumerPolicy {
        SlowConsumerPolicy(
            kind: .dropOldest(BacklogLimits(messages: max(0, maximumMessages), bytes: max(0, maximumBytes))))
    }
}
