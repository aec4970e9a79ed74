// A TLS client on Node's tls that sends the lines of its standard input, and ends its side with that.
// node tls-client.js <port> <options of tls.connect as JSON; certificates and keys by path>
// The line "again" connects anew, with the session of the last connection.
'use strict';
const fs = require('node:fs');
const readline = require('node:readline');
const tls = require('node:tls');

const [port, json] = process.argv.slice(2);
const options = { host: '127.0.0.1', servername: 'localhost', ...JSON.parse(json), port: Number(port), allowHalfOpen: true };
for (const name of ['ca', 'cert', 'key']) if (options[name]) options[name] = fs.readFileSync(options[name]);

let socket;
let session;

function connect() {
  const current = tls.connect({ ...options, session }, () => {
    const { subject, serialNumber } = current.getPeerCertificate();  // without fields in a resumed session
    const agreed = [current.getProtocol(), current.alpnProtocol || 'none', current.isSessionReused() ? 'resumed' : 'new'];
    console.log('connected:', ...agreed, subject ? `${subject.CN} ${serialNumber.toLowerCase()}` : 'as before');
  });
  current.setEncoding('utf8');
  current.on('session', (ticket) => { session = ticket; });
  current.on('data', (data) => console.log('received:', data));
  current.on('end', () => console.log('ended'));
  current.on('error', (error) => console.log('error:', error.code));
  current.on('close', () => { if (current === socket) process.exit(); });
  return current;
}

socket = connect();
const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  if (line !== 'again') { socket.write(line); return; }
  const last = socket;
  socket = connect();
  last.destroy();
});
input.on('close', () => socket.end());
