// A TCP client on Node's net that resets the connection when the first answer has come.
// node net-reset.js <port>
'use strict';
const net = require('node:net');

const client = net.connect({ port: Number(process.argv[2]) }, () => client.write('Hello Server!'));

client.on('data', () => {
  client.resetAndDestroy();
  console.log('reset');
});
