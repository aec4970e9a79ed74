import ArgumentParser

/// The program `junction`.
@main
struct Junction: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "junction",
        abstract: "Where TCP, UDP and Socket.IO meet.",
        version: "0.1.0",
        subcommands: [Serve.self],
        defaultSubcommand: Serve.self)
}
