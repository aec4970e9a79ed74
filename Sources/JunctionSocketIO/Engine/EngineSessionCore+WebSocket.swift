import EngineIOProtocol
import JunctionWebSocket
import NIOCore

/// The WebSocket connection that carries the session, or probes.
extension EngineSessionCore {
    /// A WebSocket connection wants to carry the session. False when it is not wanted.
    func probe(by link: WebSocketLink) -> Bool {
        guard options.allowUpgrades, machine.probeArrived() else { return false }
        webSocket = link
        setPatience(TimeAmount(options.upgradeTimeout)) { $0.abortProbe() }
        return true
    }

    func abortProbe() {
        machine.probeLeft()
        webSocket?.close(.normal)
        webSocket = nil
        patienceTimer?.cancel()
    }

    func received(text: ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        if machine.isWebSocket, text.getInteger(at: text.readerIndex) == EnginePacket.Kind.message.byte {
            var message = text
            message.moveReaderIndex(forwardBy: 1)
            delegate?.received(text: message)
            return
        }
        do {
            let packet = try EnginePacket(text: text, revision: dialect.revision)
            if machine.isWebSocket { receive(packet) } else { receiveProbe(packet) }
        } catch {
            if machine.isWebSocket { end(.parseError) } else { abortProbe() }
        }
    }

    func received(binary bytes: ByteBuffer, from link: WebSocketLink) {
        guard link === webSocket else { return }
        guard machine.isWebSocket else { return abortProbe() }
        if dialect.revision == .four { delegate?.received(binary: bytes) } else { received(typedBinary: bytes) }
    }

    private func received(typedBinary bytes: ByteBuffer) {
        do {
            receive(try EnginePacket(typedBinary: bytes))
        } catch {
            end(.parseError)
        }
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
            if isPaused { webSocket?.pause() }
        case .abort:
            abortProbe()
        }
    }
}
