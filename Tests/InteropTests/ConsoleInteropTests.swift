import Foundation
import NIOCore
import Testing

/// The gateway's web page in Chromium.
@Suite(.timeLimit(.minutes(5))) struct ConsoleInteropTests {
    @Test(
        "The page shows the peers of every transport and what they say, and is used with the keyboard alone",
        Peer.browser.requirement, Peer.ncat.requirement)
    func page() async throws {
        try await GatewayClients.run { clients in
            let url = "http://127.0.0.1:\(clients.port)/"
            try await PeerProcess.run(.browser, ["browser", "page", url]) { page in
                try await page.expect("opened \(url)")
                // The browser may open connections ahead of need, and close them again.
                while try await clients.web.nextLine() != "joined socketio" {}
                try await page.obey("wait document.querySelector('#state').dataset.state === 'connected'")
                try await page.obey("wait document.querySelectorAll('#peers li').length === 4")
                for (transport, count) in ["tcp": 1, "udp": 1, "socketio": 2] {
                    try await page.obey(
                        "wait document.querySelectorAll('#peers .badge.\(transport)').length === \(count)")
                }

                // What others say, of every transport.
                try await clients.tcp.write("온도 21.5\n")
                try await page.obey("wait \(Self.shows("온도 21.5", by: "tcp"))")
                try await clients.udp.write("<b>38.2466 N</b>\n")
                try await page.obey("wait \(Self.shows(#"<b>38.2466 N</b>\n"#, by: "udp"))")
                try await clients.web.write(#"{"relay": 2, "on": true}"# + "\n")
                try await page.obey("wait \(Self.shows(#"{"relay":2,"on":true}"#, by: "socketio"))")

                // What the reader says: to the box, a text, sent.
                try await page.obey("press /")
                try await page.obey("wait document.activeElement.id === 'text'")
                try await page.obey("type 모두 안녕")
                try await page.obey("press Enter")
                try await page.obey("wait document.querySelector('#text').value === ''")
                try await page.obey("wait \(Self.shows("모두 안녕", by: "socketio"))")
                for heard in ["<b>38.2466 N</b>", #"{"relay":2,"on":true}"#, "모두 안녕"] {
                    try await clients.tcp.expect(heard)
                }

                try await Self.expectPictures(of: page)

                // A peer that leaves is gone from the list.
                try await clients.tcp.finishInput()
                try await page.obey("wait document.querySelectorAll('#peers .badge.tcp').length === 0")
            }
        }
    }

    /// JavaScript that is true when the log has a row with this text by a peer of that transport.
    private static func shows(_ text: String, by transport: String) -> String {
        let quoted = text.replacing("'", with: "\\'")
        return "[...document.querySelectorAll('#log .row')].some((row) => row.querySelector('.badge.\(transport)')"
            + " && row.querySelector('.data').textContent === '\(quoted)')"
    }

    /// The page has a light and a dark form, and fits into a window.
    private static func expectPictures(of page: PeerProcess) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "junction-console-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await page.obey("size 1280 800")
        var pictures: [Data] = []
        for scheme in ["light", "dark"] {
            let file = directory.appending(path: "\(scheme).png")
            try await page.obey("scheme \(scheme)")
            try await page.obey("wait matchMedia('(prefers-color-scheme: \(scheme))').matches")
            try await page.obey("screenshot \(file.path)")
            let picture = try Data(contentsOf: file)
            // PNG, third edition, section 11.2.1: width and height are the first fields of the header chunk.
            #expect(ByteBuffer(bytes: picture).getInteger(at: 16) == UInt32(1280))
            #expect(ByteBuffer(bytes: picture).getInteger(at: 20) == UInt32(800))
            pictures.append(picture)
        }
        #expect(pictures[0] != pictures[1])
        try await page.write("value document.documentElement.scrollWidth <= innerWidth\n")
        try await page.expect("true")
    }
}

extension PeerProcess {
    /// Has the browser's program obey a command, and waits until it is done.
    fileprivate func obey(_ command: String) async throws {
        try await write(command + "\n")
        try await expect("ok")
    }
}
