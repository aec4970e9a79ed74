import EngineIOProtocol
import NIOCore
import Testing

@Suite("Engine.IO upgrade from polling to WebSocket")
struct EngineUpgradeTests {
    /// A polling session whose client has connected by WebSocket, too.
    private func probing() -> TestSession {
        let session = TestSession(.polling)
        session.probeArrived()
        return session
    }

    @Test("a client that polls and probes ends up on WebSocket")
    func wholeUpgrade() {
        let session = TestSession(.polling)
        #expect(session.poll() == .park)
        #expect(session.probeArrived())
        #expect(session.probeReceived(.probePing) == .answerProbe(noop: true))
        #expect(!session.isWritable, "the noop answered the poll")
        #expect(session.send(.message("in between")) == .queued)
        #expect(session.transport == .polling)
        #expect(session.probeReceived(EnginePacket(.upgrade)) == .upgraded([.message("in between")]))
        #expect(session.transport == .websocket && session.isWebSocket)
        #expect(session.send(.message("after")) == .write)
        #expect(session.poll() == .refuse)
    }

    @Test("answers the probe without a noop when no poll waits")
    func probeWithoutPoll() {
        let session = probing()
        #expect(session.probeReceived(.probePing) == .answerProbe(noop: false))
    }

    @Test("keeps a poll that comes during the upgrade for a moment, and answers it with a noop")
    func pollsWhileProbed() {
        let session = probing()
        session.probeReceived(.probePing)
        #expect(session.poll() == .parkBriefly)
        #expect(session.releasePoll())
        #expect(!session.releasePoll(), "it is answered")
        #expect(session.poll() == .parkBriefly)
        #expect(session.send(.message("a")) == .answerPollSoon)
        #expect(session.takeQueue() == [.message("a")])
        #expect(!session.releasePoll(), "it is answered")
        session.send(.message("b"))
        #expect(session.poll() == .answer([.message("b")]), "what is queued goes before a noop")
    }

    @Test("the ping of the probe leaves a poll alone that came during the upgrade")
    func pollBeforePing() {
        let session = probing()
        #expect(session.poll() == .parkBriefly)
        #expect(session.probeReceived(.probePing) == .answerProbe(noop: false))
        #expect(session.releasePoll())
    }

    @Test("releases no poll without an upgrade")
    func releaseWithoutProbe() {
        let session = TestSession(.polling)
        session.poll()
        #expect(!session.releasePoll())
        #expect(session.isWritable, "the poll is still there")
        session.probeArrived()
        session.probeLeft()
        #expect(!session.releasePoll())
        #expect(!TestSession(.websocket).releasePoll())
    }

    @Test("upgrades a client that asks for it without a ping")
    func upgradeWithoutPing() {
        let session = probing()
        session.poll()
        #expect(session.probeReceived(EnginePacket(.upgrade)) == .upgraded([]))
        #expect(session.isWebSocket)
        #expect(!session.releasePoll())
    }

    @Test("writes what was queued to the new connection, in order")
    func queueMovesOver() {
        let session = probing()
        session.probeReceived(.probePing)
        let packets = (0..<5).map { EnginePacket.message("\($0)") }
        for packet in packets { session.send(packet) }
        #expect(session.probeReceived(EnginePacket(.upgrade)) == .upgraded(packets))
    }

    @Test("goes on receiving by polling until the upgrade is complete")
    func receivesWhileProbed() {
        let session = probing()
        session.probeReceived(.probePing)
        #expect(session.receive(.message("a")) == .deliver(.text(ByteBuffer(string: "a"))))
        #expect(session.receive(EnginePacket(.pong)) == .pong)
    }

    @Test("accepts one probe at a time")
    func secondProbe() {
        let session = probing()
        #expect(!session.probeArrived())
        session.probeReceived(.probePing)
        #expect(!session.probeArrived())
        session.probeLeft()
        #expect(session.probeArrived(), "the next one may try after the first has gone")
    }

    @Test("accepts no probe for a session that is on WebSocket or over")
    func unwantedProbe() {
        let websocket = TestSession(.websocket)
        #expect(!websocket.probeArrived())
        #expect(websocket.probeReceived(.probePing) == .abort)
        websocket.probeLeft()
        #expect(websocket.isWebSocket)

        let closing = TestSession(.polling)
        closing.close()
        #expect(!closing.probeArrived())

        let over = TestSession(.polling)
        _ = over.end(.transportError)
        #expect(!over.probeArrived())
        #expect(over.probeReceived(EnginePacket(.upgrade)) == .abort)
    }

    @Test(
        "turns a probe away that says anything else, and stays with polling",
        arguments: [
            EnginePacket(.ping), EnginePacket(.ping, ByteBuffer(string: "prob")), EnginePacket(.pong),
            EnginePacket(.message), EnginePacket(.open), EnginePacket(.close), EnginePacket(.noop),
            EnginePacket(binary: ByteBuffer(string: "probe")),
        ])
    func aborts(packet: EnginePacket) {
        let session = probing()
        #expect(session.probeReceived(packet) == .abort)
        #expect(session.isOpen && session.transport == .polling)
        #expect(session.poll() == .park)
        #expect(session.probeArrived())
    }

    @Test("parks polls again when the probe goes away")
    func probeLeaves() {
        let session = probing()
        session.probeReceived(.probePing)
        session.probeLeft()
        #expect(session.poll() == .park)
        #expect(session.isOpen)
    }

    @Test("closing while a probe is under way still reaches the client by polling")
    func closeWhileProbed() {
        let session = probing()
        session.probeReceived(.probePing)
        #expect(session.close() == .awaitPoll)
        #expect(session.probeReceived(EnginePacket(.upgrade)) == .abort)
        #expect(session.poll() == .answerLast([EnginePacket(.close)]))
    }
}
