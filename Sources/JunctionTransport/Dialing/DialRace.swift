import JunctionCore
import NIOCore
import NIOPosix

/// Carries out what ``HappyEyeballs`` decides, on one event loop.
final class DialRace<Output: Sendable>: Sendable {
    typealias Continuation = CheckedContinuation<Output, any Error>

    private let plan: DialPlan
    private let eventLoop: any EventLoop
    private let prepare: @Sendable (any Channel, SocketAddress) throws -> Void
    private let initialize: @Sendable (any Channel) throws -> Output
    private let state: NIOLoopBoundBox<State>

    /// What only the loop's thread touches.
    private struct State {
        var machine: HappyEyeballs
        var continuation: Continuation?
        var isCancelled = false
        var channels: [Int: any Channel] = [:]
        var lookups: [Task<Void, Never>] = []
        var timer: (time: NIODeadline, task: Scheduled<Void>)?
    }

    init(
        plan: DialPlan, eventLoop: any EventLoop,
        prepare: @escaping @Sendable (any Channel, SocketAddress) throws -> Void,
        initialize: @escaping @Sendable (any Channel) throws -> Output
    ) {
        self.plan = plan
        self.eventLoop = eventLoop
        self.prepare = prepare
        self.initialize = initialize
        let machine = HappyEyeballs(action: plan.action, parameters: plan.parameters)
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(machine: machine), eventLoop: eventLoop)
    }

    /// Begins; `continuation` gets the result.
    func start(_ continuation: Continuation) {
        eventLoop.execute { [self] in
            guard !state.value.isCancelled else { return continuation.resume(throwing: CancellationError()) }
            state.value.continuation = continuation
            step {
                if let addresses = plan.addresses { return $0.connect(to: addresses, at: $1) }
                return $0.resolve(at: $1)
            }
        }
    }

    /// Ends all attempts. From any thread.
    func cancel() {
        eventLoop.execute { [self] in
            state.value.isCancelled = true
            step { machine, _ in machine.cancel() }
            finish(.failure(CancellationError()))
        }
    }

    // MARK: On the loop

    private func step(_ input: (inout HappyEyeballs, NIODeadline) -> [HappyEyeballs.Action]) {
        let actions = input(&state.value.machine, eventLoop.now)
        for action in actions { carryOut(action) }
        setTimer()
    }

    private func carryOut(_ action: HappyEyeballs.Action) {
        switch action {
        case .resolve(let family): lookUp(family)
        case .connect(let ordinal, let address): connect(ordinal, address)
        case .report(let attempt): plan.onAttempt?(attempt)
        case .abandon(let ordinal): state.value.channels.removeValue(forKey: ordinal)?.close(promise: nil)
        case .succeed(let ordinal): succeed(ordinal)
        case .fail(let error): finish(.failure(error))
        }
    }

    private func lookUp(_ family: AddressFamily) {
        let plan = plan
        state.value.lookups.append(
            Task {
                let answer: Result<[SocketAddress], NetworkError>
                do {
                    answer = .success(try await plan.resolver.addresses(of: plan.host, port: plan.port, family: family))
                } catch {
                    answer = .failure(NetworkError(error, doing: "resolve \(plan.host)"))
                }
                self.eventLoop.execute { self.step { $0.lookupEnded(family, answer, at: $1) } }
            })
    }

    private func connect(_ ordinal: Int, _ address: SocketAddress) {
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.hours(24))  // the machine has its own limits, and the system's are far below
            .channelOption(.autoRead, value: false)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    state.value.channels[ordinal] = channel
                    try prepare(channel, address)
                }
            }
        if let local = plan.bindTarget(for: address) { bootstrap = bootstrap.bind(to: local) }
        if plan.reusesLocalPort { bootstrap = bootstrap.channelOption(.socketOption(.so_reuseaddr), value: 1) }
        bootstrap.connect(to: address).whenComplete { [self] result in
            // Not before the channel has told its pipeline that it is active; nor in the midst of a step, when the system
            // answers at once.
            eventLoop.execute { self.ended(ordinal, address, result.map { _ in }) }
        }
    }

    private func ended(_ ordinal: Int, _ address: SocketAddress, _ result: Result<Void, any Error>) {
        let action = "connect to \(address.text)"
        switch result {
        case .success where state.value.channels[ordinal]?.isActive == true:
            step { $0.attemptOpened(ordinal, at: $1) }
        case .success:
            state.value.channels[ordinal] = nil
            let error = NetworkError(.connectionReset, "\(action): the peer closed the connection at once")
            step { $0.attemptFailed(ordinal, error, at: $1) }
        case .failure(let error):
            state.value.channels[ordinal] = nil
            step { $0.attemptFailed(ordinal, NetworkError(error, doing: action), at: $1) }
        }
    }

    private func succeed(_ ordinal: Int) {
        guard let channel = state.value.channels.removeValue(forKey: ordinal) else { return }
        do {
            let output = try initialize(channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            finish(.success(output))
        } catch {
            channel.close(promise: nil)
            finish(.failure(NetworkError(error, doing: plan.action)))
        }
    }

    private func finish(_ result: Result<Output, any Error>) {
        for lookup in state.value.lookups { lookup.cancel() }
        state.value.lookups = []
        guard let continuation = state.value.continuation else { return }
        state.value.continuation = nil
        continuation.resume(with: result)
    }

    private func setTimer() {
        let time = state.value.machine.wakeUp
        guard time != state.value.timer?.time else { return }
        state.value.timer?.task.cancel()
        state.value.timer = time.map { time in
            let task = eventLoop.scheduleTask(deadline: time) { [self] in
                state.value.timer = nil
                step { $0.timePassed($1) }
            }
            return (time, task)
        }
    }
}
