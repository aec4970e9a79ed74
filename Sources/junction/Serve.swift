import ArgumentParser
import JunctionCore
import JunctionGateway
import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `junction serve`: the hub.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lets raw TCP, UDP and Socket.IO clients talk to each other on one port.",
        discussion: """
            Each line of a TCP client, each datagram and each Socket.IO event 'message' reaches every other client. \
            A web page at / shows who is there and what they say.
            """)

    @Option(help: "The number of the TCP and of the UDP port; 0 asks for a free one.")
    var port = 3000

    @Option(help: "The name or address to listen on. Anything but loopback opens the hub to the network.")
    var host = "127.0.0.1"

    @Option(
        name: .customLong("origin"),
        help: "A web origin that may connect besides the hub's own page, such as http://localhost:5173. Repeatable.")
    var origins: [String] = []

    @Option(help: "Milliseconds after which a TCP client that says nothing is a raw one that waits to be spoken to.")
    var silence = 500

    @Option(help: "How much to log to standard error.")
    var logLevel = LogLevel.notice

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port takes a number from 0 to 65535.") }
        guard (1...3_600_000).contains(silence) else {
            throw ValidationError("--silence takes 1 to 3600000 milliseconds.")
        }
    }

    func run() async throws {
        let level = logLevel.level
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "junction")
        if !Gateway.isLoopback(host) {
            logger.warning("open to the network, and nothing authenticates the peers", metadata: ["host": "\(host)"])
        }
        var configuration = Gateway.Configuration()
        configuration.origins = Set(origins)
        configuration.sniffPatience = .milliseconds(silence)
        let gateway = Gateway(host: host, port: port, configuration: configuration, logger: logger)
        let group = ServiceGroup(
            services: [AnnouncedService(gateway: gateway)], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger
        )
        do {
            try await group.run()
        } catch let error as NetworkError {
            throw ServeError(description: "\(error.message).\(hint(for: error))")
        }
    }

    private func hint(for error: NetworkError) -> String {
        switch error.code {
        case .addressInUse: " Stop it, or choose another port with --port."
        case .permissionDenied: " Ports below 1024 need a privilege: choose another with --port."
        case .addressNotAvailable, .hostNotFound: " Check --host."
        default: ""
        }
    }
}

/// Says where the gateway listens as soon as it does.
private struct AnnouncedService: Service {
    let gateway: Gateway

    func run() async throws {
        try await gateway.run { address in
            guard let port = address.port, let host = address.ipAddress else { return }
            let shown = host.contains(":") ? "[\(host)]" : host
            print(
                """
                Junction listens on \(shown), port \(port).
                  TCP        ncat \(host) \(port)
                  UDP        ncat -u \(host) \(port)
                  Socket.IO  io("http://\(shown):\(port)")
                  Web page   http://\(shown):\(port)/
                Stop it with Ctrl-C.
                """)
            fflush(nil)
        }
    }
}

/// Why the hub does not run; the program prints it and exits with 1.
private struct ServeError: Error, CustomStringConvertible {
    let description: String
}

/// The levels as the command line spells them.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .notice }
}
