import EngineIOProtocol
import JunctionWebSocket
import NIOCore

/// The end of a session.
extension EngineSessionCore {
    /// Ends the session from this side; what was sent before still reaches the client.
    func close() {
        flushBacklog()
        switch machine.close() {
        case .closed(let closing):
            finish(closing)
        case .awaitPoll:
            abortProbe()  // its end must not be taken for the session's, nor its timer
            setPatience(TimeAmount(server.options.pollingCloseTimeout)) { $0.end(.forcedClose) }
        case .none:
            break
        }
    }

    /// Ends the session because the server goes away.
    func shutDown() {
        delegate?.shutDown()
        close()
    }

    /// Ends the session because something went wrong.
    func end(_ reason: EngineCloseReason) {
        if let closing = machine.end(reason) { finish(closing) }
    }

    func finish(_ closing: EngineServerSession.Closing) {
        if let packets = closing.answer { answerPoll(packets) }
        finish(closing.reason)
    }

    func finish(_ reason: EngineCloseReason) {
        heartbeatTimer?.cancel()
        patienceTimer?.cancel()
        poll = nil
        backlog = nil
        pendingPost?.answer.respondOK()
        pendingPost = nil
        webSocket?.close(.normal)
        webSocket = nil
        server.removeSession(id)
        let delegate = delegate
        self.delegate = nil
        observer?.seesEnd(reason, for: delegate)
        observer = nil
        delegate?.closed(reason)
    }
}
