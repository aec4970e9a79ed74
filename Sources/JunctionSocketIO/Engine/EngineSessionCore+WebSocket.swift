import EngineIOProtocol
import JunctionWebSocket
import NIOCore
import Synchronization

/// The WebSocket connection that carries the session, or probes.
extension EngineSessionCore {
    /// A WebSocket connection wants to carry the session. False when it is not wanted.
    func probe(by link: WebSocketLink) -> Bool {
        guard server.options.allowUpgrades, machine.probeArrived() else { return false }
        webSocket = link
        setPatience(TimeAmount(server.options.upgradeTimeout)) { $0.abortProbe() }
        return true
    }

    func abortProbe() {
        machine.probeLeft()
        webSocket?.close(.normal)
        webSocket = nil
        patienceTimer?.cancel()
    }

    func received(text: consuming ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        if machine.isWebSocket, text.getInteger(at: text.readerIndex) == EnginePacket.Kind.message.byte {
            text.moveReaderIndex(forwardBy: 1)
            if let observer { observer.sees(EnginePacket(.message, copy text), for: delegate) }
            delegate?.received(text: text)
            return
        }
        do {
            let packet = try EnginePacket(text: text, revision: dialect.revision)
            if machine.isWebSocket { receive(packet) } else { receiveProbe(packet) }
        } catch {
            if machine.isWebSocket { end(.parseError) } else { abortProbe() }
        }
    }

    func received(binary bytes: consuming ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        guard machine.isWebSocket else { return abortProbe() }
        guard dialect.revision == .four else { return received(typedBinary: bytes) }
        if let observer { observer.sees(EnginePacket(binary: copy bytes), for: delegate) }
        delegate?.received(binary: bytes)
    }

    private func received(typedBinary bytes: ByteBuffer) {
        do {
            receive(try EnginePacket(typedBinary: bytes))
        } catch {
            end(.parseError)
        }
    }

    /// The connection takes more.
    func writable(_ link: WebSocketLink) {
        guard link === webSocket, machine.isWebSocket else { return }
        releaseBacklog()
        tellIfCaughtUp()
    }

    func closed(_ link: WebSocketLink, _ close: WebSocketClose) {
        guard link === webSocket else { return }
        if machine.isWebSocket {
            end(close.isFailure ? .transportError : .transportClose)
        } else {
            webSocket = nil
            machine.probeLeft()
            patienceTimer?.cancel()
        }
    }

    private func receiveProbe(_ packet: EnginePacket) {
        switch machine.probeReceived(packet) {
        case .answerProbe(let noop):
            write(EnginePacket(.pong, EngineServerSession.probe))
            if noop { answerPoll([EnginePacket(.noop)]) }
        case .upgraded(let queue):
            patienceTimer?.cancel()
            poll?.respond(EngineRequestError(.badRequest))
            poll = nil
            for packet in queue { write(packet) }
            isUpgraded.store(true, ordering: .relaxed)
            observer?.onUpgrade(.websocket)
            releaseBacklog()
            tellIfCaughtUp()
            if isPaused { webSocket?.pause() }
        case .abort:
            abortProbe()
        }
    }
}
