package import NIOCore

extension InMemoryChannel {
    /// What can be set on a channel, with NIO's defaults.
    struct Options {
        var autoRead = true
        var allowRemoteHalfClosure = false
        var maxMessagesPerRead = 4
        var recvAllocator: any RecvByteBufferAllocator = AdaptiveRecvByteBufferAllocator()
        var writeBufferWaterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32 * 1024, high: 64 * 1024)
        /// What was set on the socket is given back; there is no kernel that it would mean anything to.
        var socket: [SocketOption: SocketOptionValue] = [:]
    }

    struct SocketOption: Hashable {
        var level: NIOBSDSocket.OptionLevel
        var name: NIOBSDSocket.Option
    }

    /// `syncOptions` of the channel.
    package struct SynchronousOptions: NIOSynchronousChannelOptions {
        let channel: InMemoryChannel

        package func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            try channel.setOption0(option, value)
        }

        package func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            try channel.getOption0(option)
        }
    }

    package var syncOptions: (any NIOSynchronousChannelOptions)? { SynchronousOptions(channel: self) }

    package func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        eventLoop.submit { try self.setOption0(option, value) }
    }

    package func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        eventLoop.submit { try self.getOption0(option) }
    }

    private func setOption0<Option: ChannelOption>(_ option: Option, _ value: Option.Value) throws {
        guard isOpen else { throw ChannelError.ioOnClosedChannel }
        switch (option, value) {
        case (is ChannelOptions.Types.AutoReadOption, let value as Bool):
            guard options.autoRead != value else { return }
            options.autoRead = value
            if value, isActive { pipeline.syncOperations.read() }
        case (is ChannelOptions.Types.AllowRemoteHalfClosureOption, let value as Bool):
            options.allowRemoteHalfClosure = value
        case (is ChannelOptions.Types.MaxMessagesPerReadOption, let value as UInt):
            options.maxMessagesPerRead = Int(clamping: value)
        case (is ChannelOptions.Types.RecvAllocatorOption, let value as any RecvByteBufferAllocator):
            options.recvAllocator = value
        case (
            is ChannelOptions.Types.WriteBufferWaterMarkOption, let value as ChannelOptions.Types.WriteBufferWaterMark
        ):
            options.writeBufferWaterMark = value
        case (let option as ChannelOptions.Types.SocketOption, let value as SocketOptionValue):
            options.socket[SocketOption(level: option.optionLevel, name: option.optionName)] = value
        default:
            throw ChannelError.operationUnsupported
        }
    }

    private func getOption0<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
        guard isOpen else { throw ChannelError.ioOnClosedChannel }
        let value: Any? =
            switch option {
            case is ChannelOptions.Types.AutoReadOption: options.autoRead
            case is ChannelOptions.Types.AllowRemoteHalfClosureOption: options.allowRemoteHalfClosure
            case is ChannelOptions.Types.MaxMessagesPerReadOption: UInt(options.maxMessagesPerRead)
            case is ChannelOptions.Types.RecvAllocatorOption: options.recvAllocator
            case is ChannelOptions.Types.WriteBufferWaterMarkOption: options.writeBufferWaterMark
            case is ChannelOptions.Types.BufferedWritableBytesOption: bufferedWritableBytes
            case let option as ChannelOptions.Types.SocketOption:
                options.socket[SocketOption(level: option.optionLevel, name: option.optionName)] ?? 0
            default: nil
            }
        guard let value = value as? Option.Value else { throw ChannelError.operationUnsupported }
        return value
    }
}
