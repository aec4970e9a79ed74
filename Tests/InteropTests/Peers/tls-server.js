// A TLS server on Node's tls that sends back what it receives, and "bye" when the client has ended its side.
// node tls-server.js <options of tls.createServer as JSON; certificates and keys by path>
'use strict';
const fs = require('node:fs');
const tls = require('node:tls');

const options = { ...JSON.parse(process.argv[2]), allowHalfOpen: true };
for (const name of ['ca', 'cert', 'key']) if (options[name]) options[name] = fs.readFileSync(options[name]);

const server = tls.createServer(options, (socket) => {
  const client = socket.getPeerCertificate().subject;
  console.log('connected:', socket.getProtocol(), socket.alpnProtocol || 'none', socket.servername || 'none', client ? client.CN : 'unknown');
  socket.on('data', (data) => socket.write(data));
  socket.on('end', () => { console.log('ended'); socket.end('bye'); });
  socket.on('error', (error) => console.log('error:', error.code));
  socket.on('close', (hadError) => console.log(hadError ? 'closed after an error' : 'closed'));
});
server.on('tlsClientError', (error) => console.log('refused:', error.code));
server.listen(0, '127.0.0.1', () => console.log('listens on', server.address().port));
