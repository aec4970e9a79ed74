// One socket of Node's dgram, led by commands: each line of standard input is a JSON array, the name of a command and its
// arguments; each answer and each event is a line of standard output.
// node dgram-lab.js udp4|udp6
'use strict';
const dgram = require('node:dgram');
const readline = require('node:readline');

const socket = dgram.createSocket({ type: process.argv[2], reuseAddr: true });
const code = (error) => error.code ?? error.name;

socket.on('message', (message, remote) => {
  const text = message.length > 100 ? `${message.length} bytes of ${String.fromCharCode(message[0])}` : message;
  console.log(`message ${text} from ${remote.address}`);
});
socket.on('connect', () => console.log('connected'));
socket.on('error', (error) => console.log(`error ${code(error)}`));

const commands = {
  bind: (port, address) => socket.bind(port, address, () => console.log(`bound ${socket.address().port}`)),
  send: (text, port, address) => socket.send(text, port, address, (error) => console.log(error ? `failed ${code(error)}` : 'sent')),
  // For a connected socket.
  write: (text) => socket.send(text, (error) => console.log(error ? `failed ${code(error)}` : 'sent')),
  close: () => socket.close(() => process.exit(0)),
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...args] = JSON.parse(line);
  try {
    if (commands[name]) return commands[name](...args);
    socket[name](...args);  // setBroadcast, addMembership, connect …
    if (name !== 'connect') console.log(`done ${name}`);
  } catch (error) {
    console.log(`failed ${code(error)}`);
  }
});
