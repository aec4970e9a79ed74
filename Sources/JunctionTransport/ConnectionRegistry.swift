package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// A connection that a draining server can ask to end.
package protocol Drainable: AnyObject, Sendable {
    /// Asks the connection to finish what is under way and end. Called from any thread.
    func beginDrain()
    /// Ends the connection now. Called from any thread.
    func forceClose()
}

/// The live connections of one server, and their end.
package final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: any Drainable] = [:]
        var isDraining = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    private let maximum: Int

    /// - Parameter maximum: connections at a time; `nil` sets no limit.
    package init(maximum: Int? = nil) { self.maximum = maximum ?? .max }

    /// The number of live connections.
    package var count: Int { state.withLock { $0.connections.count } }

    /// Adds a connection; one that comes while the server drains is asked to end at once.
    ///
    /// - Returns: false when there are as many as there may be; then nothing was added.
    @discardableResult
    package func insert(_ connection: any Drainable) -> Bool {
        let (isAdded, isDraining) = state.withLock { state in
            guard state.connections.count < maximum else { return (false, false) }
            state.connections[ObjectIdentifier(connection)] = connection
            return (true, state.isDraining)
        }
        if isDraining { connection.beginDrain() }
        return isAdded
    }

    /// Removes a connection that has ended.
    package func remove(_ connection: any Drainable) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.connections[ObjectIdentifier(connection)] = nil
            guard state.connections.isEmpty else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Asks every connection to end, waits for that up to `timeout`, closes what is left, and waits for the rest.
    ///
    /// Runs to its end also in a cancelled task: a server drains *because* it was cancelled. The deadline is a timer of
    /// `eventLoop`, or of any loop of the process.
    package func drain(timeout: TimeAmount, logger: Logger, on eventLoop: (any EventLoop)? = nil) async {
        let connections = state.withLock { state in
            state.isDraining = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.beginDrain() }
        let deadline = (eventLoop ?? EventLoops.group.next()).scheduleTask(in: timeout) {
            let late = self.state.withLock { Array($0.connections.values) }
            guard !late.isEmpty else { return }
            logger.warning("drain deadline passed", metadata: ["connections": "\(late.count)"])
            for connection in late { connection.forceClose() }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.connections.isEmpty { state.waiter = continuation }
                return state.connections.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        deadline.cancel()
        state.withLock { $0.isDraining = false }  // the server may run again
    }
}

/// A connection that has not begun yet: its server waits for the first bytes to know whose it is. Nobody has told it
/// anything, so a draining server just closes it.
package final class ArrivingConnection: Drainable {
    private let channel: any Channel

    package init(channel: any Channel) { self.channel = channel }

    package func beginDrain() { channel.close(promise: nil) }
    package func forceClose() { channel.close(promise: nil) }
}
