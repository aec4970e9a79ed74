// UDP echo with Node's dgram, on 127.0.0.1 at the port in PORT.
const socket = require('dgram').createSocket('udp4');
socket.on('message', (message, remote) => socket.send(message, remote.port, remote.address));
socket.bind(Number(process.env.PORT), '127.0.0.1');
