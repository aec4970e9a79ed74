import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import JunctionTCP
@testable import JunctionTransport

#if canImport(Glibc)
    private let stream = CInt(SOCK_STREAM.rawValue)
#else
    private let stream = SOCK_STREAM
#endif

@Suite("Unix domain sockets", .timeLimit(.minutes(5)))
struct UnixSocketTests {
    private static func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    /// A socket file; the socket listens only if it has a backlog.
    private static func makeSocket(_ path: String, backlog: CInt? = nil) throws -> CInt {
        let descriptor = socket(AF_UNIX, stream, 0)
        try SocketCalls.withUnixAddress(path, isAbstract: false, doing: "bind") { address, size throws(NetworkError) in
            try SocketCalls.check(doing: "bind") { SocketCalls.bind(descriptor, address, size) }
        }
        if let backlog { try SocketCalls.listen(descriptor, backlog: backlog, doing: "listen") }
        return descriptor
    }

    @Test("a server on a path is reached by it, and removes its file when it has stopped")
    func path() async throws {
        try await withTemporaryPath { path in
            let server = TCPServer(on: .unix(path: path), framing: .lines()) { connection in
                for try await line in connection.inbound { try await connection.write(line) }
            }
            try await server.withListening { address in
                #expect(address.pathname == path)
                try await TCPClient.withConnection(to: address, framing: .lines()) { connection in
                    #expect(connection.remoteAddress?.pathname == path)
                    try await connection.write("hello")
                    #expect(try await connection.readText() == "hello")
                }
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("a megabyte goes both ways at once over a Unix domain socket")
    func bulk() async throws {
        let data = pattern(1_000_000)
        try await withTemporaryPath { path in
            let server = TCPServer(on: .unix(path: path)) { connection in
                for try await part in connection.inbound { try await connection.write(part) }
            }
            try await server.withListening { address in
                try await TCPClient.withConnection(to: address) { connection in
                    async let reading = connection.readAll()
                    try await connection.write(data)
                    connection.finish()
                    let received = try await reading
                    #expect(received == data)
                }
            }
        }
    }

    @Test("the file has the permissions that were asked for, whatever the umask", arguments: [0o600, 0o660, 0o777])
    func mode(_ mode: Int) async throws {
        try await withTemporaryPath { path in
            try await TCPServer.greeting(on: .unix(path: path, mode: UInt32(mode))).withListening { address in
                #expect(try Self.permissions(path) == mode)
                try await expectGreeting("hello", from: address)
            }
        }
    }

    #if os(Linux)
        @Test("the file is never open to more than was asked for, not even while it is made")
        func neverWider() async throws {
            try await withTemporaryPath { path in
                let isDone = Atomic(false)
                // A thread that looks all the time.
                async let seen = NIOThreadPool.singleton.runIfActive { () -> mode_t in
                    var (seen, status) = (mode_t(0), stat())
                    while !isDone.load(ordering: .relaxed) {
                        if lstat(path, &status) == 0 { seen |= status.st_mode & 0o777 }
                    }
                    return seen
                }
                for _ in 0..<300 {
                    try await ListenAddress.unix(path: path, mode: 0o600).bind().first?.close()
                }
                isDone.store(true, ordering: .relaxed)
                let modes = try await seen
                #expect(modes == 0o600 || modes == 0)
            }
        }
    #endif

    // MARK: Files that are there already

    @Test("the file that a dead server has left is taken over, with the permissions that are asked for now")
    func stale() async throws {
        try await withTemporaryPath { path in
            close(try Self.makeSocket(path, backlog: 1))
            #expect(FileManager.default.fileExists(atPath: path))
            let address = try SocketAddress(unixDomainSocketPath: path)
            let refused = await networkError { _ = try await TCPClient.connect(to: address) }
            #expect(refused?.description == "ECONNREFUSED: connect to \(path): connection refused")
            try await TCPServer.greeting(on: .unix(path: path, mode: 0o600)).withListening { address in
                #expect(try Self.permissions(path) == 0o600)
                try await expectGreeting("hello", from: address)
            }
        }
    }

    @Test("the file of a server that lives is EADDRINUSE, and the server is served from as before")
    func live() async throws {
        try await withTemporaryPath { path in
            try await TCPServer.greeting("first", on: .unix(path: path)).withListening { address in
                let error = await networkError { try await TCPServer.greeting("second", on: .unix(path: path)).run() }
                #expect(error?.description == "EADDRINUSE: listen on \(path): another program listens there already")
                try await expectGreeting("first", from: address)
            }
        }
    }

    @Test("a server that lives and has no room for more connections is not taken for a dead one, nor waited for")
    func liveAndFull() async throws {
        try await withTemporaryPath { path in
            let server = try Self.makeSocket(path, backlog: 0)
            defer { close(server) }
            let client = socket(AF_UNIX, stream, 0)
            defer { close(client) }
            try SocketCalls.withUnixAddress(path, isAbstract: false, doing: "connect") { address, size in
                #expect(SocketCalls.connect(client, address, size) == 0)
            }
            let error = await networkError { try await TCPServer.greeting(on: .unix(path: path)).run() }
            #expect(error?.code == .addressInUse)
            #expect(FileManager.default.fileExists(atPath: path))
            let further = await networkError {
                _ = try await TCPClient.connect(to: SocketAddress(unixDomainSocketPath: path))
            }
            #expect(further?.description == "EAGAIN: connect to \(path): there is no room at present, try again")
        }
    }

    @Test("any other file is EADDRINUSE, and left alone", arguments: ["file", "directory", "link to a dead socket"])
    func otherFile(_ kind: String) async throws {
        try await withTemporaryPath { path in
            switch kind {
            case "file":
                try "precious".write(toFile: path, atomically: true, encoding: .utf8)
            case "directory":
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            default:
                close(try Self.makeSocket(path + "-2", backlog: 1))
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + "-2")
            }
            let before = try FileManager.default.attributesOfItem(atPath: path)
            let error = await networkError { try await TCPServer.greeting(on: .unix(path: path)).run() }
            #expect(error?.code == .addressInUse)
            let after = try FileManager.default.attributesOfItem(atPath: path)
            #expect(before[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
            if kind == "file" { #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious") }
        }
    }

    @Test("a server does not remove the file that another one has put in the place of its own")
    func replaced() async throws {
        try await withTemporaryPath { path in
            let (isGone, stands, mayEnd) = (Gate(), Gate(), Gate())
            async let second: Void = {
                await isGone.wait()
                try await TCPServer.greeting("second", on: .unix(path: path)).withListening { _ in
                    stands.open()
                    await mayEnd.wait()
                }
            }()
            try await TCPServer.greeting("first", on: .unix(path: path)).withListening { _ in
                try FileManager.default.removeItem(atPath: path)
                isGone.open()
                await stands.wait()
            }
            try await expectGreeting("second", from: SocketAddress(unixDomainSocketPath: path))
            mayEnd.open()
            try await second
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("a socket that was bound and is closed unused removes its file, and not that of another")
    func unused() async throws {
        try await withTemporaryPath { path in
            let socket = try #require(try await ListenAddress.unix(path: path).bind().first)
            #expect(socket.localAddress?.pathname == path)
            socket.close()
            #expect(!FileManager.default.fileExists(atPath: path))

            let replaced = try #require(try await ListenAddress.unix(path: path).bind().first)
            try FileManager.default.removeItem(atPath: path)
            try "another's".write(toFile: path, atomically: false, encoding: .utf8)
            replaced.close()
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "another's")
        }
    }

    // MARK: Errors

    @Test("a path that is empty or does not fit is EINVAL, and says how long it may be")
    func badPath() async throws {
        for path in ["", "/tmp/" + String(repeating: "x", count: 200)] {
            let error = await networkError { try await TCPServer.greeting(on: .unix(path: path)).run() }
            let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
            #expect(
                error?.description == "EINVAL: listen on \(path): the path is empty or longer than \(limit) bytes")
        }
    }

    @Test("a path in no directory is ENOENT for a server, and without a server for a client")
    func noSuchFile() async throws {
        try await withTemporaryPath { path in
            let client = await networkError {
                _ = try await TCPClient.connect(to: SocketAddress(unixDomainSocketPath: path))
            }
            #expect(client?.description == "ENOENT: connect to \(path): there is no such file")
            let place = ListenAddress.unix(path: path + "/deeper")
            let server = await networkError { try await TCPServer.greeting(on: place).run() }
            #expect(server?.description == "ENOENT: listen on \(path)/deeper: there is no such file")
        }
    }

    @Test("a client on a Unix domain socket has no local address or port to choose: EINVAL")
    func localAddress() async throws {
        var options = ConnectOptions()
        options.localPort = 7
        let error = await networkError { [options] in
            _ = try await TCPClient.connect(to: SocketAddress(unixDomainSocketPath: "/tmp/x"), options: options)
        }
        #expect(error?.code == .invalidArgument)
    }

    // MARK: Draining

    @Test("connections of a Unix domain socket are drained, and nobody is let in meanwhile")
    func drain() async throws {
        try await withTemporaryPath { path in
            let addresses = Box<SocketAddress>()
            let server = TCPServer(on: .unix(path: path)) { connection in
                try await connection.write("hello")
                for try await _ in connection.inbound {}
                try await connection.write("bye")
            }
            let running = Task { try await server.run { addresses.put($0) } }
            let address = try #require(await addresses.take())
            let connection = try await TCPClient.connect(to: address)
            #expect(try await connection.readText() == "hello")
            running.cancel()
            #expect(try await connection.readAll() == ByteBuffer(string: "bye"))
            let late = await networkError { _ = try await TCPClient.connect(to: address) }
            #expect(late?.code == .noSuchFile || late?.code == .connectionRefused)
            connection.close()
            try await running.value
            #expect(server.connectionCount == 0)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    // MARK: Abstract names

    #if os(Linux)
        private static func connect(abstract name: String) async throws -> TCPConnection {
            let descriptor = socket(AF_UNIX, stream, 0)
            try SocketCalls.withUnixAddress(name, isAbstract: true, doing: "connect") {
                address, size throws(NetworkError) in
                try SocketCalls.check(doing: "connect") { SocketCalls.connect(descriptor, address, size) }
            }
            return try await BoundDialer.adopt(descriptor, on: EventLoops.all[0]) { channel in
                try StreamChannel.configure(channel)
                return try TCPClient.connection(on: channel, framing: .raw, configuration: .init())
            }
        }

        @Test("a server on an abstract name is reached by exactly that name, has it for itself, and gives it back")
        func abstract() async throws {
            let name = "junction-test-\(UUID())"
            for _ in 0..<2 {
                try await TCPServer.greeting(on: .abstract(name)).withListening { _ in
                    let connection = try await Self.connect(abstract: name)
                    #expect(try await connection.readText() == "hello")
                    connection.close()
                    let longer = await networkError { _ = try await Self.connect(abstract: name + "\0") }
                    #expect(longer?.code == .connectionRefused)
                    let second = await networkError { try await TCPServer.greeting(on: .abstract(name)).run() }
                    #expect(
                        second?.description
                            == "EADDRINUSE: listen on @\(name): another program listens there already")
                }
            }
        }
    #endif
}
