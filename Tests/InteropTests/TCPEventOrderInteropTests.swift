import SeatCommands
import Testing

/// What happens to a connection, and in which order, as Node's `net` and this package see it.
@Suite(.timeLimit(.minutes(2)), Peer.node.requirement) struct TCPEventOrderInteropTests {
    @Test(
        "A server and a client see the same events in the same order as on Node's net, whoever has the other seat",
        arguments: SeatScenario.all)
    func sameEvents(_ scenario: SeatScenario) async throws {
        try await SeatProcess.run(.node) { node in
            try await SeatProcess.run(.ours) { ours in
                let reference = try await scenario.play(server: node, client: node, as: "a")
                for (name, server, client) in [("b", node, ours), ("c", ours, node), ("d", ours, ours)] {
                    let seen = try await scenario.play(server: server, client: client, as: name)
                    let differences = Difference.all.filter {
                        $0.scenario == scenario.title && ($0.cause == .client ? client : server).kind == .ours
                    }
                    for (seat, journal) in reference {
                        let difference = differences.last { $0.seat == seat }
                        #expect(
                            seen[seat] == difference?.seen ?? journal,
                            "\(seat), \(server.kind.rawValue) server and \(client.kind.rawValue) client")
                        if let difference { #expect(difference.seen != journal, "is no difference any more") }
                    }
                    #expect(seen.count == reference.count)
                }
            }
        }
    }

    @Test("The table of differences is about scenarios that there are")
    func tableIsComplete() {
        #expect(Set(Difference.all.map(\.scenario)).isSubset(of: SeatScenario.all.map(\.title)))
    }
}

extension SeatScenario {
    static let all = [
        SeatScenario(title: "the server ends first", server: ["open": "write 5, end"]),
        SeatScenario(title: "the client ends first", clients: [["open": "write 5, end"]]),
        SeatScenario(title: "both end at once", server: ["go": "end"], clients: [["go": "end"]]),
        SeatScenario(
            title: "the client ends, and the server answers late", server: .halfOpen(["end": "write 7, end"]),
            clients: [["open": "write 5, end"]]),
        SeatScenario(
            title: "the server ends, and the client answers late", server: ["open": "write 5, end"],
            clients: [.halfOpen(["end": "write 7, end"])]),
        SeatScenario(
            title: "an echo", server: ["data 100": "write 100"], clients: [["open": "write 100", "data 100": "end"]]),
        SeatScenario(title: "a large answer, then the end", server: ["open": "write 8000000, end"]),
        SeatScenario(
            title: "a large answer to a slow client", server: ["open": "write 8000000, end"],
            clients: [["open": "pause", "go": "resume"]]),
        SeatScenario(
            title: "the client resets", server: ["open": "write 5"], clients: [["data 5": "reset"]]),
        SeatScenario(
            title: "the server resets", server: ["data 5": "reset"], clients: [["open": "write 5"]]),
        SeatScenario(title: "the client resets at once", clients: [["open": "reset"]]),
        SeatScenario(title: "the server resets at once", server: ["open": "reset"]),
        SeatScenario(
            title: "the client resets while the server writes", server: ["open": "write 8000000"],
            clients: [["data 1": "reset"]], isAboutEndsAlone: true),
        SeatScenario(
            title: "the server resets while the client writes", server: ["data 1": "reset"],
            clients: [["open": "write 8000000"]], isAboutEndsAlone: true),
        SeatScenario(
            title: "the server resets behind its answer", server: ["data 5": "write 7", "data 6": "reset"],
            clients: [["open": "write 5", "data 7": "write 1"]]),
        SeatScenario(
            title: "the server is idle too long", server: ["open": "idle 50", "timeout": "destroy"]),
        SeatScenario(
            title: "the client is idle too long", clients: [["open": "idle 50", "timeout": "destroy"]]),
        SeatScenario(
            title: "the client writes after the server's end", server: ["open": "write 5, end"],
            clients: [["end": "write 7"]]),
        SeatScenario(
            title: "the client writes after its own end", server: .halfOpen(["end": "end"]),
            clients: [["open": "write 5, end, write 7"]]),
        SeatScenario(
            title: "the server drops what it has queued", server: ["open": "queue 16000000, destroy"],
            isAboutEndsAlone: true),
        SeatScenario(
            title: "the server has as many connections as it may have", server: ["open": "write 5"],
            clients: [["go": "end"], [:]], maximumConnections: 1, refused: 1),
    ]
}

/// What is seen where this package behaves otherwise than Node's `net`, on purpose.
private struct Difference {
    enum Side { case server, client }

    let scenario: String
    /// Who sees it.
    let seat: String
    /// The side that this package has; the other may be either.
    let cause: Side
    let seen: [String]
    let reason: String

    static let all: [Difference] = []
}
