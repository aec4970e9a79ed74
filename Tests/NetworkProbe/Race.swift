import JunctionTCP
import NIOCore

/// Listens on one address, connects to a host that has the others, and prints each attempt without its port, and what came
/// of it.
enum Race {
    static func run(_ arguments: [String]) async throws {
        guard let timeout = arguments.first.flatMap({ Int($0) }), let listen = arguments.dropFirst().first else {
            return print("usage: network-probe race TIMEOUT-IN-MS LISTEN-ADDRESS ADDRESS…")
        }
        let addresses = Array(arguments.dropFirst(2))
        let server = TCPServer(host: listen, port: 0) { connection in
            try await connection.write("hello")
        }
        try await server.withListening { address in
            var options = ConnectOptions()
            options.timeout = .milliseconds(timeout)
            options.resolver = StaticHostResolver(["device": addresses])
            options.onAttempt = { print(line($0)) }
            do {
                try await TCPClient.withConnection(host: "device", port: address.port ?? 0, options: options) {
                    for try await greeting in $0.inbound { print("read \(String(buffer: greeting))") }
                }
            } catch let error as NetworkError {
                print("failed \(error.code): \(error.underlying.map { $0.address?.ipAddress ?? "unknown" })")
            }
        }
    }

    private static func line(_ attempt: ConnectAttempt) -> String {
        let outcome =
            switch attempt.outcome {
            case .started: "started"
            case .succeeded: "succeeded"
            case .failed(let error): "failed \(error.code)"
            case .abandoned: "abandoned"
            }
        return "\(attempt.ordinal) \(attempt.address.ipAddress ?? "unknown") \(outcome)"
    }
}
