import JunctionSocketIO
import NIOCore
import RawClients

/// Serves the sockets of one client with `handler` while `client` plays the client.
func serve(
    options: SocketIOOptions = SocketIOOptions(), configure: (SocketIOServer) -> Void = { _ in },
    _ handler: @escaping @Sendable (Socket) -> Void, client: @escaping @Sendable (RawWebSocket) async throws -> Void
) async throws {
    let io = SocketIOServer(host: "127.0.0.1", options: options)
    configure(io)
    io.onConnection { handler($0) }
    try await io.withListening { address in
        try await RawWebSocket.with(address) { socket in
            try await socket.connect()
            try await client(socket)
        }
    }
}

/// What a test expects to be thrown, with something that no client may see.
struct Secret: Error, CustomStringConvertible {
    var description: String { "password: hunter2" }
}
