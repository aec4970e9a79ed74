import JunctionCore
import NIOCore

/// Gathers why a connect fails, and makes one error of it.
struct ConnectFailure {
    private let action: String
    private let families: Set<AddressFamily>
    private var attempts: [NetworkError] = []
    private var lookups: [NetworkError] = []

    init(action: String, families: Set<AddressFamily>) {
        self.action = action
        self.families = families
    }

    mutating func add(attempt error: NetworkError) { attempts.append(error) }

    /// A family without an address is nothing that failed.
    mutating func add(lookup error: NetworkError) {
        if error.code != .hostNotFound { lookups.append(error) }
    }

    /// The error when everything was tried; `leftOut` addresses are beyond the limit.
    func error(leftOut: Int) -> NetworkError {
        let causes = attempts + lookups
        guard let main = causes.first(where: { !Self.saysLittle.contains($0.code) }) ?? causes.first else {
            let family = families.count == 1 ? families.map { "\($0) " }.joined() : ""
            return NetworkError(.hostNotFound, "\(action): the host name has no \(family)address")
        }
        // An address that was given as such.
        if causes.count == 1, leftOut == 0, main.message.hasPrefix("\(action): ") { return main }
        return NetworkError(main.code, "\(action): " + list(leftOut), address: main.address, underlying: causes)
    }

    /// The error when time was up.
    func timedOut(after limit: TimeAmount, awaiting missing: Set<AddressFamily>, leftOut: Int) -> NetworkError {
        let error = NetworkError(ChannelError.connectTimeout(limit), doing: action)
        let causes = attempts + lookups
        if causes.count == 1, leftOut == 0, let only = causes.first, only.message.hasPrefix("\(action): ") {
            return only
        }
        let details =
            causes.isEmpty && missing == families
            ? "the host name was not resolved" : list(leftOut)
        return NetworkError(.timedOut, error.message + (details.isEmpty ? "" : " (\(details))"), underlying: causes)
    }

    private func list(_ leftOut: Int) -> String {
        let rest = leftOut == 1 ? ["1 more address was not tried"] : ["\(leftOut) more addresses were not tried"]
        return ((attempts + lookups).map(Self.shortened) + (leftOut > 0 ? rest : [])).joined(separator: "; ")
    }

    /// `127.0.0.1:3000 connection refused`
    private static func shortened(_ error: NetworkError) -> String {
        guard let address = error.address?.text else { return error.message }
        let prefix = "connect to \(address): "
        return error.message.hasPrefix(prefix) ? "\(address) \(error.message.dropFirst(prefix.count))" : error.message
    }

    /// Codes that tell of this machine or of a rule rather than of the peer: any other one says more.
    private static let saysLittle: Set<NetworkError.Code> = [
        .networkUnreachable, .addressNotAvailable, .addressFamilyNotSupported, .addressBlocked,
    ]
}
