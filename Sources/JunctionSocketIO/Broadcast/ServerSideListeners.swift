import SocketIOProtocol
import Synchronization

/// What a server calls when another one emits to it.
package final class ServerSideListeners: Sendable {
    /// A listener returns what it answers, if it answers.
    typealias Listener = @Sendable (EventArguments) async throws -> EventPacket?

    private let listeners = Mutex<[String: [Listener]]>([:])

    func add(_ event: String, _ listener: @escaping Listener) {
        listeners.withLock { $0[event, default: []].append(listener) }
    }

    /// Calls the listeners for an event of another server, one after another.
    ///
    /// - Returns: the first answer of a listener; `nil` when none answers.
    /// - Throws: what a listener throws.
    package func receive(_ packet: EventPacket) async throws -> EventPacket? {
        let listeners = listeners.withLock { $0[packet.name] ?? [] }
        guard !listeners.isEmpty else { return nil }
        let arguments = try packet.decodedArguments()
        var answer: EventPacket?
        for listener in listeners {
            let given = try await listener(arguments)
            answer = answer ?? given
        }
        return answer
    }
}
