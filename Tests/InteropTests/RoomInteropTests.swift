import Foundation
import JunctionSocketIO
import Testing

/// Rooms, broadcasts and namespaces against python-socketio and the stock client in a browser.
@Suite(.serialized) struct RoomInteropTests {
    @Test(
        "python-socketio is in rooms, answers broadcasts, is moved from afar, and makes namespaces by every transport",
        Peer.python.requirement, arguments: ["polling", "websocket", "upgrade"])
    func python(_ transport: String) async throws {
        try await RoomsApplication.server().withListening { address in
            let printed = try await PeerProcess.output(
                .python, ["rooms", "http://localhost:\(try address.portText)", transport])
            #expect(printed == ["rooms", "acknowledgements of everybody", "sockets from afar", "namespaces", "ok"])
        }
    }

    @Test(
        "The stock client in a browser is in rooms, answers broadcasts, is moved from afar, and makes namespaces",
        Peer.browser.requirement)
    func browser() async throws {
        var options = SocketIOOptions()
        options.engine.cors = .any  // the page comes from a file
        try await RoomsApplication.server(options: options).withListening { address in
            let page = try #require(Bundle.module.url(forResource: "Peers/rooms", withExtension: "html"))
            let client = Peer.directory.appending(path: "socket.io.min.js").absoluteString
            let url = page.absoluteString + "?server=http://localhost:\(try address.portText)&client=\(client)"
            try await PeerProcess.run(.browser, ["browser", "page", url]) { browser in
                try await browser.expect("opened \(url)")
                try await browser.write("value done\n")
                try await browser.expect(#""ok""#)
            }
        }
    }
}
