// Greets every TCP client that says something.
import JunctionTCP

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

let server = TCPServer(port: port) { connection in
    print("클라이언트가 연결되었습니다.")

    for try await data in connection.inbound {
        print("클라이언트로부터 데이터 수신:", String(buffer: data))
        try await connection.write("Hello Client!")
    }

    print("클라이언트 연결이 종료되었습니다.")
}

try await server.run { _ in
    print("TCP 서버가 \(port)번 포트에서 대기 중입니다.")
}
