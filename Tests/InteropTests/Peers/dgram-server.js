// A UDP server on Node's dgram: answers each datagram with one greeting.
// node dgram-server.js <port>; with port 0 the line about waiting names the port that the system gave.
'use strict';
const dgram = require('node:dgram');

const server = dgram.createSocket('udp4');

server.on('message', (message, remote) => {
  console.log(`클라이언트로부터 데이터 수신: ${message}`);
  server.send('Hello Client!', remote.port, remote.address);
});

server.bind(Number(process.argv[2]), () => {
  console.log(`UDP 서버가 ${server.address().port}번 포트에서 대기 중입니다.`);
});
