// A TCP client on Node's net: greets, prints the first answer, and ends its side.
// node net-client.js <port>
'use strict';
const net = require('node:net');

const client = net.connect({ port: Number(process.argv[2]) }, () => {
  console.log('서버에 연결되었습니다.');
  client.write('Hello Server!');
});

client.on('data', (data) => {
  console.log('서버로부터 데이터 수신:', data.toString());
  client.end();
});

client.on('end', () => console.log('서버 연결이 종료되었습니다.'));
