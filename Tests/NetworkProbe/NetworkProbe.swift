/// Shows how this package behaves where a test has prepared the network, line by line:
///
///     network-probe race TIMEOUT-IN-MS LISTEN-ADDRESS ADDRESS…
///     network-probe seats
@main
struct NetworkProbe {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "race": try await Race.run(Array(arguments.dropFirst()))
        case "seats": try await SeatProgram().run()
        default: print("usage: network-probe race TIMEOUT-IN-MS LISTEN-ADDRESS ADDRESS… | seats")
        }
    }
}
