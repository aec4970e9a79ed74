import Foundation
import JunctionTCP
import SeatCommands
import Testing

/// What happens to a connection, and in which order, as Node's `net` and this package see it.
@Suite(.timeLimit(.minutes(5)), Peer.node.requirement) struct TCPEventOrderInteropTests {
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
                        let observer = seat.hasPrefix("client") ? client : server
                        let expected = [difference?.seen ?? journal] + (difference?.also(by: observer.kind) ?? [])
                        #expect(
                            seen[seat].map(expected.contains) == true,
                            """
                            \(seat), \(server.kind.rawValue) server and \(client.kind.rawValue) client: \
                            \(seen[seat] ?? []) is not \(expected)
                            """)
                        if let difference { #expect(difference.seen != journal, "is no difference any more") }
                    }
                    #expect(seen.count == reference.count)
                }
            }
        }
    }

    @Test("A connect that fails, and a server that cannot listen, fail with the codes of Node's net")
    func failures() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "junction-\(UUID())").path
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        defer { try? FileManager.default.removeItem(atPath: file) }
        // It has a port, and nobody can connect to it, nor listen there.
        let socket = try await BoundSocket.bind(host: "127.0.0.1", port: 0)
        let port = try #require(socket.localAddress?.port)
        let commands = [
            SeatCommand(.connect, "refused", port: port),
            SeatCommand(.connect, "port-0", port: 0),
            SeatCommand(.connect, "no-file", path: "\(file).none"),
            SeatCommand(.connect, "no-socket", path: file),
            SeatCommand(.connect, "no-directory", path: "\(file)/socket"),
            SeatCommand(.connect, "foreign-address", port: port, localAddress: "192.0.2.1"),
            SeatCommand(.serve, "busy-port", port: port),
            SeatCommand(.serve, "foreign-server", host: "192.0.2.1", port: 0),
            SeatCommand(.serve, "file-in-the-way", path: file),
        ]
        try await SeatProcess.run(.node) { node in
            try await SeatProcess.run(.ours) { ours in
                for command in commands {
                    for program in [node, ours] {
                        try await program.send(command)
                        try await program.waitForEnd(of: command.name)
                    }
                    // Here a call throws, and there is nothing that could close.
                    let reference = node.journal(of: command.name).filter { $0 != "close after error" }
                    #expect(reference.first?.hasPrefix("error ") == true)
                    #expect(ours.journal(of: command.name) == reference, "\(command.name)")
                }
            }
        }
        socket.close()
    }

    @Test(
        "A server that stops tells its clients, where Node's leaves them alone until they end",
        arguments: [SeatProcess.Kind.node, .ours])
    func stop(kind: SeatProcess.Kind) async throws {
        try await SeatProcess.run(.node) { node in
            try await SeatProcess.run(kind) { client in
                let port = try await node.serve(SeatCommand(.serve, "s"))
                try await client.connect(SeatCommand(.connect, "c", port: port, script: ["leave": "end"]))
                try await node.wait(for: "s1", event: "open")
                try await node.send(SeatCommand(.stop, "s"))
                try await node.connect(SeatCommand(.connect, "late", port: port))
                #expect(node.journal(of: "late").first == "error ECONNREFUSED")
                try await client.signal("leave")
                try await node.waitForEnd(of: "s1")
                try await node.waitForEnd(of: "s")
                #expect(node.journal(of: "s1") == ["open", "end", "close"])
            }
        }
        try await SeatProcess.run(.ours) { server in
            try await SeatProcess.run(kind) { client in
                let port = try await server.serve(SeatCommand(.serve, "s"))
                try await client.connect(SeatCommand(.connect, "c", port: port))
                try await server.wait(for: "s1", event: "open")
                try await server.stop("s")
                try await server.waitForEnd(of: "s1")
                try await client.waitForEnd(of: "c")
                #expect(client.journal(of: "c") == ["open", "end", "close"])
                #expect(server.journal(of: "s1") == ["open", "end", "close"])
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
        SeatScenario(title: "the server resets a silent connection", server: ["go": "reset"]),
        SeatScenario(
            title: "the client resets while the server writes", server: ["open": "write 8000000"],
            clients: [["data 1": "reset"]], isAboutEndsAlone: true),
        SeatScenario(
            title: "the client resets while the server's end waits behind what is queued",
            server: ["open": "queue 8000000, end"], clients: [["data 1": "reset"]], isAboutEndsAlone: true),
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
    /// What Node sees at other times: libuv takes a reset that comes right behind data for an end.
    var seenByNodeAtTimes: [String]?
    let reason: String

    func also(by observer: SeatProcess.Kind) -> [[String]] {
        observer == .node ? seenByNodeAtTimes.map { [$0] } ?? [] : []
    }

    private static let wholeOrError =
        "What is queued is dropped by a reset alone, which tells the peer that it did not get all"
    private static let idleIsError =
        "A connection that is idle too long fails, with the code of any other time that is over"
    private static let halfOpen = "The other direction goes on: ending one is no fault of it"

    static let all = [
        Difference(
            scenario: "the server drops what it has queued", seat: "client 1", cause: .server,
            seen: ["open", "error ECONNRESET", "close after error"], seenByNodeAtTimes: ["open", "end", "close"],
            reason: wholeOrError),
        Difference(
            scenario: "the server is idle too long", seat: "connection 1", cause: .server,
            seen: ["open", "error ETIMEDOUT", "close after error"], reason: idleIsError),
        Difference(
            scenario: "the client is idle too long", seat: "client 1", cause: .client,
            seen: ["open", "error ETIMEDOUT", "close after error"], reason: idleIsError),
        Difference(
            scenario: "the client writes after its own end", seat: "client 1", cause: .client,
            seen: ["open", "error EPIPE", "end", "close"], reason: halfOpen),
    ]
}
