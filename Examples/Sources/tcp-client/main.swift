// Greets a TCP server, and ends its side when the answer has come.
import JunctionTCP

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

try await TCPClient.withConnection(port: port) { connection in
    print("서버에 연결되었습니다.")

    try await connection.write("Hello Server!")

    for try await data in connection.inbound {
        print("서버로부터 데이터 수신:", String(buffer: data))
        connection.finish()
    }

    print("서버 연결이 종료되었습니다.")
}
