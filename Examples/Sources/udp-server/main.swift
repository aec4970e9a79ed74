// Answers every datagram.
import JunctionUDP

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

let server = UDPServer(port: port) { datagram, socket in
    print("클라이언트로부터 데이터 수신:", String(buffer: datagram.payload))
    try await socket.send("Hello Client!", to: datagram.sender)
}

try await server.run { _ in
    print("UDP 서버가 \(port)번 포트에서 대기 중입니다.")
}
