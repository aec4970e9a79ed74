import Foundation
import JunctionTCP
import NIOCore
import Subprocess
import Testing

/// Where a server listens, and with what, as other programs see it.
@Suite(.timeLimit(.minutes(5))) struct ListenInteropTests {
    private static let probe = Peer.built("listen-probe")

    private func withPath<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "junction-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try await body("\(directory)/socket")
    }

    /// Says a line to a server that echoes, behind its greeting.
    private func talk(to address: SocketAddress) async throws {
        try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
            var inbound = connection.inbound.makeAsyncIterator()
            #expect(try await inbound.next() == ByteBuffer(string: "hello"))
            try await connection.write("are you there?")
            #expect(try await inbound.next() == ByteBuffer(string: "are you there?"))
        }
    }

    // MARK: Unix domain sockets

    private func echo(on address: ListenAddress) -> TCPServer {
        TCPServer(on: address, framing: .lines()) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
    }

    @Test("ncat talks to a server on a path", Peer.ncat.requirement)
    func ncatOnPath() async throws {
        try await withPath { path in
            try await echo(on: .unix(path: path)).withListening { _ in
                try await PeerProcess.run(.ncat, ["-U", path]) { ncat in
                    try await ncat.write("hello\n")
                    try await ncat.expect("hello")
                    try await ncat.finishInput()
                    try await ncat.expectEnd()
                }
            }
        }
    }

    #if os(Linux)
        @Test("socat talks to a server on an abstract name", Peer.socat.requirement)
        func socatOnAbstractName() async throws {
            let name = "junction-\(UUID())"
            try await echo(on: .abstract(name)).withListening { _ in
                try await PeerProcess.run(.socat, ["-", "ABSTRACT-CONNECT:\(name)"]) { socat in
                    try await socat.write("hello\n")
                    try await socat.expect("hello")
                    try await socat.finishInput()
                    try await socat.expectEnd()
                }
            }
        }
    #endif

    @Test("a file that a killed server has left is taken over by its successor")
    func killed() async throws {
        try await withPath { path in
            try await PeerProcess.run(.listenProbe, ["unix", path]) { probe in
                try await probe.expect("listens on \(path)")
                try probe.send(.kill)
            }
            #expect(FileManager.default.fileExists(atPath: path))
            try await PeerProcess.run(.listenProbe, ["unix", path]) { probe in
                try await probe.expect("listens on \(path)")
                try await self.talk(to: SocketAddress(unixDomainSocketPath: path))
            }
        }
    }

    // MARK: Socket activation

    @Test("a server listens on the socket that systemd opened for it", Peer.socketActivate.requirement)
    func systemd() async throws {
        try await withPath { path in
            let arguments = [
                "--listen=\(path)-1", "--listen=\(path)-2", "--fdname=web:admin", Self.probe, "systemd", "admin",
            ]
            try await PeerProcess.run(.socketActivate, arguments) { systemd in
                try await systemd.expect("Listening on \(path)-1 as 3.")
                try await systemd.expect("Listening on \(path)-2 as 4.")
                // The first client starts the program.
                try await self.talk(to: SocketAddress(unixDomainSocketPath: path + "-2"))
                try await self.talk(to: SocketAddress(unixDomainSocketPath: path + "-2"))
                while try await systemd.nextLine() != "listens on \(path)-2" {}
            }
            #expect(FileManager.default.fileExists(atPath: path + "-2"), "the file is systemd's")
        }
    }

    private func activate(
        _ names: String, _ arguments: [String] = [],
        _ body: @escaping @Sendable (PeerProcess, _ ports: [Int]) async throws -> Void
    ) async throws {
        try await PeerProcess.run(.activator, ["activate", names, Self.probe, "systemd"] + arguments) { program in
            try await body(program, program.nextLine().split(separator: " ").compactMap { Int($0) })
        }
    }

    @Test(
        "a server listens on all sockets that were handed over, or on those of a name; they are taken once",
        Peer.activator.requirement)
    func names() async throws {
        try await activate("web,admin,web") { probe, ports in
            try await probe.expect("listens on port \(ports[0])")
            try await probe.expect(
                "once more: ERR_INVALID_STATE: listen on the service manager's sockets: they were taken before")
            for port in ports { try await self.talk(to: SocketAddress(ipAddress: "127.0.0.1", port: port)) }
        }
        try await activate("udp,web,admin,web", ["web"]) { probe, ports in
            try await probe.expect("listens on port \(ports[1])")
            _ = try await probe.nextLine()
            for port in [ports[1], ports[3]] {
                try await self.talk(to: SocketAddress(ipAddress: "127.0.0.1", port: port))
            }
        }
    }

    @Test("a server says plainly why there is no socket for it", Peer.activator.requirement)
    func noSockets() async throws {
        let action = "listen on the service manager's sockets"
        try await activate("web", ["admin"]) { probe, _ in
            try await probe.expect("ENOENT: \(action): none is called “admin”")
            try await probe.expectEnd()
        }
        try await activate("foreign") { probe, _ in
            try await probe.expect("ENOTCONN: \(action): none were handed to this process (LISTEN_PID, LISTEN_FDS)")
            try await probe.expectEnd()
        }
        try await activate("udp") { probe, _ in
            try await probe.expect("EINVAL: adopt descriptor 3: it is no stream socket")
            try await probe.expectEnd()
        }
    }

    // MARK: Descriptors

    @Test(
        "a server that has no descriptor left pauses, says so now and then, and serves those who waited when it has some"
    )
    func descriptorLimit() async throws {
        let script = #"ulimit -n 64; exec "$0" host 127.0.0.1 0"#
        try await PeerProcess.run(.bash, ["-c", script, Self.probe]) { probe in
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: try await probe.port())
            let (served, open) = AsyncStream.makeStream(of: TCPConnection.self)
            let count = 100
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        let connection = try await TCPClient.connect(to: address, framing: .lines())
                        var inbound = connection.inbound.makeAsyncIterator()
                        #expect(try await inbound.next() == ByteBuffer(string: "hello"))
                        open.yield(connection)
                    }
                }
                // Somebody waits by now, and a second line comes a second later, which tells of all pauses in between.
                let first = try await probe.nextLine()
                #expect(first.contains("accepting pauses") && first.contains("EMFILE"))
                let second = try await probe.nextLine()
                let pauses = second.firstMatch(of: /since last line=([0-9]+)/).flatMap { Int($0.output.1) }
                #expect(try #require(pauses, "in “\(second)”") < 50)

                var connections = served.makeAsyncIterator()
                for _ in 0..<count { await connections.next()?.close() }
                try await group.waitForAll()
            }
            try await self.talk(to: address)
        }
    }
}

extension Peer {
    fileprivate static let listenProbe = Peer(
        name: "listen-probe", executable: built("listen-probe"), scriptExtension: nil)
}
