public import NIOCore

/// What happened to one of the attempts that a connect consists of.
///
/// Each attempt has a number; it is told of when it starts and once more when it ends. The attempts of one connect may overlap.
public struct ConnectAttempt: Sendable {
    /// What became of an attempt.
    public enum Outcome: Sendable {
        /// The attempt begins.
        case started
        /// The connection is open; it is the one that is used. No attempt of this connect succeeds after it.
        case succeeded
        /// There is no connection to that address, or time was up. An address that ``ConnectOptions/filter`` refuses fails with
        /// `.addressBlocked`, and never starts.
        case failed(NetworkError)
        /// Another attempt was faster, or the task was cancelled.
        case abandoned
    }

    /// The address that is tried.
    public var address: SocketAddress
    /// Counts the attempts of one connect, in the order of their start. The first is 1.
    public var ordinal: Int
    /// What happened.
    public var outcome: Outcome

    /// Makes a description of an attempt.
    public init(address: SocketAddress, ordinal: Int, outcome: Outcome) {
        self.address = address
        self.ordinal = ordinal
        self.outcome = outcome
    }
}
