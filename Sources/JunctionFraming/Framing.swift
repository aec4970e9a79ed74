package import NIOCore

/// How a stream of bytes is cut into messages, in both directions.
///
/// ```swift
/// TCPServer(port: 7000, framing: .lines()) { connection in
///     for try await line in connection.inbound { … }   // whole lines, without the line ending
/// }
/// ```
///
/// Each framing has a maximum length and a rule by which it finds the next frame after a violation; a connection ends with
/// the violation's error unless ``onViolation(_:)`` says otherwise. The page of this module compares them.
public struct Framing: Sendable {
    /// What a connection does when the stream breaks the framing.
    public enum ViolationPolicy: Sendable, Hashable {
        /// The connection ends with the error.
        case close
        /// The violation is counted, and reading goes on with the next frame that the framing's rule finds. An error that
        /// ``FramingError/isFatal`` still ends the connection.
        case skip
    }

    /// The largest maximum length that a framing takes: 536,870,912 bytes.
    public static let largestMaximum = 1 << 29

    /// What a connection does when the stream breaks the framing. ``ViolationPolicy/close`` unless set by
    /// ``onViolation(_:)``.
    public private(set) var violations: ViolationPolicy = .close
    /// Makes the framer of one connection; `nil` leaves the stream as it is.
    package let makeFramer: (@Sendable () -> any Framer)?
    /// The framer is flushed after this long without another byte.
    package private(set) var idleFlush: TimeAmount?

    init(idleFlush: Duration? = nil, _ makeFramer: (@Sendable () -> any Framer)?) {
        self.makeFramer = makeFramer
        self.idleFlush = idleFlush.map(TimeAmount.init)
    }

    /// A framer for one stream that is not a connection of this package: a serial line, a pipe, a file.
    ///
    /// The framer of ``raw`` returns what was appended. The owner of the stream sees to ``violations`` and to idle times
    /// itself.
    public func newFramer() -> any Framer { makeFramer?() ?? RawFramer() }

    /// The same framing with another answer to violations.
    ///
    /// ```swift
    /// TCPServer(port: 7000, framing: .lines().onViolation(.skip)) { connection in … }
    /// ```
    public func onViolation(_ policy: ViolationPolicy) -> Framing {
        var framing = self
        framing.violations = policy
        return framing
    }

    /// The same framing, with the unfinished frame flushed after `idle` without another byte; the next byte begins a new
    /// frame. Off by default.
    ///
    /// Lines, delimited messages and JSON lines deliver what is there, for peers that send no ending. For the other framings
    /// an unfinished frame is a violation ("truncated"): with `.skip` a sender that was cut off is in step again after a
    /// pause. No effect on ``raw``.
    ///
    /// ```swift
    /// let sensors = Framing.fixed(size: 12).flushing(after: .milliseconds(50)).onViolation(.skip)
    /// ```
    public func flushing(after idle: Duration) -> Framing {
        var framing = self
        framing.idleFlush = TimeAmount(idle)
        return framing
    }

    /// A maximum is the program's, not the peer's: a wrong one is a mistake to be told at once.
    static func checked(_ maximum: Int) -> Int {
        precondition((1...largestMaximum).contains(maximum), "a maximum length is 1 to \(largestMaximum) bytes")
        return maximum
    }
}
