import EngineIOProtocol
import NIOCore

/// What the client sent, whichever way it came, and how it is slowed down.
extension EngineSessionCore {
    func receive(_ packet: EnginePacket) {
        observer?.sees(packet, for: delegate)
        switch machine.receive(packet) {
        case .none: break
        case .deliver(.text(let text)): delegate?.received(text: text)
        case .deliver(.binary(let bytes)): delegate?.received(binary: bytes)
        case .pong: heartbeat.pong(.now())
        case .ping:
            heartbeat.ping(.now())
            send(EnginePacket(.pong))
        case .close(let closing): finish(closing)
        }
    }

    /// Stops delivering messages: the layer above is behind. The client is slowed down by its transport.
    func pause() {
        guard !isPaused else { return }
        isPaused = true
        heartbeat.pause(.now())
        if machine.isWebSocket { webSocket?.pause() }
    }

    /// Goes on after ``pause()``.
    func resume() {
        guard isPaused else { return }
        isPaused = false
        heartbeat.resume(.now())
        takePost()
        webSocket?.resume()
    }
}
