@_exported public import JunctionCore
@_exported public import JunctionWebSocket
@_exported public import SocketIOProtocol
