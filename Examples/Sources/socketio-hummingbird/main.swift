// A Socket.IO server on the port of a Hummingbird application, beside its routes.
import Hummingbird
import JunctionHummingbird
import JunctionSocketIO

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3000

let io = SocketIOServer()

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

let router = Router()
router.get("/") { _, _ in "Hello Client!" }

let application = Application(
    router: router, server: .http1(mounting: io.mount()),
    configuration: ApplicationConfiguration(address: .hostname("0.0.0.0", port: port)),
    onServerRunning: { _ in print("Socket.io 서버가 \(port)번 포트에서 대기 중입니다.") })

try await application.runService()
