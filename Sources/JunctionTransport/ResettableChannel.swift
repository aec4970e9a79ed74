/// A channel without a socket that can close with a reset all the same; for one with a socket, see `SO_LINGER` in socket(7).
package protocol ResettableChannel: AnyObject {
    /// Makes the next close a reset. On the channel's loop.
    func resetOnClose()
}
