public import NIOCore
public struct AddressFilter: Sendable {
    public init() {}
    public func permits(_ address: SocketAddress) -> Bool { true }
}
