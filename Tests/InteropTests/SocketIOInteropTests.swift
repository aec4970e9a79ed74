import JunctionSocketIO
import Testing

/// The Socket.IO server against python-socketio and the stock client in a browser.
///
/// One test at a time: each starts a program, and many at once would only wait for each other.
@Suite(.serialized) struct SocketIOInteropTests {
    @Test(
        "python-socketio connects by the transport it asks for", Peer.python.requirement,
        arguments: ["polling", "websocket", "upgrade"])
    func transport(_ transport: String) async throws {
        try await expect(transport, by: transport)
    }

    @Test(
        "A scenario of python-socketio passes by every transport", Peer.python.requirement,
        arguments: [
            "echo", "binary", "ack", "namespace", "refusal", "unknown-namespace", "rooms", "disconnect", "blocking",
        ], ["polling", "websocket", "upgrade"])
    func scenario(_ scenario: String, _ transport: String) async throws {
        try await expect(scenario, by: transport)
    }

    @Test(
        "The stock client in a browser connects, upgrades, and exchanges text, bytes and acknowledgements",
        Peer.browser.requirement)
    func browser() async throws {
        var options = SocketIOOptions()
        options.engine.cors = .any  // the page comes from a file
        try await SocketIOApplication.server(options: options).withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await PeerProcess.run(.browser, ["browser", "client", url]) { browser in
                // By polling, unless the machine was so busy that the upgrade came first.
                #expect(["polling", "websocket"].contains(try await browser.expect(prefix: "connected by ")))
                let observations = [
                    "upgraded to websocket", "echoed text", "echoed JSON", "echoed bytes",
                    "acknowledged by the server", "acknowledged by the client", "disconnected: io server disconnect",
                    "disconnected: io client disconnect", "ok browser",
                ]
                for observation in observations { try await browser.expect(observation) }
                try await browser.expectEnd()
            }
        }
    }

    @Test("A browser keeps a page of another origin out unless the server names it", Peer.browser.requirement)
    func browserOfAnotherOrigin() async throws {
        try await SocketIOApplication.server().withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await PeerProcess.run(.browser, ["browser", "client", url]) { browser in
                try await browser.expect("failed browser: xhr poll error")
                try await browser.expectEnd(status: 1)
            }
        }
    }

    /// Runs the scenario against a server of its own; what it observes it checks itself.
    private func expect(_ scenario: String, by transport: String) async throws {
        try await SocketIOApplication.server().withListening { address in
            let printed = try await PeerProcess.output(
                .python,
                ["socketio_client", scenario, "http://localhost:\(try address.portText)", "--transport", transport])
            #expect(printed.last == "ok \(scenario)")
        }
    }
}
