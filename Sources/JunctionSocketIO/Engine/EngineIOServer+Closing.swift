import EngineIOProtocol
import Synchronization

extension EngineIOServer {
    /// Ends every session and refuses new ones. What was sent before still reaches the clients; one that polls learns it with
    /// its next poll.
    public func closeAll() {
        let sessions = state.withLock { state in
            state.isShutDown = true
            return Array(state.sessions.values)
        }
        for session in sessions { session.withCore { $0.shutDown() } }
    }

    /// Refuses new sessions, while those that are there go on. Returns when the last has ended, or after `timeout`, when what
    /// is left is ended as by ``closeAll()``.
    public func drain(timeout: Duration) async {
        await mount().drain(timeout: timeout)
        closeAll()
    }

    /// What a mounted server does when its HTTP server goes away: ends every session, and gives those who are between two polls
    /// the time to fetch what was sent to them. Who has not come by then has nowhere to come to. Runs to its end also in a
    /// cancelled task.
    func shutDown() async {
        closeAll()
        let time = options.lastPollTimeout
        let mount = mount()
        await Task { await mount.drain(timeout: time) }.value
        for session in state.withLock({ Array($0.sessions.values) }) { session.withCore { $0.end(.forcedClose) } }
    }

    /// Takes sessions again, after ``closeAll()`` or ``drain(timeout:)``.
    func reopen() { state.withLock { $0.isShutDown = false } }

    /// Refuses new sessions, and returns when the last has ended or the task is cancelled.
    func finishSessions() async {
        let number = state.withLock { state in
            state.isShutDown = true
            state.waiterCount += 1
            return state.waiterCount
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    let isDone = state.sessions.isEmpty || Task.isCancelled
                    if !isDone { state.waiters[number] = continuation }
                    return isDone
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    /// A session has ended.
    func removeSession(_ id: String) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.sessions[id] = nil
            guard state.sessions.isEmpty, !state.waiters.isEmpty else { return [] }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}
