// A name server for the addresses of a few names; any other name does not exist.
// node dns-server.js, on 127.0.0.1 port 53; it says so when it waits.
'use strict';
const dgram = require('node:dgram');

const A = 1;
const AAAA = 28;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const loopback4 = Buffer.from([127, 0, 0, 1]);
const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);

// Name → type → an address, a list without one, a code of failure, or null for silence.
const names = {
  'here.test': { [A]: loopback4, [AAAA]: loopback6 },
  'empty.test': { [A]: [], [AAAA]: [] },
  'broken.test': { [A]: SERVFAIL, [AAAA]: SERVFAIL },
  'half.test': { [A]: loopback4, [AAAA]: SERVFAIL },
  'mute.test': { [A]: null, [AAAA]: null },
  'silent.test': { [A]: loopback4, [AAAA]: null },
};

function question(query) {
  const labels = [];
  let at = 12;
  while (query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += 1 + query[at];
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(query) {
  const { name, type, end } = question(query);
  const found = names[name]?.[type];
  if (found === null) return null;
  const code = typeof found === 'number' ? found : names[name] ? 0 : NXDOMAIN;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8580 | code, 2);
  header.fill(0, 6);
  if (!Buffer.isBuffer(found)) return Buffer.concat([header, query.subarray(12, end)]);
  header.writeUInt16BE(1, 6);
  const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, found.length]);
  return Buffer.concat([header, query.subarray(12, end), record, found]);
}

const socket = dgram.createSocket('udp4');
socket.on('message', (query, { port, address }) => {
  const reply = answer(query);
  if (reply) socket.send(reply, port, address);
});
socket.bind(53, '127.0.0.1', () => console.log('name server'));
