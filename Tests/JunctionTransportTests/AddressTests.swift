import JunctionTransport
import Testing

@Suite("Addresses as text")
struct AddressTests {
    @Test("shows where a server listens")
    func listenAddress() {
        #expect(ListenAddress(host: nil, port: 3000).description == "*:3000")
        #expect(ListenAddress(host: "localhost", port: 0).description == "localhost:0")
        #expect(ListenAddress(host: "::1", port: 80).description == "[::1]:80")
    }
}
