import Foundation
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A running peer: its lines as they come, its standard input, and its end.
///
/// It lives as long as the scope that ``run(_:_:environment:deadline:body:)`` gives it:
/// ```swift
/// try await PeerProcess.run(.node, ["net-client", "\(port)"]) { peer in
///     try await peer.expect("서버에 연결되었습니다.")
///     try await peer.expectEnd()
/// }
/// ```
final class PeerProcess: Sendable {
    private let name: String
    private let lines: AsyncStream<String>
    private let linesContinuation: AsyncStream<String>.Continuation
    private let state = Mutex(State())

    private struct State {
        var input: StandardInputWriter?
        var send: (@Sendable (Signal) throws -> Void)?
        var printed: [String] = []
        var awaited = "the start"
        var expectedStatus: TerminationStatus?
    }

    private init(name: String) {
        self.name = name
        (lines, linesContinuation) = AsyncStream.makeStream()
    }

    // MARK: Inside the scope

    /// The next line of standard output or standard error, in the order of printing, without its line feed.
    ///
    /// One caller at a time. Throws ``PeerFailure`` when the output has ended.
    func nextLine() async throws -> String {
        try await nextLine(awaiting: "a line")
    }

    /// Takes the next line, which must be this one.
    func expect(_ line: String) async throws {
        let actual = try await nextLine(awaiting: "“\(line)”")
        guard actual == line else { throw failure("expected “\(line)”, got “\(actual)”") }
    }

    /// Takes the next line, which must begin with the prefix, and returns the rest of it.
    func expect(prefix: String) async throws -> String {
        let actual = try await nextLine(awaiting: "“\(prefix)…”")
        guard actual.hasPrefix(prefix) else { throw failure("expected “\(prefix)…”, got “\(actual)”") }
        return String(actual.dropFirst(prefix.count))
    }

    /// Waits for the end of the program, which must print nothing more and exit with the status; the scope checks the
    /// latter when it closes.
    func expectEnd(status: Int32 = 0) async throws {
        state.withLock { $0.awaited = "the end" }
        if let line = await takeLine() { throw failure("expected the end, got “\(line)”") }
        try Task.checkCancellation()
        state.withLock { $0.expectedStatus = .exited(status) }
    }

    /// Writes the text, as it is, to the program's standard input.
    func write(_ text: String) async throws {
        _ = try await state.withLock { $0.input }?.write(Array(text.utf8))
    }

    /// Ends the program's standard input.
    func finishInput() async throws {
        try await state.withLock { $0.input }?.finish()
    }

    /// Sends the program a signal.
    func send(_ signal: Signal) throws {
        try state.withLock { $0.send }?(signal)
    }

    private func nextLine(awaiting awaited: String) async throws -> String {
        state.withLock { $0.awaited = awaited }
        if let line = await takeLine() { return line }
        try Task.checkCancellation()
        throw failure("ended while \(awaited) was awaited")
    }

    private func takeLine() async -> String? {
        var iterator = lines.makeAsyncIterator()  // every iterator of the stream takes from the same queue
        return await iterator.next()
    }

    private func failure(_ reason: String) -> PeerFailure {
        PeerFailure(reason: "\(name): \(reason)", output: state.withLock { $0.printed })
    }
}

// MARK: - The scope

extension PeerProcess {
    /// Starts a peer and gives it to the body; when the body returns or throws, the program has ended: by itself where
    /// the body awaited that with ``expectEnd(status:)``, else by SIGTERM and, if that is not obeyed, SIGKILL.
    ///
    /// - Parameters:
    ///   - command: A program in `Peers/` without its extension, then its arguments; for a peer that is a program itself
    ///     only the arguments.
    ///   - prefix: A program that starts the peer, and its arguments: `nsenter …`.
    ///   - environment: Variables to set beside the inherited ones.
    ///   - deadline: The longest that the scope may take. It is no pause: it turns a hang into a failure that says what
    ///     was awaited.
    /// - Throws: What the body throws; ``PeerFailure`` for a missing peer, at the deadline, and for another exit status.
    static func run<Value: Sendable>(
        _ peer: Peer, _ command: [String], through prefix: [String] = [], environment: [String: String] = [:],
        deadline: Duration = .seconds(60),
        body: @escaping @Sendable (PeerProcess) async throws -> Value
    ) async throws -> Value {
        let configuration = try configuration(peer, command, prefix, environment)
        let process = PeerProcess(name: peer.name)
        return try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await process.live(configuration, body) }
            group.addTask {
                try await Task.sleep(for: deadline)
                let awaited = process.state.withLock { $0.awaited }
                throw process.failure("not done within \(deadline), waiting for \(awaited)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// Runs a peer to its end, which must be with status 0, and returns the lines that it printed.
    @discardableResult
    static func output(
        _ peer: Peer, _ command: [String], environment: [String: String] = [:], deadline: Duration = .seconds(60)
    ) async throws -> [String] {
        try await run(peer, command, environment: environment, deadline: deadline) { process in
            try await process.finishInput()
            var printed: [String] = []
            while let line = await process.takeLine() { printed.append(line) }
            try await process.expectEnd()
            return printed
        }
    }

    private static func configuration(
        _ peer: Peer, _ command: [String], _ prefix: [String], _ environment: [String: String]
    ) throws -> Configuration {
        guard let executable = peer.executable else {
            throw PeerFailure(reason: "\(peer.name) is missing: `make setup` installs it")
        }
        var arguments = command
        if let scriptExtension = peer.scriptExtension, let script = command.first {
            guard let url = Bundle.module.url(forResource: "Peers/\(script)", withExtension: scriptExtension) else {
                throw PeerFailure(reason: "there is no Peers/\(script).\(scriptExtension)")
            }
            arguments[0] = url.path
        }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        var variables: [Environment.Key: String?] = ["JUNCTION_PEERS": Peer.directory.path]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        let whole = prefix + [executable] + arguments
        return Configuration(
            executable: .path(FilePath(whole[0])), arguments: Arguments(Array(whole.dropFirst())),
            environment: .inherit.updating(variables), platformOptions: options)
    }

    private func live<Value: Sendable>(
        _ configuration: Configuration, _ body: @Sendable (PeerProcess) async throws -> Value
    ) async throws -> Value {
        let outcome = try await Subprocess.run(
            configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput
        ) { execution in
            state.withLock {
                $0.input = execution.standardInputWriter
                $0.send = { try execution.send(signal: $0) }
            }
            // Read as it comes, so that a program never waits for its reader and a failure shows all that was printed.
            async let reading: Void = read(execution.standardOutput)
            let result: Result<Value, any Error>
            do { result = .success(try await body(self)) } catch { result = .failure(error) }
            if state.withLock({ $0.expectedStatus == nil }) {
                await execution.teardown(using: configuration.platformOptions.teardownSequence)
            }
            try await reading
            return try result.get()
        }
        if let expected = state.withLock({ $0.expectedStatus }), expected != outcome.terminationStatus {
            throw failure("\(outcome.terminationStatus) where \(expected) was expected")
        }
        return outcome.closureResult
    }

    private func read(_ output: SubprocessOutputSequence) async throws {
        defer { linesContinuation.finish() }
        for try await line in output.strings(separatedBy: .unicodeScalarSequence("\n".unicodeScalars)) {
            state.withLock { $0.printed.append(line) }
            linesContinuation.yield(line)
        }
    }
}
