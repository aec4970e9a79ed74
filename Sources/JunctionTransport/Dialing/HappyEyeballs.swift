package import JunctionCore
package import NIOCore

/// Decides which address of a host is tried when: Happy Eyeballs version 2 (RFC 8305), without sockets and clock.
///
/// What happened goes in together with the time; out comes what is to be done, in order. An attempt that is slow is given up
/// only when another has won, the time for all is over, or it has a limit of its own.
package struct HappyEyeballs {
    /// What can be set.
    package struct Parameters {
        /// Time until the next address is tried beside the ones that are being tried (RFC 8305 section 5).
        package var attemptDelay: TimeAmount = .milliseconds(250)
        /// Time that IPv4 addresses wait for IPv6 ones (RFC 8305 section 3).
        package var resolutionDelay: TimeAmount = .milliseconds(50)
        /// Time for one attempt.
        package var attemptTimeout: TimeAmount?
        /// Time for everything.
        package var timeout: TimeAmount?
        /// Addresses that are tried at most.
        package var maximumAttempts = 64
        /// The families that are asked for and tried.
        package var families: Set<AddressFamily> = [.ipv6, .ipv4]
        /// Addresses that are not to be tried are those for which it is false.
        package var filter: (@Sendable (SocketAddress) -> Bool)?

        package init() {}
    }

    /// What is to be done.
    package enum Action {
        /// Ask for the addresses of one family.
        case resolve(AddressFamily)
        /// Try an address.
        case connect(ordinal: Int, SocketAddress)
        /// Tell the user.
        case report(ConnectAttempt)
        /// Give up an attempt that is under way, or close the connection that it opened.
        case abandon(ordinal: Int)
        /// This attempt's connection is the result. The machine has finished.
        case succeed(ordinal: Int)
        /// There is no connection. The machine has finished.
        case fail(NetworkError)
    }

    private struct Attempt {
        let ordinal: Int
        let address: SocketAddress
        let deadline: NIODeadline?
    }

    private let parameters: Parameters
    private var failure: ConnectFailure

    private var lookups: Set<AddressFamily> = []
    private var queue: AddressQueue
    private var attempts: [Attempt] = []
    /// Attempts started and addresses refused so far.
    private var count = 0
    private var isFinished = false

    private var deadline: NIODeadline?
    /// When the first address may be tried although the answer for IPv6 is missing.
    private var resolutionDeadline: NIODeadline?
    /// When the next address may be tried.
    private var nextAttempt = NIODeadline.distantPast

    /// - Parameter action: what errors say was tried: `connect to localhost:3000`.
    package init(action: String, parameters: Parameters) {
        self.parameters = parameters
        self.failure = ConnectFailure(action: action, families: parameters.families)
        self.queue = AddressQueue(families: parameters.families)
    }

    // MARK: Input

    /// Begins with a host name.
    package mutating func resolve(at now: NIODeadline) -> [Action] {
        deadline = parameters.timeout.map { now + $0 }
        lookups = parameters.families
        return [AddressFamily.ipv6, .ipv4].filter(lookups.contains).map { .resolve($0) } + advance(now)
    }

    /// Begins with addresses that are known.
    package mutating func connect(to addresses: [SocketAddress], at now: NIODeadline) -> [Action] {
        deadline = parameters.timeout.map { now + $0 }
        queue.append(addresses)
        return advance(now)
    }

    /// A look-up was answered, or failed.
    package mutating func lookupEnded(
        _ family: AddressFamily, _ answer: Result<[SocketAddress], NetworkError>, at now: NIODeadline
    ) -> [Action] {
        guard lookups.remove(family) != nil else { return [] }
        switch answer {
        case .success(let addresses):
            // A resolver may answer with all that it knows.
            queue.append(addresses.filter { AddressFamily(of: $0) == family })
            if !queue.isEmpty, resolutionDeadline == nil { resolutionDeadline = now + parameters.resolutionDelay }
        case .failure(let error):
            failure.add(lookup: error)
        }
        return advance(now)
    }

    /// An attempt has opened its connection.
    package mutating func attemptOpened(_ ordinal: Int, at now: NIODeadline) -> [Action] {
        guard !isFinished, let winner = take(ordinal) else { return [.abandon(ordinal: ordinal)] }
        isFinished = true
        return [report(winner, .succeeded)] + abandonAll() + [.succeed(ordinal: ordinal)]
    }

    /// An attempt has failed.
    package mutating func attemptFailed(_ ordinal: Int, _ error: NetworkError, at now: NIODeadline) -> [Action] {
        guard !isFinished, let attempt = take(ordinal) else { return [] }
        nextAttempt = now
        return [fail(attempt, error)] + advance(now)
    }

    /// Time has passed.
    package mutating func timePassed(_ now: NIODeadline) -> [Action] {
        advance(now)
    }

    /// Nobody waits any more.
    package mutating func cancel() -> [Action] {
        isFinished = true
        return abandonAll()
    }

    /// When ``timePassed(_:)`` is to be called next; `nil` when only the other inputs matter.
    package var wakeUp: NIODeadline? {
        guard !isFinished else { return nil }
        var times = attempts.compactMap(\.deadline)
        if let deadline { times.append(deadline) }
        if !queue.isEmpty, !isExhausted { times.append(waitsForIPv6 ? resolutionDeadline ?? nextAttempt : nextAttempt) }
        return times.min()
    }

    // MARK: Decisions

    private mutating func advance(_ now: NIODeadline) -> [Action] {
        guard !isFinished else { return [] }
        if let deadline, deadline <= now { return timeOut() }
        var actions = endOverdueAttempts(now)
        while mayTryNext(now), let address = queue.next() { actions += tryNext(address, now) }
        if attempts.isEmpty, lookups.isEmpty || isExhausted, queue.isEmpty || isExhausted {
            isFinished = true
            actions.append(.fail(failure.error(leftOut: queue.count)))
        }
        return actions
    }

    private var isExhausted: Bool { count >= parameters.maximumAttempts }

    private var waitsForIPv6: Bool { count == 0 && lookups.contains(.ipv6) }

    private func mayTryNext(_ now: NIODeadline) -> Bool {
        if isExhausted { return false }
        if waitsForIPv6 { return resolutionDeadline.map { $0 <= now } ?? false }
        return nextAttempt <= now
    }

    private mutating func tryNext(_ address: SocketAddress, _ now: NIODeadline) -> [Action] {
        count += 1
        let attempt = Attempt(
            ordinal: count, address: address, deadline: parameters.attemptTimeout.map { now + $0 })
        if let filter = parameters.filter, AddressFamily(of: address) != nil, !filter(address) {
            let text = "connect to \(address.text): the address is blocked"
            return [fail(attempt, NetworkError(.addressBlocked, text, address: address))]
        }
        attempts.append(attempt)
        nextAttempt = now + parameters.attemptDelay
        return [report(attempt, .started), .connect(ordinal: attempt.ordinal, address)]
    }

    private mutating func endOverdueAttempts(_ now: NIODeadline) -> [Action] {
        guard let limit = parameters.attemptTimeout else { return [] }
        var actions: [Action] = []
        for attempt in attempts {
            guard let deadline = attempt.deadline, deadline <= now, take(attempt.ordinal) != nil else { continue }
            nextAttempt = now
            actions += [.abandon(ordinal: attempt.ordinal), fail(attempt, Self.noAnswer(attempt.address, limit))]
        }
        return actions
    }

    private mutating func timeOut() -> [Action] {
        isFinished = true
        let limit = parameters.timeout ?? .zero
        var actions: [Action] = []
        for attempt in attempts {
            actions += [.abandon(ordinal: attempt.ordinal), fail(attempt, Self.noAnswer(attempt.address, limit))]
        }
        attempts = []
        return actions + [.fail(failure.timedOut(after: limit, awaiting: lookups, leftOut: queue.count))]
    }

    private static func noAnswer(_ address: SocketAddress, _ limit: TimeAmount) -> NetworkError {
        NetworkError(ChannelError.connectTimeout(limit), doing: "connect to \(address.text)")
    }

    private mutating func fail(_ attempt: Attempt, _ error: NetworkError) -> Action {
        var error = error
        error.address = attempt.address
        failure.add(attempt: error)
        return report(attempt, .failed(error))
    }

    private mutating func abandonAll() -> [Action] {
        defer { attempts = [] }
        return attempts.flatMap { [.abandon(ordinal: $0.ordinal), report($0, .abandoned)] }
    }

    private mutating func take(_ ordinal: Int) -> Attempt? {
        attempts.firstIndex { $0.ordinal == ordinal }.map { attempts.remove(at: $0) }
    }

    private func report(_ attempt: Attempt, _ outcome: ConnectAttempt.Outcome) -> Action {
        .report(ConnectAttempt(address: attempt.address, ordinal: attempt.ordinal, outcome: outcome))
    }
}
