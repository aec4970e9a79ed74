import Foundation
import JunctionTCP
import NIOCore
import SeatCommands
import Synchronization

/// Takes seats of TCP connections; ``SeatCommand`` says what it is told and what it prints.
final class SeatProgram: Sendable {
    private struct State {
        var servers: [String: Task<Void, Never>] = [:]
        var seats: [String: Seat] = [:]
    }

    private let state = Mutex(State())

    /// Does what standard input says until it ends.
    func run() async throws {
        let decoder = JSONDecoder()
        while let line = readLine() {
            let command = try decoder.decode(SeatCommand.self, from: Data(line.utf8))
            switch command.action {
            case .serve: serve(command)
            case .connect: Task { await connect(command) }
            case .signal: signal(command.name)
            case .stop: state.withLock { $0.servers[command.name] }?.cancel()
            }
        }
    }

    /// Prints an event at once.
    static func say(_ name: String, _ event: String) {
        FileHandle.standardOutput.write(Data("\(name) \(event)\n".utf8))
    }

    static func say(_ name: String, _ error: any Error) {
        let error = NetworkError(error, doing: "probe")
        say(name, "error \(error.code)")
        say(name, "# \(error.message)")
    }

    private func signal(_ name: String) {
        for seat in state.withLock({ Array($0.seats.values) }) { Task { await seat.follow(name) } }
    }

    private func serve(_ command: SeatCommand) {
        let name = command.name
        let server = TCPServer(on: Self.listenAddress(command), configuration: Self.configuration(command)) {
            await self.play($0, as: name + String(self.nextNumber(of: name)), command.script)
        }
        let task = Task {
            do {
                try await server.run {
                    Self.say(name, "# listens on \($0.text)")
                    Self.say(name, "listening \($0.port ?? 0)")
                }
            } catch {
                Self.say(name, error)
            }
            Self.say(name, "stopped")
        }
        state.withLock { $0.servers[name] = task }
    }

    private let numbers = Mutex<[String: Int]>([:])

    private func nextNumber(of server: String) -> Int {
        numbers.withLock {
            $0[server, default: 0] += 1
            return $0[server, default: 0]
        }
    }

    private func connect(_ command: SeatCommand) async {
        var options = ConnectOptions()
        options.localAddress = command.localAddress
        options.localPort = command.localPort
        if let limit = command.connectTimeout { options.timeout = .milliseconds(limit) }
        let configuration = Self.configuration(command).connection
        do {
            let connection =
                if let path = command.path {
                    try await TCPClient.connect(
                        to: SocketAddress(unixDomainSocketPath: path), options: options, configuration: configuration)
                } else {
                    try await TCPClient.connect(
                        host: command.host ?? "127.0.0.1", port: command.port ?? 0, options: options,
                        configuration: configuration)
                }
            await play(connection, as: command.name, command.script)
        } catch {
            Self.say(command.name, error)
            Self.say(command.name, "over")
        }
    }

    private func play(_ connection: TCPConnection, as name: String, _ script: SeatScript) async {
        let seat = Seat(name, connection, script)
        state.withLock { $0.seats[name] = seat }
        await seat.play()
        state.withLock { $0.seats[name] = nil }
        Self.say(name, "over")
    }

    private static func listenAddress(_ command: SeatCommand) -> ListenAddress {
        if let path = command.path { return .unix(path: path) }
        return .host(command.host ?? "127.0.0.1", port: command.port ?? 0)
    }

    private static func configuration(_ command: SeatCommand) -> TCPServer.Configuration {
        var configuration = TCPServer.Configuration()
        configuration.maximumConnections = command.maximumConnections
        configuration.onDrop = { _ in say(command.name, "drop") }
        if let limit = command.writeTimeout { configuration.connection.writeTimeout = .milliseconds(limit) }
        if let times = command.keepAlive, times.count == 3 {
            configuration.connection.socket.keepAlive = SocketOptions.KeepAlive(
                idle: .seconds(times[0]), interval: .seconds(times[1]), count: times[2])
        }
        return configuration
    }
}
