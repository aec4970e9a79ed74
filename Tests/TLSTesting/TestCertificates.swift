import Foundation
import Subprocess
package import Testing

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Certificates for tests, made by `openssl` once in a process: an authority of their own, and what it signed.
package struct TestCertificates: Sendable {
    /// A certificate and its key, in PEM form.
    package struct Pair: Sendable {
        package let certificate: String
        package let key: String
    }

    /// The root that signed the others.
    package let authority: String
    /// For `localhost` and `127.0.0.1`.
    package let localhost: Pair
    /// As ``localhost``, with another serial number.
    package let renewed: Pair
    /// As ``localhost``, until the end of 2020.
    package let expired: Pair
    /// As ``localhost``, from the year 2090 on.
    package let early: Pair
    /// For `other.example` alone.
    package let other: Pair
    /// For `device.example`, with an RSA key where the others have one of P-256.
    package let device: Pair
    /// For `*.apps.example`.
    package let apps: Pair
    /// Of a client: common name `device-7`, and an URI.
    package let client: Pair
    /// For `localhost`, signed by itself.
    package let selfSigned: Pair
    /// The key of ``localhost``, encrypted with ``passphrase``.
    package let encryptedKey: String

    package static let passphrase = "correct horse"

    /// The certificates of this process.
    package static func shared() async throws -> TestCertificates { try await made.value }

    private static let made = Task { try await make() }

    /// For suites and tests that need them: skipped where there is no `openssl`, unless the peers are required.
    package static var requirement: ConditionTrait {
        .enabled(if: isAvailable || areRequired, "needs openssl: `make setup` installs it")
    }

    private static let environment = ProcessInfo.processInfo.environment
    private static let areRequired = environment["JUNCTION_REQUIRE_PEERS"] != nil
    private static let isAvailable = (environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/openssl") }

    /// The pairs by name, which is also that of their files.
    private var pairs: [String: Pair] {
        [
            "localhost": localhost, "renewed": renewed, "expired": expired, "early": early, "other": other,
            "device": device,
            "apps": apps, "client": client, "selfsigned": selfSigned,
        ]
    }

    /// The pair of that name.
    package func pair(_ name: String) throws -> Pair {
        guard let pair = pairs[name] else { throw Failure(description: "there is no certificate \(name)") }
        return pair
    }

    /// Writes everything into a directory of its own (`ca.pem`, `localhost.pem`, `localhost.key` …), and removes it after `body`.
    package func withFiles<Result>(_ body: (_ directory: String) async throws -> Result) async throws -> Result {
        try await withTemporaryDirectory { directory in
            try write(authority, "\(directory)/ca.pem")
            for (name, pair) in pairs {
                try write(pair.certificate, "\(directory)/\(name).pem")
                try write(pair.key, "\(directory)/\(name).key")
            }
            return try await body(directory)
        }
    }
}

/// Replaces the content of a file.
package func write(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
}

/// Removes a file.
package func remove(_ path: String) throws {
    try FileManager.default.removeItem(atPath: path)
}

/// Gives `body` a new directory, and removes it.
package func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "junction-tls-\(UUID())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
}

// MARK: - Making them

extension TestCertificates {
    private struct Failure: Error, CustomStringConvertible { let description: String }

    private static func make() async throws -> TestCertificates {
        try await withTemporaryDirectory { directory in
            let ca = Authority(directory: directory)
            try await ca.create()
            let names = "DNS:localhost,IP:127.0.0.1,IP:::1"
            let localhost = try await ca.issue("localhost", names)
            return TestCertificates(
                authority: try ca.read("ca.pem"), localhost: localhost,
                renewed: try await ca.issue("localhost", names),
                expired: try await ca.issue("localhost", names, from: "20200101000000Z", to: "20210101000000Z"),
                early: try await ca.issue("localhost", names, from: "20900101000000Z", to: "20910101000000Z"),
                other: try await ca.issue("other.example", "DNS:other.example"),
                device: try await ca.issue("device.example", "DNS:device.example", key: rsa),
                apps: try await ca.issue("apps", "DNS:*.apps.example"),
                client: try await ca.issue("device-7", "URI:urn:example:device-7,email:seven@device.example"),
                selfSigned: try await ca.selfSigned("localhost", names),
                encryptedKey: try await ca.encrypt(localhost.key))
        }
    }

    private static let rsa = ["-newkey", "rsa:2048"]
    private static let p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

    /// `openssl ca` in a directory: unlike `openssl x509` it takes any dates in all versions.
    private struct Authority {
        let directory: String

        func create() async throws {
            try write("", path("index.txt"))
            try write("1000\n", path("serial"))
            try await openssl(
                ["req", "-x509", "-nodes"] + p256
                    + ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Junction Test CA", "-days", "3650"])
        }

        func issue(
            _ name: String, _ alternativeNames: String, from: String = "20200101000000Z",
            to: String = "20890101000000Z",
            key: [String] = p256
        ) async throws -> Pair {
            let configuration = """
                [ca]
                default_ca = test
                [test]
                database = index.txt
                serial = serial
                new_certs_dir = .
                certificate = ca.pem
                private_key = ca.key
                default_md = sha256
                policy = policy
                unique_subject = no
                x509_extensions = leaf
                [policy]
                commonName = supplied
                [leaf]
                subjectAltName = \(alternativeNames)

                """
            try write(configuration, path("ca.cnf"))
            try await openssl(
                ["req", "-new", "-nodes"] + key + ["-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=\(name)"])
            try await openssl([
                "ca", "-config", "ca.cnf", "-batch", "-notext", "-startdate", from, "-enddate", to, "-in", "leaf.csr",
                "-out", "leaf.pem",
            ])
            return Pair(certificate: try read("leaf.pem"), key: try read("leaf.key"))
        }

        func selfSigned(_ name: String, _ alternativeNames: String) async throws -> Pair {
            try await openssl(
                ["req", "-x509", "-nodes"] + p256 + [
                    "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=\(name)", "-days", "3650", "-addext",
                    "subjectAltName=\(alternativeNames)",
                ])
            return Pair(certificate: try read("self.pem"), key: try read("self.key"))
        }

        func encrypt(_ key: String) async throws -> String {
            try write(key, path("plain.key"))
            try await openssl([
                "pkcs8", "-topk8", "-v2", "aes256", "-in", "plain.key", "-out", "encrypted.key", "-passout",
                "pass:\(passphrase)",
            ])
            return try read("encrypted.key")
        }

        func read(_ file: String) throws -> String { try String(contentsOfFile: path(file), encoding: .utf8) }

        private func path(_ file: String) -> String { "\(directory)/\(file)" }

        private func openssl(_ arguments: [String]) async throws {
            let result = try await Subprocess.run(
                .name("openssl"), arguments: Arguments(arguments), workingDirectory: FilePath(directory),
                output: .discarded, error: .string(limit: 65_536))
            guard result.terminationStatus.isSuccess else {
                throw Failure(description: "openssl \(arguments.joined(separator: " ")): \(result.standardError)")
            }
        }
    }
}
