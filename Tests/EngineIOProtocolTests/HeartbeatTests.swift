import EngineIOProtocol
import NIOCore
import Testing

@Suite("Engine.IO heartbeat")
struct HeartbeatTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// Pings each 25 seconds and waits 20 seconds for the pong, as the JavaScript server does by default.
    private func heartbeat() -> Heartbeat {
        Heartbeat(interval: .seconds(25), timeout: .seconds(20), now: start)
    }

    private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test("pings one interval after the start, and one after each pong")
    func timeline() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(0)) == .wait(until: at(25)))
        #expect(heartbeat.check(at(24)) == .wait(until: at(25)))
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        heartbeat.pong(at(26))
        #expect(heartbeat.check(at(45)) == .wait(until: at(51)))
        #expect(heartbeat.check(at(51)) == .ping(then: at(71)))
    }

    @Test("times out when no pong came by the deadline, and not before")
    func timeout() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        #expect(heartbeat.check(at(44)) == .wait(until: at(45)))
        #expect(heartbeat.check(at(45)) == .timeout)
        #expect(heartbeat.check(at(46)) == .timeout)
    }

    @Test("counts the time for the pong from when the ping was due: a late timer gives the client no more of it")
    func lateCheck() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(30)) == .ping(then: at(45)))
        #expect(heartbeat.check(at(44)) == .wait(until: at(45)))
        #expect(heartbeat.check(at(45)) == .timeout)
    }

    @Test("knows that the pong is overdue before the timer tells")
    func overdue() {
        var heartbeat = heartbeat()
        #expect(!heartbeat.isOverdue(at(100)), "no ping was sent")
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        #expect(!heartbeat.isOverdue(at(44)))
        #expect(heartbeat.isOverdue(at(45)))
        heartbeat.pause(at(45))
        #expect(!heartbeat.isOverdue(at(46)), "nothing is read")
        heartbeat.resume(at(46))
        heartbeat.pong(at(46))
        #expect(!heartbeat.isOverdue(at(70)))
    }

    @Test("a pong that nobody asked for moves the next ping")
    func unaskedPong() {
        var heartbeat = heartbeat()
        heartbeat.pong(at(10))
        #expect(heartbeat.check(at(25)) == .wait(until: at(35)))
        #expect(heartbeat.check(at(35)) == .ping(then: at(55)))
    }

    @Test("the clock for the pong stands still while nothing is read")
    func pauseAfterPing() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        heartbeat.pause(at(30))
        #expect(heartbeat.check(at(45)) == .wait(until: at(65)))
        #expect(heartbeat.check(at(1000)) == .wait(until: at(1020)))
        heartbeat.resume(at(1000))
        #expect(heartbeat.check(at(1014)) == .wait(until: at(1015)), "15 of the 20 seconds were left")
        #expect(heartbeat.check(at(1015)) == .timeout)
    }

    @Test("a pause that began before the ping gives the pong no more than its time")
    func pauseBeforePing() {
        var heartbeat = heartbeat()
        heartbeat.pause(at(5))
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        heartbeat.resume(at(100))
        #expect(heartbeat.check(at(119)) == .wait(until: at(120)))
        #expect(heartbeat.check(at(120)) == .timeout)
    }

    @Test("pausing twice counts from the first, and resuming without a pause changes nothing")
    func unpairedCalls() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        heartbeat.resume(at(30))
        #expect(heartbeat.check(at(31)) == .wait(until: at(45)))
        heartbeat.pause(at(32))
        heartbeat.pause(at(34))
        heartbeat.resume(at(36))
        heartbeat.resume(at(40))
        #expect(heartbeat.check(at(41)) == .wait(until: at(49)))
    }

    @Test("a pong that was read after a pause counts")
    func pongAfterPause() {
        var heartbeat = heartbeat()
        #expect(heartbeat.check(at(25)) == .ping(then: at(45)))
        heartbeat.pause(at(26))
        heartbeat.resume(at(60))
        heartbeat.pong(at(60))
        #expect(heartbeat.check(at(84)) == .wait(until: at(85)))
    }

    // MARK: Revision 3

    /// Waits 45 seconds for each of the client's pings.
    private func oldHeartbeat() -> Heartbeat {
        Heartbeat(interval: .seconds(25), timeout: .seconds(20), now: start, revision: .three)
    }

    @Test("revision 3: sends no ping, and gives the client interval and timeout for each of its own")
    func clientPings() {
        var heartbeat = oldHeartbeat()
        #expect(heartbeat.check(at(25)) == .wait(until: at(45)))
        heartbeat.ping(at(30))
        #expect(heartbeat.check(at(45)) == .wait(until: at(75)))
        heartbeat.ping(at(55))
        #expect(heartbeat.check(at(75)) == .wait(until: at(100)))
        #expect(!heartbeat.isOverdue(at(99)))
        #expect(heartbeat.isOverdue(at(100)))
        #expect(heartbeat.check(at(100)) == .timeout)
    }

    @Test("revision 3: times out when the client never pings")
    func clientNeverPings() {
        var heartbeat = oldHeartbeat()
        #expect(heartbeat.check(at(44)) == .wait(until: at(45)))
        #expect(heartbeat.check(at(45)) == .timeout)
    }

    @Test("revision 3: the clock for the ping stands still while nothing is read")
    func pauseOfClientPings() {
        var heartbeat = oldHeartbeat()
        heartbeat.pause(at(30))
        #expect(heartbeat.check(at(45)) == .wait(until: at(65)))
        #expect(!heartbeat.isOverdue(at(46)))
        heartbeat.resume(at(100))
        #expect(heartbeat.check(at(114)) == .wait(until: at(115)), "15 of the 45 seconds were left")
        #expect(heartbeat.check(at(115)) == .timeout)
    }
}
