#if SQLite
    import Foundation
    import JunctionSQLite
    import JunctionSocketIO
    import NIOCore
    import Synchronization

    /// A Socket.IO server that is killed and started again: sends its clients a stream of numbers, and keeps what they miss in
    /// an SQLite file.
    ///
    ///     recovery-probe FILE PORT RUN
    ///
    /// Clients join a room when they connect for the first time. Each event has the number of the run and its own; every
    /// seventh has an attachment, and every eleventh goes to everybody. The first run begins when a client says `go`, later
    /// ones at once; `stop` ends the stream with an `end` that says how far it came.
    @main
    struct RecoveryProbe {
        static func main() async throws {
            let arguments = CommandLine.arguments
            guard arguments.count == 4, let port = Int(arguments[2]), let run = UInt64(arguments[3]) else {
                return print("usage: recovery-probe FILE PORT RUN")
            }
            var options = SocketIOOptions()
            options.engine.cors = .any  // the browser's page comes from a file
            options.connectionStateRecovery = ConnectionStateRecovery(
                store: try SQLiteRecoveryStore(path: arguments[1]))
            let io = SocketIOServer(host: "127.0.0.1", port: port, options: options)
            let (starts, start) = AsyncStream.makeStream(of: Void.self)
            let stop = Flag()
            io.onConnection { socket in
                if !socket.recovered {
                    socket.join("numbers")
                    socket.data["run"] = Int(run)
                }
                socket.on("go") { () in start.finish() }
                socket.on("stop") { () in stop.raise() }
                socket.on("since") { () in socket.data["run"] as? Int }
                socket.on("synced") { () in 1_000_000 }
            }
            if run > 1 { start.finish() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await io.run { address in
                        print("listens on \(address.port ?? 0)")
                        fflush(nil)
                    }
                }
                group.addTask {
                    for await _ in starts {}
                    await Self.stream(io, run, until: stop)
                }
                try await group.waitForAll()
            }
        }

        private final class Flag: Sendable {
            private let state = Atomic(false)
            var isRaised: Bool { state.load(ordering: .relaxed) }
            func raise() { state.store(true, ordering: .relaxed) }
        }

        private static func stream(_ io: SocketIOServer, _ run: UInt64, until stop: Flag) async {
            var number = 0
            var state = run &* 6_364_136_223_846_793_005
            while !stop.isRaised {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                for _ in 0...Int(state >> 61) {
                    number += 1
                    if number % 7 == 0 {
                        io.to("numbers").emit("number", run, number, ByteBuffer(integer: UInt32(number)))
                    } else if number % 11 == 0 {
                        io.emit("number", run, number)
                    } else {
                        io.to("numbers").emit("number", run, number)
                    }
                }
                try? await Task.sleep(for: .microseconds(200 + Int(state >> 32) % 800))
            }
            io.emit("end", run, number)
        }
    }
#else
    /// The probe needs the package trait `SQLite`.
    @main
    struct RecoveryProbe {
        static func main() { print("built without SQLite") }
    }
#endif
