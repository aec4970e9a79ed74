import JunctionTLS
import TLSTesting

extension TLSIdentity {
    init(_ pair: TestCertificates.Pair) throws {
        try self.init(certificateChain: .text(pair.certificate), privateKey: .text(pair.key))
    }
}

extension TestCertificates {
    /// A client that trusts the authority of the tests.
    func client(_ change: (inout ClientTLS) -> Void = { _ in }) -> ClientTLS {
        var tls = ClientTLS(trustRoots: .only([.text(authority)]))
        change(&tls)
        return tls
    }
}

/// The network error that `body` throws.
func networkError(_ body: () throws -> Void) -> NetworkError? {
    do {
        try body()
        return nil
    } catch {
        return error as? NetworkError
    }
}
