import Foundation
import JunctionTCP

/// Listens where the test has prepared it, greets each client by line, and sends its lines back.
///
///     listen-probe host HOST PORT
///     listen-probe unix PATH
///     listen-probe systemd [NAME]     and then once more on what is taken already, and prints the error
@main
struct ListenProbe {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard let kind = arguments.first, let place = place(kind, Array(arguments.dropFirst())) else {
            return print("usage: listen-probe host HOST PORT | unix PATH | systemd [NAME]")
        }
        do {
            try await server(place).run { address in
                say("listens on \(address.pathname ?? address.port.map { "port \($0)" } ?? "?")")
                guard kind == "systemd" else { return }
                Task {
                    do { try await server(place).run() } catch { say("once more: \(error)") }
                }
            }
        } catch {
            say("\(error)")
        }
    }

    private static func server(_ place: ListenAddress) -> TCPServer {
        TCPServer(on: place, framing: .lines()) { connection in
            try await connection.write("hello")
            for try await line in connection.inbound { try await connection.write(line) }
        }
    }

    private static func place(_ kind: String, _ rest: [String]) -> ListenAddress? {
        switch (kind, rest.count) {
        case ("host", 2): Int(rest[1]).map { .host(rest[0], port: $0) }
        case ("unix", 1): .unix(path: rest[0])
        case ("systemd", 0...1): .systemd(name: rest.first)
        default: nil
        }
    }

    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
