import JunctionTransport
import NIOCore
import Testing

@Suite("Addresses as text")
struct AddressTests {
    @Test(
        "shows addresses as they are written in URLs",
        arguments: [
            ("127.0.0.1", "127.0.0.1:3000"), ("::1", "[::1]:3000"), ("::ffff:192.0.2.7", "192.0.2.7:3000"),
            ("2001:db8::1", "[2001:db8::1]:3000"),
        ])
    func addresses(address: String, text: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 3000).text == text)
    }

    @Test("shows the path of a Unix domain socket")
    func unixPath() throws {
        #expect(try SocketAddress(unixDomainSocketPath: "/run/junction.sock").text == "/run/junction.sock")
    }

    @Test("shows where a server listens")
    func listenAddress() {
        #expect(ListenAddress(host: nil, port: 3000).description == "*:3000")
        #expect(ListenAddress(host: "localhost", port: 0).description == "localhost:0")
        #expect(ListenAddress(host: "::1", port: 80).description == "[::1]:80")
    }
}
