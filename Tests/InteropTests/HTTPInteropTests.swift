import Foundation
import JunctionCore
import JunctionSocketIO
import NIOCore
import Testing

/// The HTTP side of the server against a browser with the stock client, which it loads from the server itself, and against
/// python-socketio.
@Suite(.serialized) struct HTTPInteropTests {
    /// A page of the server's own origin, with the client that the server serves.
    private func withBrowser(
        _ change: (inout SocketIOOptions) -> Void = { _ in },
        prepare: (SocketIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (PeerProcess, SocketIOServer) async throws -> Void
    ) async throws {
        var options = SocketIOOptions()
        options.serveClient = try ClientFiles(directory: Peer.directory.path)
        change(&options)
        let io = SocketIOApplication.server(options: options)
        prepare(io)
        try await io.withListening { address in
            let url = "http://localhost:\(try address.portText)/"
            try await PeerProcess.run(.browser, ["browser", "page", url]) { browser in
                try await browser.expect("opened \(url)")
                try await browser.tell(
                    """
                    value new Promise((resolve, reject) => { const script = document.createElement('script'); \
                    script.src = '/socket.io/socket.io.js'; script.onload = () => resolve('loaded'); \
                    script.onerror = () => reject(new Error('no client')); document.head.append(script) })
                    """)
                try await browser.expect(#""loaded""#)
                try await body(browser, io)
            }
        }
    }

    /// Connects with these options; the value is the transport of an answered event, or `failed: why`.
    private static func echo(_ options: String, wait event: String? = nil) -> String {
        let waiting =
            event.map {
                "if (socket.io.engine.transport.name !== 'websocket') await new Promise((done) => socket.io.engine.once('\($0)', done));"
            } ?? ""
        return """
            value new Promise((resolve) => { const socket = io(Object.assign({ forceNew: true, reconnection: false }, \(options))); \
            socket.on('connect_error', (error) => resolve('failed: ' + error.message)); \
            socket.on('connect', async () => { \(waiting) socket.on('echo', (text) => { \
            const name = socket.io.engine.transport.name; socket.disconnect(); resolve(name + ' ' + text) }); \
            socket.emit('echo', 'hello') }) })
            """
    }

    @Test("A browser loads the client from the server, and connects with it", Peer.browser.requirement)
    func servedClient() async throws {
        try await withBrowser { browser, _ in
            try await browser.tell(Self.echo("{}", wait: "upgrade"))
            try await browser.expect(#""websocket hello""#)
            try await browser.tell(
                "value fetch('/socket.io/socket.io.js').then((answer) => answer.headers.get('content-encoding') + ' ' + "
                    + "answer.headers.get('content-type'))")
            try await browser.expect(#""gzip application/javascript; charset=utf-8""#)
        }
    }

    @Test(
        "A browser that wants one transport gets it, or is refused where the server has it not",
        Peer.browser.requirement)
    func transports() async throws {
        try await withBrowser { browser, _ in
            try await browser.tell(Self.echo("{ transports: ['websocket'] }"))
            try await browser.expect(#""websocket hello""#)
            try await browser.tell(Self.echo("{ transports: ['polling'] }"))
            try await browser.expect(#""polling hello""#)
        }
        try await withBrowser {
            $0.engine.transports = [.polling]
        } _: { browser, _ in
            try await browser.tell(Self.echo("{}"))
            try await browser.expect(#""polling hello""#)
            try await browser.tell(Self.echo("{ transports: ['websocket'] }"))
            try await browser.expect(#""failed: websocket error""#)
        }
        try await withBrowser {
            $0.engine.transports = [.websocket]
        } _: { browser, _ in
            try await browser.tell(Self.echo("{ transports: ['websocket'] }"))
            try await browser.expect(#""websocket hello""#)
            try await browser.tell(Self.echo("{ transports: ['polling'] }"))
            try await browser.expect(#""failed: xhr poll error""#)
        }
    }

    @Test("A browser keeps the session's cookie, and sees the fields that hooks add", Peer.browser.requirement)
    func cookieAndFields() async throws {
        try await withBrowser {
            $0.engine.cookie = SessionCookie(name: "node", httpOnly: false)
        } prepare: { io in
            io.engine.onInitialHeaders { headers, _ in
                headers["x-served-by"] = "junction"
                headers["set-cookie"] = "mine=1; Path=/"
            }
            io.engine.use { _, response in response.headers["x-middleware"] = "passed" }
        } _: { browser, io in
            try await browser.tell(
                """
                value fetch('/socket.io/?EIO=4&transport=polling').then(async (answer) => { \
                const sid = JSON.parse((await answer.text()).slice(1)).sid; \
                return [answer.headers.get('x-served-by'), answer.headers.get('x-middleware'), \
                document.cookie.includes('node=' + sid), document.cookie.includes('mine=1')].join() })
                """)
            try await browser.expect(#""junction,passed,true,true""#)
            try await browser.tell(Self.echo("{ transports: ['websocket'] }"))
            try await browser.expect(#""websocket hello""#)
        }
    }

    @Test("A browser that allowRequest refuses learns it by connect_error", Peer.browser.requirement)
    func refused() async throws {
        try await withBrowser {
            $0.engine.allowRequest = { request in request.query("token") == "secret" ? .allow : .refuse("no token") }
        } _: { browser, _ in
            try await browser.tell(Self.echo("{ query: { token: 'secret' } }"))
            let answer = try await browser.expect(prefix: "\"")
            #expect(["polling hello\"", "websocket hello\""].contains(answer))
            try await browser.tell(Self.echo("{}"))
            try await browser.expect(#""failed: xhr poll error""#)
            try await browser.tell(
                "value fetch('/socket.io/?EIO=4&transport=polling').then(async (answer) => answer.status + ' ' + "
                    + "(await answer.json()).message)")
            try await browser.expect(#""403 no token""#)
        }
    }

    @Test(
        "A browser and python-socketio read compressed answers to polls", Peer.browser.requirement,
        Peer.python.requirement)
    func compressed() async throws {
        try await withBrowser {
            $0.engine.httpCompression = HTTPCompression(threshold: 1)
        } _: { browser, _ in
            try await browser.tell(Self.echo("{ transports: ['polling'] }"))
            try await browser.expect(#""polling hello""#)
            try await browser.tell(
                "value fetch('/socket.io/?EIO=4&transport=polling').then(async (answer) => "
                    + "answer.headers.get('content-encoding') + (await answer.text()).slice(0, 7))")
            try await browser.expect(#""gzip0{\"sid\"""#)
        }
        var options = SocketIOOptions()
        options.engine.httpCompression = HTTPCompression(threshold: 1)
        try await SocketIOApplication.server(options: options).withListening { address in
            for scenario in ["echo", "binary"] {
                let printed = try await PeerProcess.output(
                    .python,
                    ["socketio_client", scenario, "http://localhost:\(try address.portText)", "--transport", "polling"])
                #expect(printed.last == "ok \(scenario)")
            }
        }
    }
}

extension PeerProcess {
    /// Writes a command of `browser.py`.
    fileprivate func tell(_ command: String) async throws { try await write(command + "\n") }
}
