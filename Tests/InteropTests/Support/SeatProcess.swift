import Foundation
import SeatCommands
import Synchronization
import Testing

/// A program that takes seats of TCP connections, on Node's `net` or on this package; ``SeatCommand`` is what it is told and
/// what it says.
///
/// Its methods wait for one seat after the other: one caller at a time.
final class SeatProcess: Sendable {
    enum Kind: String, Sendable {
        case node = "Node"
        case ours = "Junction"
    }

    private struct State {
        var events: [String: [String]] = [:]
        var remarks: [String: [String]] = [:]
    }

    let kind: Kind
    private let process: PeerProcess
    private let state = Mutex(State())

    private init(_ kind: Kind, _ process: PeerProcess) {
        self.kind = kind
        self.process = process
    }

    /// Runs the program while `body` does, in the namespace if there is one.
    static func run<Value: Sendable>(
        _ kind: Kind, in namespace: PrivateNetwork? = nil, body: @escaping @Sendable (SeatProcess) async throws -> Value
    ) async throws -> Value {
        let (peer, command) = kind == .node ? (Peer.node, "net-seats") : (Peer.probe, "seats")
        return try await PeerProcess.run(peer, [command], through: namespace?.entry ?? [], deadline: .seconds(30)) {
            try await body(SeatProcess(kind, $0))
        }
    }

    // MARK: Commands

    func send(_ command: SeatCommand) async throws {
        let text = try JSONEncoder().encode(command)
        try await process.write(String(decoding: text, as: UTF8.self) + "\n")
    }

    /// Starts a server, and returns its port.
    func serve(_ command: SeatCommand) async throws -> Int {
        try await send(command)
        let prefix = "listening "
        try await wait(for: command.name) { $0.contains { $0.hasPrefix(prefix) || $0 == "stopped" } }
        let line = state.withLock { $0.events[command.name]?.first { $0.hasPrefix(prefix) } }
        return try #require(line.flatMap { Int($0.dropFirst(prefix.count)) }, "\(kind.rawValue) does not listen")
    }

    /// Connects, and waits until the connection is open, or over.
    func connect(_ command: SeatCommand) async throws {
        try await send(command)
        try await wait(for: command.name, event: "open")
    }

    func signal(_ name: String) async throws { try await send(SeatCommand(.signal, name)) }

    /// Stops a server, and waits until it has stopped.
    func stop(_ server: String) async throws {
        try await send(SeatCommand(.stop, server))
        try await wait(for: server, event: "stopped")
    }

    // MARK: Events

    /// Waits until the seat has said that, or that it is over.
    func wait(for seat: String, event: String) async throws {
        try await wait(for: seat) { $0.contains(event) || $0.last == "over" }
    }

    /// Waits until nothing more happens in the seat.
    func waitForEnd(of seat: String) async throws {
        try await wait(for: seat) { $0.last == "over" || $0.last == "stopped" }
    }

    private func wait(for seat: String, _ condition: ([String]) -> Bool) async throws {
        while !state.withLock({ condition($0.events[seat] ?? []) }) {
            let line = try await process.nextLine()
            let (name, event) = line.split(separator: " ", maxSplits: 1).map(String.init).asPair
            state.withLock {
                if event.hasPrefix("# ") {
                    $0.remarks[name, default: []].append(String(event.dropFirst(2)))
                } else {
                    $0.events[name, default: []].append(event)
                }
            }
        }
    }

    /// What the seat has seen so far; data that came in one go or in several is one event.
    func journal(of seat: String) -> [String] {
        let events = state.withLock { $0.events[seat] ?? [] }
        var journal: [String] = []
        var total = 0
        for event in events where event != "over" && event != "stopped" {
            if event.hasPrefix("data "), let amount = Int(event.dropFirst("data ".count)) {
                if journal.last?.hasPrefix("data ") == true { journal.removeLast() } else { total = 0 }
                total += amount
                journal.append("data \(total)")
            } else {
                journal.append(event)
            }
        }
        return journal
    }

    /// What the seat has remarked so far.
    func remarks(of seat: String) -> [String] { state.withLock { $0.remarks[seat] ?? [] } }
}

extension [String] {
    fileprivate var asPair: (String, String) { (first ?? "", count > 1 ? self[1] : "") }
}
