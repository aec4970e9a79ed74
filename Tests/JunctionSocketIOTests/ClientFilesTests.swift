import JunctionCore
import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The client's files for browsers, with files of the test's own in their place.
@Suite(.timeLimit(.minutes(5))) struct ClientFilesTests {
    static let minified = "/* minified */" + String(repeating: "var socket;", count: 500)

    /// A directory with these files while `body` runs.
    private func withDirectory(
        _ files: [String: String], _ body: (String) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("junction-client-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        }
        try await body(directory.path)
    }

    /// Serves the files of the directory while `body` runs.
    private func serving(
        _ files: ClientFiles, prepare: (inout SocketIOOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (RawConnection) async throws -> Void
    ) async throws {
        var options = SocketIOOptions()
        options.serveClient = files
        prepare(&options)
        try await TestServer.run(options: options) { server in
            try await RawConnection.with(server.address) { try await body($0) }
        }
    }

    @Test("Each file of the client is served under its name with its type, and the server goes on beside it")
    func everyName() async throws {
        let names = ClientFiles.names.flatMap { [$0, $0 + ".map"] }
        try #require(names.count == 8)
        try await withDirectory(Dictionary(uniqueKeysWithValues: names.map { ($0, "file \($0)") })) { directory in
            try await serving(try ClientFiles(directory: directory)) { connection in
                for name in names {
                    let answer = try await connection.request("GET", "/socket.io/\(name)?v=1")
                    #expect(answer.status == 200)
                    #expect(answer.body == "file \(name)")
                    let type = name.hasSuffix(".map") ? "json" : "javascript"
                    #expect(answer.headers["content-type"] == ["application/\(type); charset=utf-8"])
                    #expect(answer.headers["cache-control"] == ["public, max-age=0"])
                    #expect(answer.headers["etag"].first?.wholeMatch(of: /"[^"]+"/) != nil)
                }
                let head = try await connection.request("HEAD", "/socket.io/socket.io.js")
                #expect(head.status == 200)
                #expect(head.headers["content-length"] == [String("file socket.io.js".utf8.count)])
                _ = try await TestServer.connect(connection)
            }
        }
    }

    @Test("A client that has the file is answered with 304, another with the file")
    func notModified() async throws {
        try await withDirectory(["socket.io.min.js": Self.minified]) { directory in
            try await serving(try ClientFiles(directory: directory)) { connection in
                let target = "/socket.io/socket.io.min.js"
                let tag = try #require(try await connection.request("GET", target).headers.first(name: "etag"))
                for known in [tag, "W/" + tag, "\"other\", \(tag)", "*"] {
                    let answer = try await connection.request("GET", target, headers: ["if-none-match": known])
                    #expect(answer.status == 304)
                    #expect(answer.body.isEmpty)
                    #expect(answer.headers["etag"] == [tag])
                }
                for other in ["\"other\"", "other", ""] {
                    let answer = try await connection.request("GET", target, headers: ["if-none-match": other])
                    #expect(answer.status == 200)
                }
            }
        }
    }

    @Test("The tag of a file changes with the file")
    func tags() async throws {
        try await withDirectory(["socket.io.js": "one", "socket.io.min.js": "two"]) { directory in
            try await serving(try ClientFiles(directory: directory)) { connection in
                let tags = [
                    try await connection.request("GET", "/socket.io/socket.io.js").headers["etag"],
                    try await connection.request("GET", "/socket.io/socket.io.min.js").headers["etag"],
                ]
                #expect(tags[0] != tags[1])
            }
        }
    }

    @Test("A file is compressed for a client that takes gzip, under a tag of its own")
    func compressed() async throws {
        try await withDirectory(["socket.io.min.js": Self.minified]) { directory in
            try await serving(try ClientFiles(directory: directory)) { connection in
                let target = "/socket.io/socket.io.min.js"
                let plain = try await connection.request("GET", target)
                let answer = try await connection.request(
                    "GET", target, headers: ["accept-encoding": "gzip, deflate, br"])
                #expect(answer.headers["content-encoding"] == ["gzip"])
                #expect(answer.headers["vary"] == ["Accept-Encoding"])
                #expect(answer.bytes.readableBytes < 200)
                #expect(String(buffer: try answer.bytes.inflated()) == Self.minified)
                #expect(answer.headers["etag"] != plain.headers["etag"])
                let known = try #require(answer.headers.first(name: "etag"))
                let again = try await connection.request(
                    "GET", target, headers: ["accept-encoding": "gzip", "if-none-match": known])
                #expect(again.status == 304)
            }
        }
    }

    @Test("One file, whatever its name, is served as socket.io.js and socket.io.min.js")
    func oneFile() async throws {
        try await withDirectory(["bundle.js": Self.minified]) { directory in
            try await serving(try ClientFiles(file: directory + "/bundle.js")) { connection in
                for name in ["socket.io.js", "socket.io.min.js"] {
                    #expect(try await connection.request("GET", "/socket.io/\(name)").body == Self.minified)
                }
                let other = try await connection.request("GET", "/socket.io/bundle.js")
                #expect(other.body == RequestErrorTests.unknownTransport)
            }
        }
    }

    @Test(
        "Names that are none of the client's are not looked for",
        arguments: [
            "/socket.io/../socket.io.js", "/socket.io/a/socket.io.js", "/socket.io/%2e%2e/socket.io.js",
            "/socket.io/socket.io.js/", "/socket.io/secret.txt", "/socket.io//socket.io.js",
            "/socket.io/socket.io.esm.min.js", "/socket.io/Socket.io.js",
        ])
    func otherNames(_ target: String) async throws {
        try await withDirectory(["socket.io.js": "client", "secret.txt": "secret"]) { directory in
            try await serving(try ClientFiles(directory: directory)) { connection in
                let answer = try await connection.request("GET", target)
                #expect(answer.status == 400)
                #expect(answer.body == RequestErrorTests.unknownTransport)
            }
        }
    }

    @Test("The files are below the path of the server, and other pages may load them as the server's CORS says")
    func pathAndOrigin() async throws {
        try await withDirectory(["socket.io.js": "client"]) { directory in
            let prepare: (inout SocketIOOptions) -> Void = {
                $0.path = "/chat/"
                $0.engine.cors = .origins(["https://app.test"])
            }
            let files = try ClientFiles(directory: directory)
            var options = SocketIOOptions()
            options.serveClient = files
            prepare(&options)
            let io = SocketIOServer(host: "127.0.0.1", options: options)
            try await io.withListening { address in
                try await RawConnection.with(address) { connection in
                    let target = "/chat/socket.io.js"
                    #expect(try await connection.request("GET", target).body == "client")
                    let named = try await connection.request("GET", target, headers: ["origin": "https://app.test"])
                    #expect(named.headers["access-control-allow-origin"] == ["https://app.test"])
                    let other = try await connection.request("GET", target, headers: ["origin": "https://evil.test"])
                    #expect(other.status == 403)
                }
            }
        }
    }

    @Test("A directory without the client, and a file that is not there, are errors with a plain sentence")
    func missing() async throws {
        try await withDirectory(["other.js": ""]) { directory in
            let empty = #expect(throws: NetworkError.self) { try ClientFiles(directory: directory) }
            #expect(empty?.code == .noSuchFile)
            #expect(empty?.message.hasPrefix("\(directory): there is no socket.io.js, ") == true)
            let file = #expect(throws: NetworkError.self) { try ClientFiles(file: directory + "/socket.io.js") }
            #expect(file?.message == "read \(directory)/socket.io.js: there is no such file")
        }
    }

    @Test("No file is served unless the user gives one")
    func none() async throws {
        try await TestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let answer = try await connection.request("GET", "/socket.io/socket.io.js")
                #expect(answer.body == RequestErrorTests.unknownTransport)
            }
        }
    }
}
