import Foundation
import NIOCore
import RawClients
import SocketIOProtocol
import Subprocess
import Synchronization
import Testing

#if SQLite
    /// A server that is killed in the middle of a stream of events and started again on the same file and port.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct RecoveryInteropTests {
        @Test(
            "A server killed with SIGKILL in the middle of a stream, and started again: a raw client gets each event once, in order",
            Peer.recoveryProbe.requirement, arguments: [1, 2, 3] as [UInt64])
        func rawClient(_ seed: UInt64) async throws {
            try await withFile { file in
                var client = StreamClient()
                try await deaths(file, seed: seed, runs: 5) { try await client.read($0, $1, $2) }
                #expect(client.counts.count == 5)
            }
        }

        @Test(
            "A server killed with SIGKILL in the middle of a stream, and started again: the stock client in a browser gets each event once, in order",
            Peer.browser.requirement, arguments: [4, 5] as [UInt64])
        func browser(_ seed: UInt64) async throws {
            try await withFile { file in
                let (ports, port) = AsyncStream.makeStream(of: Int.self)
                let (readies, ready) = AsyncStream.makeStream(of: Void.self)
                let (ends, end) = AsyncStream.makeStream(of: Void.self)
                async let outcome = Self.browse(ports, ready, end)
                var client = StreamClient()
                try await deaths(file, seed: seed, runs: 4) { address, run, target in
                    // The stream begins when both are there.
                    if run == 1 {
                        port.yield(address.port ?? 0)
                        var iterator = readies.makeAsyncIterator()
                        try await client.read(address, run, target) { _ = await iterator.next() }
                    } else {
                        try await client.read(address, run, target)
                    }
                    // The browser may be behind: the last server lives until it has the end, too.
                    if target == nil { for await _ in ends {} }
                }
                let counts = client.counts.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
                let summary = try await outcome
                #expect(summary == "ok browser " + counts.joined(separator: " "))
            }
        }

        /// What the browser says in the end.
        private static func browse(
            _ ports: AsyncStream<Int>, _ ready: AsyncStream<Void>.Continuation, _ end: AsyncStream<Void>.Continuation
        ) async throws -> String {
            // Nobody waits for a browser that is gone.
            defer {
                ready.finish()
                end.finish()
            }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            return try await PeerProcess.run(
                .browser, ["browser", "client", "http://127.0.0.1:\(port)", "recovery.html"], deadline: .seconds(90)
            ) { browser in
                try await browser.expect("connected false")
                ready.yield()
                while true {
                    let line = try await browser.nextLine()
                    if line == "connected true" { continue }
                    return line
                }
            }
        }

        /// Starts the server again and again; `read` is given its address, the number of the run, and how many events of the
        /// run it is to read, and the server is killed when it has. The last run ends by itself: its target is nil.
        private func deaths(
            _ file: String, seed: UInt64, runs: UInt64,
            _ read: (SocketAddress, UInt64, Int?) async throws -> Void
        ) async throws {
            var random = seed
            var port = 0
            for run in 1...runs {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let target = run == runs ? nil : 20 + Int(random >> 33) % 400
                let process = try await ServerProcess.start(file, port, run)
                port = process.port
                do {
                    try await read(try SocketAddress(ipAddress: "127.0.0.1", port: port), run, target)
                } catch {
                    process.kill()
                    throw error
                }
                process.kill()
                await process.ended()
            }
        }

        private func withFile(_ body: (String) async throws -> Void) async throws {
            let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            try await body(directory.appending(path: "recovery.sqlite").path)
        }
    }

    /// A `recovery-probe` that is ended by SIGKILL, and not before.
    private final class ServerProcess: Sendable {
        let port: Int
        private let process: Mutex<Process>
        private let end: AsyncStream<Void>

        private init(_ process: sending Process, _ port: Int, _ end: AsyncStream<Void>) {
            self.process = Mutex(process)
            self.port = port
            self.end = end
        }

        static func start(_ file: String, _ port: Int, _ run: UInt64) async throws -> ServerProcess {
            let process = Process()
            process.executableURL = URL(filePath: try #require(Peer.recoveryProbe.executable))
            process.arguments = [file, "\(port)", "\(run)"]
            let output = Pipe()
            process.standardOutput = output
            let (end, ended) = AsyncStream.makeStream(of: Void.self)
            process.terminationHandler = { _ in ended.finish() }
            try process.run()
            let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            guard let found = line.wholeMatch(of: /listens on ([0-9]+)\n/)?.1, let port = Int(found) else {
                process.terminate()
                throw PeerFailure(reason: "recovery-probe said “\(line)”")
            }
            return ServerProcess(process, port, end)
        }

        func kill() { process.withLock { _ = Foundation.kill($0.processIdentifier, SIGKILL) } }

        func ended() async { for await _ in end {} }
    }

    /// Reads the stream of `recovery-probe` over its deaths.
    private struct StreamClient {
        private var client = RecoveringClient()
        /// The last number of each run.
        private(set) var counts: [Int: Int] = [:]
        private var lastRun = 0

        mutating func read(
            _ address: SocketAddress, _ run: UInt64, _ target: Int?, whenConnected: () async -> Void = {}
        ) async throws {
            var copy = self
            try await RawWebSocket.with(address) { socket in
                let (missed, recovered) = try await copy.client.connect(socket)
                #expect(recovered == (run > 1))
                for event in missed { _ = try copy.take(event) }
                await whenConnected()
                // Rooms and data are there, too: the run in which the client came.
                try await socket.send(#"420["since"]"#)
                if run == 1 { try await socket.send(#"42["go"]"#) }
                var isStopping = false
                while true {
                    if let target, copy.counts[Int(run), default: 0] >= target { return }
                    if target == nil, !isStopping, copy.counts[Int(run), default: 0] >= 50 {
                        isStopping = true
                        try await socket.send(#"42["stop"]"#)
                    }
                    switch try await copy.client.next(socket) {
                    case .event(let event): if try copy.take(event) { return }
                    case .other(let text): #expect(text == "ack [1]")
                    case .connected: Issue.record("connected twice")
                    }
                }
            }
            self = copy
        }

        /// - Returns: true for the end of the stream.
        private mutating func take(_ event: [SocketIOValue]) throws -> Bool {
            let run = try #require(event[1].intValue)
            let number = try #require(event[2].intValue)
            if event[0] == "end" {
                #expect(counts[run] == number)
                return true
            }
            #expect(run >= lastRun)
            #expect(number == counts[run, default: 0] + 1, "of run \(run)")
            if number % 7 == 0 { #expect(event[3].binaryValue == ByteBuffer(integer: UInt32(number))) }
            counts[run] = number
            lastRun = run
            return false
        }
    }
#endif
