import EngineIOProtocol
import JunctionTransport
import NIOCore

/// The heartbeat, and the time that clients are given.
extension EngineSessionCore {
    // The timers hold the session until it ends, which cancels them. Not weakly: an object that was referred to weakly once
    // is retained and released by a slow path for ever, and this one is touched for every message.

    func scheduleHeartbeat(at time: NIODeadline) {
        heartbeatTimer = executor.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.executor.turn { self.beat() }
        }
    }

    private func beat() {
        guard machine.isOpen else { return }
        switch heartbeat.check(.now()) {
        case .wait(let until):
            scheduleHeartbeat(at: until)
        case .ping(let next):
            scheduleHeartbeat(at: next)
            send(EnginePacket(.ping))
        case .timeout:
            end(.pingTimeout)
        }
    }

    func setPatience(_ time: TimeAmount, _ action: @escaping (EngineSessionCore) -> Void) {
        patienceTimer?.cancel()
        patienceTimer = after(time, action)
    }

    @discardableResult
    func after(_ time: TimeAmount, _ action: @escaping (EngineSessionCore) -> Void) -> Scheduled<Void> {
        executor.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.executor.turn { action(self) }
        }
    }
}
