package import JunctionTLS

extension TLSIdentity {
    /// The certificate and the key of a pair.
    package init(_ pair: TestCertificates.Pair) throws {
        try self.init(certificateChain: .text(pair.certificate), privateKey: .text(pair.key))
    }
}

extension TestCertificates {
    /// A client that trusts the authority of the tests.
    package func client(_ change: (inout ClientTLS) -> Void = { _ in }) -> ClientTLS {
        var tls = ClientTLS(trustRoots: .only([.text(authority)]))
        change(&tls)
        return tls
    }
}
