import SeatCommands
import Testing

/// A story of one server and its clients that Node and this package act alike, in either seat.
struct SeatScenario: Sendable, CustomTestStringConvertible {
    let title: String
    /// What every connection of the server does.
    var server: SeatScript = [:]
    var clients: [SeatScript] = [[:]]
    var maximumConnections: Int?
    /// Clients that the server refuses.
    var refused = 0
    /// How much arrives before the end is up to the system.
    var isAboutEndsAlone = false

    var testDescription: String { title }

    /// Acts the story and returns what each seat saw: `server`, `connection 1`, `client 1`.
    ///
    /// When all are connected, every connection gets the signal `go`. The story is over when all connections are.
    ///
    /// - Parameter name: what tells the seats of this performance from those of others in the same programs.
    func play(server: SeatProcess, client: SeatProcess, as name: String) async throws -> [String: [String]] {
        var command = SeatCommand(.serve, "\(name).s", script: self.server)
        command.maximumConnections = maximumConnections
        let port = try await server.serve(command)
        var seen: [String: [String]] = [:]
        let accepted = clients.count - refused
        for (index, script) in clients.enumerated() {
            try await client.connect(SeatCommand(.connect, "\(name).c\(index + 1)", port: port, script: script))
            if index < accepted {
                try await server.wait(for: "\(name).s\(index + 1)", event: "open")
            } else {
                try await server.wait(for: "\(name).s", event: "drop")
            }
        }
        for program in server === client ? [server] : [server, client] { try await program.signal("go") }
        for number in 1...clients.count {
            try await client.waitForEnd(of: "\(name).c\(number)")
            seen["client \(number)"] = journal(of: "\(name).c\(number)", in: client)
        }
        for number in 1...accepted {
            try await server.waitForEnd(of: "\(name).s\(number)")
            seen["connection \(number)"] = journal(of: "\(name).s\(number)", in: server)
        }
        try await server.stop("\(name).s")
        seen["server"] = journal(of: "\(name).s", in: server).filter { !$0.hasPrefix("listening ") }
        return seen
    }

    private func journal(of seat: String, in program: SeatProcess) -> [String] {
        program.journal(of: seat).filter { !isAboutEndsAlone || !$0.hasPrefix("data ") }
    }
}
