// Sends one datagram to a UDP server.
import JunctionUDP

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

try await UDPSocket.withSocket { socket in
    try await socket.send("Hello Server!", toHost: "127.0.0.1", port: port)
}
