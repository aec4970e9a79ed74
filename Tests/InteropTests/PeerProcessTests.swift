import Foundation
import Testing

/// The harness itself, shown on peers that talk to each other.
@Suite struct PeerProcessTests {
    @Test("Node's TCP client and server greet each other", Peer.node.requirement)
    func tcpPeers() async throws {
        try await PeerProcess.run(.node, ["net-server", "0"]) { server in
            let port = String(try await server.port())
            try await PeerProcess.run(.node, ["net-client", port]) { client in
                try await client.expect("서버에 연결되었습니다.")
                try await client.expect("서버로부터 데이터 수신: Hello Client!")
                try await client.expect("서버 연결이 종료되었습니다.")
                try await client.expectEnd()
            }
            try await server.expect("클라이언트가 연결되었습니다.")
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
            try await server.expect("클라이언트 연결이 종료되었습니다.")
        }
    }

    @Test("Node's UDP client and server greet each other", Peer.node.requirement)
    func udpPeers() async throws {
        try await PeerProcess.run(.node, ["dgram-server", "0"]) { server in
            let port = String(try await server.port())
            #expect(
                try await PeerProcess.output(.node, ["dgram-client", port, "reply"])
                    == ["서버로부터 데이터 수신: Hello Client!"])
            #expect(try await PeerProcess.output(.node, ["dgram-client", port]) == [])
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
            try await server.expect("클라이언트로부터 데이터 수신: Hello Server!")
        }
    }

    @Test("What is written to a peer's input arrives, and its end ends the peer", Peer.socat.requirement)
    func standardInput() async throws {
        try await PeerProcess.run(.socat, ["-", "EXEC:cat"]) { peer in
            try await peer.write("first\nsecond ")
            try await peer.expect("first")
            try await peer.write("half\n")
            try await peer.expect("second half")
            try await peer.finishInput()
            try await peer.expectEnd()
        }
    }

    @Test("A page in the browser obeys line by line", Peer.browser.requirement)
    func browserPage() async throws {
        let url = "data:text/html,<input autofocus oninput='document.title=value'>"
        try await PeerProcess.run(.browser, ["browser", "page", url]) { page in
            try await page.expect("opened \(url)")
            try await page.write("wait document.activeElement.tagName === 'INPUT'\n")
            try await page.expect("ok")
            try await page.write("type 안녕\n")
            try await page.expect("ok")
            try await page.write("value document.title\n")
            try await page.expect("\"안녕\"")
            try await page.finishInput()
            try await page.expectEnd()
        }
    }

    @Test("All that a peer printed before its end is read", Peer.node.requirement)
    func completeOutput() async throws {
        let program = "for (let i = 0; i < 20000; i++) console.log(i)"
        let plain = Peer(name: "node", executable: Peer.node.executable, scriptExtension: nil)
        #expect(try await PeerProcess.output(plain, ["-e", program]) == (0..<20_000).map(String.init))
    }

    @Test("A failing peer is a failure that shows its output", Peer.python.requirement)
    func failingPeer() async throws {
        let failure = await #expect(throws: PeerFailure.self) {
            try await PeerProcess.output(.python, ["socketio_client", "polling", "http://127.0.0.1:1"])
        }
        #expect(failure?.description.contains("failed polling: ConnectionError") == true)
    }

    @Test("A peer that prints nothing more is a failure at the deadline, and ended", Peer.node.requirement)
    func hangingPeer() async throws {
        let failure = await #expect(throws: PeerFailure.self) {
            try await PeerProcess.run(.node, ["net-server", "0"], deadline: .milliseconds(1)) { server in
                while true { _ = try await server.nextLine() }
            }
        }
        #expect(failure?.reason.contains("within 0.001 seconds") == true)
    }
}
