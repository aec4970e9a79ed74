import Foundation
import JunctionSocketIO
import Testing

/// The server with MessagePack against python-socketio with `serializer="msgpack"`, which reads and writes with the package
/// `msgpack`.
@Suite(.serialized) struct ParserInteropTests {
    private struct Typed: Codable {
        let at: Date
        let bytes: Data
        let big: UInt64
    }

    @Test(
        "A scenario of python-socketio passes with MessagePack by every transport", Peer.python.requirement,
        arguments: [
            "echo", "binary", "ack", "namespace", "refusal", "unknown-namespace", "rooms", "disconnect", "blocking",
            "packed",
        ], ["polling", "websocket", "upgrade"])
    func scenario(_ scenario: String, _ transport: String) async throws {
        var options = SocketIOOptions()
        options.parser = .messagePack
        // Of a map with 70,000 members.
        options.engine.maxHttpBufferSize = 2_000_000
        let io = SocketIOApplication.server(options: options)
        io.onConnection { socket in
            socket.on("typed") { (value: Typed) in socket.emit("typed", value) }
        }
        try await io.withListening { address in
            let printed = try await PeerProcess.output(
                .python,
                [
                    "socketio_client", scenario, "http://localhost:\(try address.portText)", "--transport", transport,
                    "--serializer", "msgpack",
                ])
            #expect(printed.last == "ok \(scenario)")
        }
    }
}
