import JunctionCore
import JunctionTransport
import NIOCore

/// A connect without sockets, and what it does, as text. Times are milliseconds since its start.
struct Race {
    private var machine: HappyEyeballs
    private let start = NIODeadline.uptimeNanoseconds(1 << 40)
    /// What the user was told, for example `1 started [::1]:80`.
    private(set) var events: [String] = []
    /// The error, once it has failed.
    private(set) var failure: NetworkError?

    init(_ action: String = "connect to host:80", _ set: (inout HappyEyeballs.Parameters) -> Void = { _ in }) {
        var parameters = HappyEyeballs.Parameters()
        set(&parameters)
        machine = HappyEyeballs(action: action, parameters: parameters)
    }

    /// When it wants to be woken.
    var wakeUp: Int64? { machine.wakeUp.map { ($0 - start).nanoseconds / 1_000_000 } }

    mutating func resolve() -> [String] { text(machine.resolve(at: start)) }

    mutating func connect(to addresses: String...) -> [String] {
        text(machine.connect(to: Self.addresses(addresses), at: start))
    }

    mutating func connect(toPath path: String) throws -> [String] {
        text(machine.connect(to: [try SocketAddress(unixDomainSocketPath: path)], at: start))
    }

    mutating func answer(_ family: AddressFamily, _ addresses: String..., at time: Int64 = 0) -> [String] {
        text(machine.lookupEnded(family, .success(Self.addresses(addresses)), at: moment(time)))
    }

    mutating func noAnswer(_ family: AddressFamily, _ code: NetworkError.Code, at time: Int64 = 0) -> [String] {
        let error = NetworkError(code, "resolve host: no \(family)")
        return text(machine.lookupEnded(family, .failure(error), at: moment(time)))
    }

    mutating func opened(_ ordinal: Int, at time: Int64 = 0) -> [String] {
        text(machine.attemptOpened(ordinal, at: moment(time)))
    }

    /// The attempt at `address` fails.
    mutating func failed(
        _ ordinal: Int, _ address: String, _ code: NetworkError.Code = .connectionRefused, at time: Int64 = 0
    ) -> [String] {
        let error = NetworkError(code, "connect to \(Self.addresses([address]).map(\.text).joined()): \(code)")
        return text(machine.attemptFailed(ordinal, error, at: moment(time)))
    }

    mutating func wait(until time: Int64) -> [String] { text(machine.timePassed(moment(time))) }

    mutating func cancel() -> [String] { text(machine.cancel()) }

    private func moment(_ time: Int64) -> NIODeadline { start + .milliseconds(time) }

    private static func addresses(_ hosts: [String]) -> [SocketAddress] {
        hosts.compactMap { try? SocketAddress(ipAddress: $0, port: 80) }
    }

    private mutating func text(_ actions: [HappyEyeballs.Action]) -> [String] {
        var text: [String] = []
        for action in actions {
            switch action {
            case .resolve(let family): text.append("resolve \(family)")
            case .connect(let ordinal, let address): text.append("connect \(ordinal) \(address.text)")
            case .report(let attempt): events.append(attempt.line)
            case .abandon(let ordinal): text.append("abandon \(ordinal)")
            case .succeed(let ordinal): text.append("succeed \(ordinal)")
            case .fail(let error):
                text.append("fail")
                failure = error
            }
        }
        return text
    }
}

extension ConnectAttempt {
    /// `1 started 127.0.0.1:80`, `2 failed ECONNREFUSED 127.0.0.1:80`
    var line: String {
        switch outcome {
        case .started: "\(ordinal) started \(address.text)"
        case .succeeded: "\(ordinal) succeeded \(address.text)"
        case .failed(let error): "\(ordinal) failed \(error.code) \(address.text)"
        case .abandoned: "\(ordinal) abandoned \(address.text)"
        }
    }
}
