// A UDP client on Node's dgram: sends one greeting and closes.
// node dgram-client.js <port> [reply]; with `reply` it first waits for one answer and prints it.
'use strict';
const dgram = require('node:dgram');

const [port, reply] = process.argv.slice(2);
const client = dgram.createSocket('udp4');

client.on('message', (data) => {
  console.log('서버로부터 데이터 수신:', data.toString());
  client.close();
});

client.send('Hello Server!', Number(port), 'localhost', (error) => {
  if (error) throw error;
  if (reply === undefined) client.close();
});
