import JunctionCore
import JunctionFraming
import JunctionTransport
import NIOCore

/// The timers of a connection; most connections have none running.
final class ConnectionClocks {
    /// Silence in both directions after which the connection fails.
    var idleLimit: TimeAmount?
    fileprivate var lastActivity = NIODeadline.distantPast
    /// What the peer had taken when the idle clock rang last, and whether there was more for it.
    fileprivate var taken: (bytes: Int, hadMore: Bool) = (0, false)
    fileprivate var idle: Scheduled<Void>?
    fileprivate var flush: Scheduled<Void>?
    fileprivate var write: Scheduled<Void>?
    fileprivate var linger: Scheduled<Void>?

    init(idleLimit: TimeAmount? = nil) { self.idleLimit = idleLimit }

    func stopFlush() {
        flush?.cancel()
        flush = nil
    }

    func stopWrite() {
        write?.cancel()
        write = nil
    }

    func stopAll() {
        stopFlush()
        stopWrite()
        idle?.cancel()
        idle = nil
        linger?.cancel()
        linger = nil
    }
}

extension ConnectionCore {
    private func schedule(_ delay: TimeAmount, _ body: @escaping () -> Void) -> Scheduled<Void> {
        executor.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.executor.turn(body) }
    }

    private func makeClocks() -> ConnectionClocks {
        if let clocks { return clocks }
        let clocks = ConnectionClocks()
        self.clocks = clocks
        return clocks
    }

    // MARK: Idle

    /// Bytes have moved. Reads the clock only where somebody wants to know.
    func noteActivity() {
        if let clocks, clocks.idleLimit != nil { clocks.lastActivity = executor.eventLoop.now }
    }

    /// Changes the idle limit; the time counts from now.
    func setIdleLimit(_ limit: TimeAmount?) {
        let clocks = makeClocks()
        clocks.idle?.cancel()
        clocks.idle = nil
        clocks.idleLimit = limit
        startIdleClock()
    }

    func startIdleClock() {
        guard let clocks, let limit = clocks.idleLimit, clocks.idle == nil, isOpen else { return }
        noteActivity()
        clocks.idle = schedule(limit) { self.idleClockRang(limit) }
    }

    private func idleClockRang(_ limit: TimeAmount) {
        // Silence while this side does not read is not the peer's.
        if readIsHeld { noteActivity() }
        guard let clocks else { return }
        // Nor is it silent when it has taken some of what waits for it.
        let (queued, taken) = (channelBytes, bytesTaken)
        if queued > 0 || clocks.taken.hadMore, taken > clocks.taken.bytes { noteActivity() }
        clocks.taken = (taken, queued > 0)
        let silence = executor.eventLoop.now - clocks.lastActivity
        if silence < limit {
            clocks.idle = schedule(limit - silence) { self.idleClockRang(limit) }
        } else {
            fail(NetworkError(.timedOut, "read: nothing came or went for \(limit.text)"))
        }
    }

    // MARK: Unfinished frames

    /// Delivers an unfinished frame after the framing's silence.
    func startFlushClock() {
        guard let silence = settings.framing.idleFlush else { return }
        let clocks = makeClocks()
        clocks.stopFlush()
        clocks.flush = schedule(silence) {
            guard case .open = self.inputEnd else { return }
            do throws(NetworkError) { try self.deliverUnfinished() } catch { self.fail(error) }
        }
    }

    // MARK: A peer that does not read

    /// Bytes written so far that do not wait in the channel: what the kernel has taken for the peer.
    private var bytesTaken: Int { Int(truncatingIfNeeded: output.bytesWritten) - channelBytes }

    /// Fails the connection when the peer takes nothing of what is queued for the write timeout.
    func startWriteClock() {
        guard let limit = settings.writeLimit, clocks?.write == nil, isOpen, channelBytes > 0 else { return }
        let taken = bytesTaken
        makeClocks().write = schedule(limit) { self.writeClockRang(limit, taken) }
    }

    private func writeClockRang(_ limit: TimeAmount, _ before: Int) {
        clocks?.write = nil
        let queued = channelBytes
        guard queued > 0 else { return }
        if bytesTaken > before { return startWriteClock() }
        fail(
            NetworkError(
                .timedOut, "write: the peer has taken nothing for \(limit.text), and \(queued) bytes wait for it"))
    }

    // MARK: Lingering

    func startLingerClock() {
        makeClocks().linger = schedule(settings.lingerLimit) { self.context?.close(mode: .all, promise: nil) }
    }
}

extension TimeAmount {
    /// `30 s`, `250 ms`.
    fileprivate var text: String {
        nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
    }
}
