// A TCP client on Node's net that ends its side at once and then reads the answer to the end.
// node net-half-close.js <port> <text>
'use strict';
const net = require('node:net');

const [port, text] = process.argv.slice(2);
const client = net.connect({ port: Number(port) }, () => client.end(text));
let answer = '';

client.on('data', (data) => { answer += data; });
client.on('end', () => console.log('answered:', answer));
