import JunctionTLS
import TLSTesting
import Testing

/// Reading certificates and keys.
@Suite(.timeLimit(.minutes(5)), TestCertificates.requirement) struct IdentityTests {
    @Test("An identity is read from files")
    func files() async throws {
        try await TestCertificates.shared().withFiles { directory in
            let identity = try TLSIdentity(
                certificateChain: .file("\(directory)/localhost.pem"), privateKey: .file("\(directory)/localhost.key"))
            #expect(identity.certificate.commonName == "localhost")
            #expect(identity.certificate.dnsNames == ["localhost"])
            #expect(identity.certificate.ipAddresses == ["127.0.0.1", "::1"])
            #expect(identity.description == "TLS identity from \(directory)/localhost.pem")
        }
    }

    @Test("A certificate tells its names, dates and serial number")
    func certificate() async throws {
        let certificate = try TLSIdentity(await TestCertificates.shared().client).certificate
        #expect(certificate.commonName == "device-7")
        #expect(certificate.uris == ["urn:example:device-7"])
        #expect(certificate.emailAddresses == ["seven@device.example"])
        #expect(certificate.dnsNames == [])
        #expect(certificate.notBefore == 1_577_836_800)  // 2020-01-01
        #expect(certificate.notAfter == 3_755_376_000)  // 2089-01-01
        #expect(certificate.serialNumber.wholeMatch(of: /10[0-9a-f]{2}/) != nil)
        #expect(certificate.derBytes.starts(with: [0x30, 0x82]))
        #expect(certificate.description == "certificate \(certificate.serialNumber) of device-7")
    }

    @Test("The certificate and its key may be in one file, after the intermediate certificates or before")
    func oneSource() async throws {
        let certificates = try await TestCertificates.shared()
        let pair = certificates.localhost
        for text in [
            pair.certificate + pair.key, pair.key + pair.certificate,
            pair.certificate + certificates.authority + pair.key,
        ] {
            let identity = try TLSIdentity(certificateChain: .text(text), privateKey: .text(text))
            #expect(identity.certificate.commonName == "localhost")
        }
    }

    @Test("An encrypted key is opened with the passphrase")
    func passphrase() async throws {
        let certificates = try await TestCertificates.shared()
        let identity = try TLSIdentity(
            certificateChain: .text(certificates.localhost.certificate), privateKey: .text(certificates.encryptedKey),
            passphrase: TestCertificates.passphrase)
        #expect(identity.certificate.commonName == "localhost")
    }

    @Test(
        "An encrypted key with the wrong passphrase, none, or one that is not ASCII is refused",
        arguments: [
            ("wrong", "does not open with the passphrase"), (nil, "is encrypted, and no passphrase was given"),
            ("비밀", "a passphrase has to be ASCII"),
        ])
    func wrongPassphrase(passphrase: String?, problem: String) async throws {
        let certificates = try await TestCertificates.shared()
        let error = networkError {
            _ = try TLSIdentity(
                certificateChain: .text(certificates.localhost.certificate),
                privateKey: .text(certificates.encryptedKey), passphrase: passphrase)
        }
        #expect(error?.code == .invalidCertificate)
        #expect(error?.message.hasSuffix(problem) == true)
    }

    @Test("A file that is missing, or is no file, is named in the error")
    func missingFile() async throws {
        try await TestCertificates.shared().withFiles { directory in
            let missing = networkError {
                _ = try TLSIdentity(
                    certificateChain: .file("\(directory)/nothing.pem"), privateKey: .file("\(directory)/localhost.key")
                )
            }
            #expect(missing?.code == .invalidCertificate)
            #expect(missing?.message == "\(directory)/nothing.pem: there is no such file")
            let folder = networkError {
                _ = try TLSIdentity(
                    certificateChain: .file("\(directory)/localhost.pem"), privateKey: .file(directory))
            }
            #expect(folder?.code == .invalidCertificate)
            #expect(folder?.message.hasPrefix("\(directory): ") == true)
        }
    }

    @Test("What is no certificate or no key is refused, and the error says which")
    func garbage() async throws {
        let pair = try await TestCertificates.shared().localhost
        let broken = pair.certificate.replacing("MII", with: "AAA", maxReplacements: 1)
        for text in ["", "garbage", pair.key, broken] {
            let error = networkError { _ = try TLSIdentity(certificateChain: .text(text), privateKey: .text(pair.key)) }
            #expect(error?.code == .invalidCertificate)
            #expect(error?.message == "PEM in memory: there is no certificate in PEM form, or a broken one")
        }
        for text in ["", "garbage", pair.certificate] {
            let error = networkError {
                _ = try TLSIdentity(certificateChain: .text(pair.certificate), privateKey: .text(text))
            }
            #expect(error?.code == .invalidCertificate)
            #expect(error?.message == "PEM in memory: there is no private key in PEM form, or a broken one")
        }
    }

    @Test("A key that does not belong to the certificate is refused")
    func foreignKey() async throws {
        let certificates = try await TestCertificates.shared()
        for key in [certificates.other.key, certificates.device.key] {
            let error = networkError {
                _ = try TLSIdentity(
                    certificateChain: .text(certificates.localhost.certificate), privateKey: .text(key))
            }
            #expect(error?.code == .invalidCertificate)
            #expect(error?.message.contains("the private key does not belong to the certificate") == true)
        }
    }
}
