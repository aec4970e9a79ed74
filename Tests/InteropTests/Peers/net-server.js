// A TCP server on Node's net: answers whatever it receives with one greeting.
// node net-server.js <port>; with port 0 the line about waiting names the port that the system gave.
'use strict';
const net = require('node:net');

const server = net.createServer((socket) => {
  console.log('클라이언트가 연결되었습니다.');
  socket.on('data', (data) => {
    console.log('클라이언트로부터 데이터 수신:', data.toString());
    socket.write('Hello Client!');
  });
  socket.on('end', () => console.log('클라이언트 연결이 종료되었습니다.'));
});

server.listen(Number(process.argv[2]), () => {
  console.log(`TCP 서버가 ${server.address().port}번 포트에서 대기 중입니다.`);
});
