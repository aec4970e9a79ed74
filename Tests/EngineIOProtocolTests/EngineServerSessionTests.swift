import EngineIOProtocol
import NIOCore
import Testing

@Suite("Engine.IO server session")
struct EngineServerSessionTests {
    // MARK: Sending and polling

    @Test("parks a poll while there is nothing to send, and answers it once")
    func parkedPoll() {
        let session = TestSession(.polling)
        #expect(!session.isWritable)
        #expect(session.poll() == .park)
        #expect(session.isWritable)
        #expect(session.takeQueue() == nil, "an empty queue leaves the poll parked")
        #expect(session.send(.message("a")) == .answerPollSoon)
        #expect(session.takeQueue() == [.message("a")])
        #expect(!session.isWritable)
        #expect(session.takeQueue() == nil)
    }

    @Test("answers a parked poll with everything sent in one turn, in order")
    func gathers() {
        let session = TestSession(.polling)
        session.poll()
        let packets: [EnginePacket] = [
            .message("a"), EnginePacket(.ping), EnginePacket(binary: ByteBuffer(bytes: [1])),
        ]
        for packet in packets { #expect(session.send(packet) == .answerPollSoon) }
        #expect(session.takeQueue() == packets)
    }

    @Test("keeps what is sent between polls for the next one, in order")
    func queueOrder() {
        let session = TestSession(.polling)
        let packets = (0..<16).map { EnginePacket.message("\($0)") }
        for packet in packets { #expect(session.send(packet) == .queued) }
        #expect(session.takeQueue() == nil, "no poll waits for it")
        #expect(session.poll() == .answer(packets))
        #expect(session.poll() == .park)
    }

    @Test("answers a poll with at most 16 packets, and the next polls with the rest")
    func longQueue() {
        let session = TestSession(.polling)
        let packets = (0..<40).map { EnginePacket.message("\($0)") }
        session.poll()
        for packet in packets { session.send(packet) }
        #expect(session.takeQueue() == Array(packets[..<16]))
        #expect(session.poll() == .answer(Array(packets[16..<32])))
        #expect(session.queuedBytes == 8 * 4)
        #expect(session.poll() == .answer(Array(packets[32...])))
        #expect(session.queuedBytes == 0)
        #expect(session.poll() == .park)
    }

    @Test("counts the queued bytes as they go over the wire, separators included")
    func queuedBytes() {
        let session = TestSession(.polling)
        session.send(.message("abc"))  // 4abc
        #expect(session.queuedBytes == 5)
        session.send(EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4])))  // bAQIDBA==
        #expect(session.queuedBytes == 15)
        session.poll()
        #expect(session.queuedBytes == 0)
        session.poll()
        session.send(.message("abc"))
        _ = session.takeQueue()
        #expect(session.queuedBytes == 0)
    }

    @Test("ends when a second poll comes while one is parked")
    func overlap() {
        let session = TestSession(.polling)
        session.poll()
        guard case .overlap(let closing) = session.poll() else {
            Issue.record("an overlap was expected")
            return
        }
        #expect(closing.reason == .transportError)
        #expect(closing.answer == [EnginePacket(.close)])
        #expect(!session.isOpen)
        #expect(session.poll() == .refuse)
    }

    @Test("writes at once on WebSocket and refuses polls")
    func websocket() {
        let session = TestSession(.websocket)
        #expect(session.transport == .websocket && session.isWebSocket && session.isOpen && session.isWritable)
        #expect(session.send(.message("a")) == .write)
        #expect(session.queuedBytes == 0)
        #expect(session.poll() == .refuse)
        #expect(session.takeQueue() == nil)
        #expect(session.isOpen)
    }

    // MARK: Receiving

    @Test("delivers messages and pongs on both transports", arguments: [EngineTransport.polling, .websocket])
    func delivers(transport: EngineTransport) {
        let session = TestSession(transport)
        #expect(session.receive(.message("a")) == .deliver(.text(ByteBuffer(string: "a"))))
        let binary = ByteBuffer(bytes: [1, 2])
        #expect(session.receive(EnginePacket(binary: binary)) == .deliver(.binary(binary)))
        #expect(session.receive(EnginePacket(.pong)) == .pong)
        #expect(session.isOpen)
    }

    @Test("ignores packets that mean nothing to a server", arguments: [EnginePacket.Kind.open, .upgrade, .noop])
    func ignores(kind: EnginePacket.Kind) {
        for transport in [EngineTransport.polling, .websocket] {
            let session = TestSession(transport)
            #expect(session.receive(EnginePacket(kind)) == .none)
            #expect(session.isOpen)
        }
    }

    @Test("takes a ping of the client for an error: only the server pings")
    func clientPing() throws {
        let session = TestSession(.polling)
        session.poll()
        let closing = try #require(session.receive(EnginePacket(.ping)).closing)
        #expect(closing.reason == .transportError)
        #expect(closing.answer == [EnginePacket(.close)])
        #expect(!session.isOpen)
    }

    @Test("answers a parked poll with a noop when the client closes")
    func closePacketWithParkedPoll() throws {
        let session = TestSession(.polling)
        session.poll()
        let closing = try #require(session.receive(EnginePacket(.close)).closing)
        #expect(closing.reason == .transportClose)
        #expect(closing.answer == [EnginePacket(.noop)])
        #expect(session.poll() == .refuse)
    }

    @Test("has no poll to answer when the client closes between polls or over WebSocket")
    func closePacketWithoutPoll() throws {
        for transport in [EngineTransport.polling, .websocket] {
            let session = TestSession(transport)
            let closing = try #require(session.receive(EnginePacket(.close)).closing)
            #expect(closing.reason == .transportClose)
            #expect(closing.answer == nil)
            #expect(!session.isOpen)
        }
    }

    @Test("ignores every packet after the end")
    func afterTheEnd() {
        let session = TestSession(.websocket)
        session.close()
        for kind in [EnginePacket.Kind.open, .close, .ping, .pong, .message, .upgrade, .noop] {
            #expect(session.receive(EnginePacket(kind)) == .none)
        }
        #expect(session.send(.message("late")) == .drop)
        #expect(!session.isWritable)
    }

    // MARK: Ending

    @Test("closing tells the client with the parked poll, behind what was sent in the same turn")
    func closeWithParkedPoll() throws {
        let session = TestSession(.polling)
        session.poll()
        session.send(.message("last"))
        guard case .closed(let closing) = session.close() else {
            Issue.record("the session was expected to be over")
            return
        }
        #expect(closing.reason == .forcedClose)
        #expect(closing.answer == [.message("last"), EnginePacket(.close)])
        #expect(session.close() == .none)
    }

    @Test("closing between polls lets the next poll learn it, behind what was sent before")
    func closeBetweenPolls() {
        let session = TestSession(.polling)
        session.send(.message("a"))
        session.send(.message("b"))
        #expect(session.close() == .awaitPoll)
        #expect(!session.isOpen && !session.isWritable)
        #expect(session.send(.message("late")) == .drop)
        #expect(session.receive(.message("late")) == .none)
        #expect(session.close() == .none)
        #expect(session.poll() == .answerLast([.message("a"), .message("b"), EnginePacket(.close)]))
        #expect(session.poll() == .refuse)
    }

    @Test("gives up waiting for the last poll")
    func closeWithoutLastPoll() throws {
        let session = TestSession(.polling)
        session.close()
        let closing = try #require(session.end(.pingTimeout))
        #expect(closing.reason == .forcedClose, "it was this side that closed")
        #expect(closing.answer == nil)
        #expect(session.poll() == .refuse)
        #expect(session.end(.pingTimeout) == nil)
    }

    @Test("closing over WebSocket is over at once")
    func closeWebSocket() {
        let session = TestSession(.websocket)
        guard case .closed(let closing) = session.close() else {
            Issue.record("the session was expected to be over")
            return
        }
        #expect(closing.reason == .forcedClose)
        #expect(closing.answer == nil)
    }

    @Test(
        "ends once, for the reason given",
        arguments: [EngineCloseReason.transportClose, .transportError, .pingTimeout, .parseError, .forcedClose])
    func ends(reason: EngineCloseReason) throws {
        let parked = TestSession(.polling)
        parked.poll()
        #expect(try #require(parked.end(reason)).answer == [EnginePacket(.close)])
        #expect(parked.end(reason) == nil)

        let idle = TestSession(.polling)
        let closing = try #require(idle.end(reason))
        #expect(closing.reason == reason && closing.answer == nil)

        let websocket = TestSession(.websocket)
        #expect(try #require(websocket.end(reason)).reason == reason)
        #expect(websocket.end(reason) == nil)
    }

    @Test("answers the parked poll of an ending session with the packet asked for")
    func endsWithAnswer() throws {
        let session = TestSession(.polling)
        session.poll()
        #expect(try #require(session.end(.transportClose, answer: EnginePacket(.noop))).answer == [EnginePacket(.noop)])
    }

    @Test("names its reasons as the JavaScript server does")
    func reasons() {
        #expect(EngineCloseReason.transportClose.rawValue == "transport close")
        #expect(EngineCloseReason.transportError.rawValue == "transport error")
        #expect(EngineCloseReason.pingTimeout.rawValue == "ping timeout")
        #expect(EngineCloseReason.parseError.rawValue == "parse error")
        #expect(EngineCloseReason.forcedClose.rawValue == "forced close")
    }

    // MARK: Revision 3

    @Test("a session of revision 3 answers pings, and ends with a pong, which only servers send there")
    func revision3() {
        for transport in [EngineTransport.polling, .websocket] {
            let session = TestSession(transport, revision: .three)
            #expect(session.receive(EnginePacket(.ping)) == .ping)
            #expect(session.receive(EnginePacket(.ping, ByteBuffer(string: "x"))) == .ping)
            #expect(session.receive(.message("a")) == .deliver(.text(ByteBuffer(string: "a"))))
            guard case .close(let closing) = session.receive(EnginePacket(.pong)) else {
                Issue.record("a pong ends the session")
                continue
            }
            #expect(closing.reason == .transportError)
            #expect(!session.isOpen)
        }
    }
}

extension EngineServerSession.ReceiveAction {
    fileprivate var closing: EngineServerSession.Closing? {
        if case .close(let closing) = self { closing } else { nil }
    }
}
