import Foundation
import Testing

/// A foreign program that Junction is tested against.
///
/// A test that needs one takes its ``requirement`` as a trait: without the peer it is skipped and says why, unless
/// `JUNCTION_REQUIRE_PEERS` is set (`make test` does), which makes a missing peer a failure.
struct Peer: Sendable {
    /// What the reason of a skipped test calls it.
    let name: String
    /// The program to start; nil where this machine lacks it.
    let executable: String?
    /// The extension of the programs in `Peers/` that it runs; nil for one that is a program itself.
    let scriptExtension: String?

    /// Node.js, with its modules `net` and `dgram`.
    static let node = Peer(name: "Node.js", executable: find("node"), scriptExtension: "js")
    /// Python with the package `python-socketio`.
    static let python = Peer(name: "python-socketio", executable: venvPython, scriptExtension: "py")
    /// Python with `python-socketio` 4, which speaks Engine.IO 3.
    static let oldPython = Peer(
        name: "python-socketio 4", executable: interpreter(in: "venv-eio3"), scriptExtension: "py")
    /// Chromium with the stock browser client of Socket.IO, driven by `browser.py`.
    static let browser = Peer(
        name: "Chromium with socket.io.min.js",
        executable: find("chromium") != nil && isFile(browserClient) ? venvPython : nil, scriptExtension: "py")
    /// Chromium with the browser client of Socket.IO 2, driven by `browser.py`.
    static let oldBrowser = Peer(
        name: "Chromium with socket.io-2.min.js",
        executable: find("chromium") != nil && isFile(directory.appending(path: "socket.io-2.min.js").path)
            ? venvPython : nil, scriptExtension: "py")
    static let ncat = Peer(name: "ncat", executable: find("ncat"), scriptExtension: nil)
    /// The gateway that this package builds.
    static let junction = Peer(
        name: "junction",
        executable: built("junction"),
        scriptExtension: nil)
    /// HAProxy, run by `haproxy.py`.
    static let haproxy = Peer(
        name: "HAProxy", executable: find("haproxy") != nil ? find("python3") : nil, scriptExtension: "py")
    /// `network-probe` of this package; see `SeatProcess`.
    static let probe = Peer(name: "network-probe", executable: built("network-probe"), scriptExtension: nil)
    /// `recovery-probe` of this package, where it was built with SQLite.
    static let recoveryProbe = Peer(name: "recovery-probe", executable: built("recovery-probe"), scriptExtension: nil)
    /// `network-probe` in a network namespace where some addresses never answer; see `black-hole.sh`.
    static let blackHole = Peer(
        name: "ip and unshare", executable: find("ip") != nil && find("unshare") != nil ? "/bin/sh" : nil,
        scriptExtension: "sh")
    /// A shell in namespaces of its own; see `PrivateNetwork`.
    static let privateNetwork = Peer(
        name: "ip, unshare and nsenter",
        executable: find("ip") != nil && find("unshare") != nil && find("nsenter") != nil ? "/bin/sh" : nil,
        scriptExtension: "sh")
    /// The firewall's program, which a `PrivateNetwork` runs.
    static let nft = Peer(name: "nft", executable: find("nft"), scriptExtension: nil)
    /// Opens sockets for a program and starts it when somebody connects; of systemd.
    static let socketActivate = Peer(
        name: "systemd-socket-activate", executable: find("systemd-socket-activate"), scriptExtension: nil)
    /// Hands sockets to a program; see `activate.py`.
    static let activator = Peer(name: "python3", executable: find("python3"), scriptExtension: "py")
    static let bash = Peer(name: "bash", executable: find("bash"), scriptExtension: nil)
    static let openssl = Peer(name: "openssl", executable: find("openssl"), scriptExtension: nil)
    static let socat = Peer(name: "socat", executable: find("socat"), scriptExtension: nil)

    /// The path of a program that this package builds, beside the bundle of its tests.
    static func built(_ program: String) -> String {
        Bundle.module.bundleURL.deletingLastPathComponent().appending(path: program).path
    }

    /// Skips the test where the peer is missing and not required.
    var requirement: ConditionTrait {
        .enabled(if: executable != nil || Self.areRequired, "needs \(name): `make setup` installs it")
    }

    /// The directory that `Scripts/setup test` fills: `JUNCTION_PEERS`, else the one in this clone.
    static let directory = URL(
        filePath: environment["JUNCTION_PEERS"]
            ?? URL(filePath: #filePath).appending(path: "../../../../.cache/peers").standardized.path)

    private static let environment = ProcessInfo.processInfo.environment
    private static let areRequired = environment["JUNCTION_REQUIRE_PEERS"] != nil
    private static let browserClient = directory.appending(path: "socket.io.min.js").path
    private static let venvPython = interpreter(in: "venv")

    private static func interpreter(in environment: String) -> String? {
        let path = directory.appending(path: "\(environment)/bin/python").path
        return isFile(path) ? path : nil
    }

    private static func find(_ program: String) -> String? {
        (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }.first(where: isFile)
    }

    private static func isFile(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }
}

/// What went wrong with a peer, with all that it printed until then.
struct PeerFailure: Error, CustomStringConvertible {
    var reason: String
    var output: [String] = []

    var description: String {
        output.isEmpty ? reason : "\(reason)\nIt printed:\n" + output.map { "    \($0)\n" }.joined()
    }
}
