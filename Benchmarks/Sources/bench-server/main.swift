// Echo servers for the load generator, on 127.0.0.1 at the port in the environment variable PORT. Each runs the code that
// a user would write.
import JunctionSocketIO
import JunctionTCP
import JunctionUDP

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

let host = "127.0.0.1"
let port = getenv("PORT").flatMap { Int(String(cString: $0)) } ?? 3000

/// Answers `message`, `ack`, `broadcast`, `join` and `toroom`, and `work` after some microseconds of computing. Clients that fall
/// silent are given up after `PING` seconds, and as many again.
func socketIOServer() -> SocketIOServer {
    var options = SocketIOOptions()
    if let seconds = getenv("PING").flatMap({ Int(String(cString: $0)) }) {
        options.engine.pingInterval = .seconds(seconds)
        options.engine.pingTimeout = .seconds(seconds)
    }
    let io = SocketIOServer(host: host, port: port, options: options)
    io.onConnection { socket in
        socket.on("message") { (value: SocketIOValue) in socket.emit("message", value) }
        socket.on("ack") { (value: SocketIOValue) in value }
        socket.on("broadcast") { (value: SocketIOValue) in io.emit("message", value) }
        socket.on("work") { (value: SocketIOValue) in
            guard compute() != 0 else { return }
            socket.emit("work", value)
        }
        socket.on("join") { (room: String) in socket.join(room) }
        socket.on("toroom") { (room: String, value: SocketIOValue) in io.to(room).emit("message", value) }
    }
    return io
}

/// What a handler may do besides answering: a chain of multiplications, of about 15 µs, whose end nobody knows before.
func compute() -> UInt64 {
    var state = UInt64.random(in: 1...UInt64.max)
    for _ in 0..<10_000 { state = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9 }
    return state
}

let server: any ListeningService
switch CommandLine.arguments.dropFirst().first {
case "tcp":
    server = TCPServer(host: host, port: port) { connection in
        for try await data in connection.inbound { try await connection.write(data) }
    }
case "tcp-inline":
    server = TCPServer(host: host, port: port, onMessage: { data, connection in connection.write(data) })
case "tcp-nio":
    server = NIOEchoServer(host: host, port: port)
case "tcp-lines":
    server = TCPServer(host: host, port: port, framing: .lines()) { connection in
        for try await line in connection.inbound { try await connection.write(line) }
    }
case "tcp-lines-inline":
    server = TCPServer(
        host: host, port: port, framing: .lines(), onMessage: { line, connection in connection.write(line) })
case "udp":
    server = UDPServer(
        host: host, port: port, onDatagram: { datagram, socket in socket.send(datagram.payload, to: datagram.sender) })
case "websocket":
    // As `Scripts/autobahn` wants it, too: with messages of 16 MiB, and compressed for clients that offer it.
    server = WebSocketServer(
        host: host, port: port, maximumMessageSize: 1 << 26, maximumBufferedBytes: 1 << 28,
        perMessageDeflate: WebSocketCompression(),
        onMessage: { message, connection in connection.send(message) })
case "socketio":
    server = socketIOServer()
default:
    print("usage: PORT=3000 bench-server tcp|tcp-inline|tcp-nio|tcp-lines|tcp-lines-inline|udp|websocket|socketio")
    exit(64)
}
try await server.run()
