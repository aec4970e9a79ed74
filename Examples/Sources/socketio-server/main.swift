// Greets every Socket.IO client that sends a message.
import JunctionSocketIO

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

let io = SocketIOServer(port: port)

io.onConnection { socket in
    print("클라이언트가 연결되었습니다.")

    socket.on("message") { (data: String) in
        print("클라이언트로부터 데이터 수신:", data)
        socket.emit("message", "Hello Client!")
    }

    socket.onDisconnect { _ in
        print("클라이언트 연결이 종료되었습니다.")
    }
}

try await io.run { _ in
    print("Socket.io 서버가 \(port)번 포트에서 대기 중입니다.")
}
