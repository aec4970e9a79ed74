import JunctionTCP
import NIOCore
import SeatCommands
import Synchronization
import TestSupport

/// One connection that follows a script and says what it sees, in the words of Node's events.
final class Seat: Sendable {
    private struct State {
        /// The script has reset the connection: what comes of that is no event.
        var hasLeft = false
        var isPaused = false
        var lastError: NetworkError.Code?
    }

    private let name: String
    private let connection: TCPConnection
    private let script: SeatScript
    private let state = Mutex(State())
    private let resumed = Gate()
    private let ownEnd = Gate()

    init(_ name: String, _ connection: TCPConnection, _ script: SeatScript) {
        self.name = name
        self.connection = connection
        self.script = script
    }

    /// Returns when the connection is closed.
    func play() async {
        say("# from \(connection.remoteAddress?.text ?? "nowhere") to \(connection.localAddress?.text ?? "nowhere")")
        say("open")
        await follow("open")
        do {
            try await read()
        } catch {
            say(error)
        }
        connection.close()  // as a server does when its handler returns
        await connection.waitUntilClosed()
        if case .error = await connection.closeReason { say("close after error") } else { say("close") }
    }

    private func read() async throws {
        var inbound = connection.inbound.makeAsyncIterator()
        var received = 0
        while !hasLeft {
            if state.withLock({ $0.isPaused }) { await resumed.wait() }
            guard let data = try await inbound.next() else { break }
            if hasLeft { return }
            say("data \(data.readableBytes)")
            let before = received
            received += data.readableBytes
            for moment in moments where before < moment && moment <= received { await follow("data \(moment)") }
        }
        if hasLeft { return }
        say("end")
        await follow("end")
        if script.allowsHalfOpen { await ownEnd.wait() }
    }

    /// The amounts of data that rules are about, in order.
    private var moments: [Int] {
        script.rules.keys.compactMap { $0.hasPrefix("data ") ? Int($0.dropFirst("data ".count)) : nil }.sorted()
    }

    private var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// Does what the rule of that name says, if there is one.
    func follow(_ rule: String) async {
        for action in script.rules[rule]?.split(separator: ",") ?? [] {
            let words = action.split(separator: " ")
            await perform(words.first ?? "", words.dropFirst().first.flatMap { Int($0) } ?? 0)
        }
    }

    private func perform(_ action: Substring, _ amount: Int) async {
        switch action {
        case "write":
            do { try await connection.write(ByteBuffer(repeating: 0x61, count: amount)) } catch { say(error) }
        case "queue":
            queue(amount)
        case "end":
            connection.finish()
            ownEnd.open()
        case "reset", "destroy":
            state.withLock { $0.hasLeft = true }
            connection.reset()
            ownEnd.open()
        case "pause":
            state.withLock { $0.isPaused = true }
        case "resume":
            state.withLock { $0.isPaused = false }
            resumed.open()
        case "idle":
            connection.setIdleTimeout(.milliseconds(amount))
        default:
            say("# cannot \(action)")
        }
    }

    /// Not `async`, so that the form of `write` is taken that is not, either.
    private func queue(_ amount: Int) { connection.write(ByteBuffer(repeating: 0x61, count: amount)) }

    private func say(_ event: String) { SeatProgram.say(name, event) }

    /// One failure may end several calls.
    private func say(_ error: any Error) {
        let code = (error as? NetworkError)?.code
        let isNew = state.withLock { state in
            defer { state.lastError = code }
            return code == nil || state.lastError != code
        }
        if isNew { SeatProgram.say(name, error) }
    }
}
