import JunctionCore
import JunctionTCP
import NIOCore

#if canImport(Glibc)
import Glibc
#endif

let port = Int(String(cString: getenv("PORT")))!
switch CommandLine.arguments.dropFirst().first {
case "tcp":
    try await TCPServer(host: "127.0.0.1", port: port) { connection in
        for try await data in connection.inbound { try await connection.write(data) }
    }.run()
case "tcp-inline":
    try await TCPServer(host: "127.0.0.1", port: port, onMessage: { data, connection in connection.write(data) }).run()
default: print("usage: bench-server tcp|tcp-inline|udp|websocket|socketio")
}
