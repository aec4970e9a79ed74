// TCP echo with Node's net, on 127.0.0.1 at the port in PORT.
require('net').createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => {});
}).listen(Number(process.env.PORT), '127.0.0.1');
