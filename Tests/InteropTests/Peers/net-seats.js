// Takes seats of TCP connections on Node's net: one JSON command a line on standard input, one event a line on standard
// output. Tests/SeatCommands describes both.
// node net-seats.js
'use strict';
const net = require('node:net');
const readline = require('node:readline');

const servers = new Map();
const seats = new Map();

const say = (name, event) => console.log(`${name} ${event}`);

class Seat {
  #received = 0;

  constructor(name, socket, script) {
    this.name = name;
    this.socket = socket;
    this.rules = script.rules;
    this.moments = Object.keys(this.rules)
      .filter((rule) => rule.startsWith('data '))
      .map((rule) => Number(rule.slice('data '.length)))
      .sort((a, b) => a - b);
    seats.set(name, this);
    socket.on('data', (data) => this.#receive(data.length));
    socket.on('end', () => this.#happened('end'));
    socket.on('timeout', () => this.#happened('timeout'));
    socket.on('error', (error) => say(name, `error ${error.code}`));
    socket.on('close', (hadError) => {
      say(name, hadError ? 'close after error' : 'close');
      say(name, 'over');
      seats.delete(name);
    });
  }

  open() {
    const { remoteAddress, remotePort, localAddress, localPort } = this.socket;
    say(this.name, `# from ${remoteAddress}:${remotePort} to ${localAddress}:${localPort}`);
    this.#happened('open');
  }

  #happened(event) {
    say(this.name, event);
    this.follow(event);
  }

  #receive(length) {
    say(this.name, `data ${length}`);
    const before = this.#received;
    this.#received += length;
    for (const moment of this.moments) {
      if (before < moment && moment <= this.#received) this.follow(`data ${moment}`);
    }
  }

  follow(rule) {
    for (const action of (this.rules[rule] ?? '').split(',').filter(Boolean)) {
      const [verb, amount] = action.trim().split(' ');
      this.#perform(verb, Number(amount));
    }
  }

  #perform(verb, amount) {
    switch (verb) {
      case 'write':
      case 'queue': this.socket.write(Buffer.alloc(amount, 'a')); break;
      case 'end': this.socket.end(); break;
      case 'destroy': this.socket.destroy(); break;
      case 'reset': this.socket.resetAndDestroy(); break;
      case 'pause': this.socket.pause(); break;
      case 'resume': this.socket.resume(); break;
      case 'idle': this.socket.setTimeout(amount); break;
      default: say(this.name, `# cannot ${verb}`);
    }
  }
}

function serve({ name, host, port, path, script, maximumConnections }) {
  const server = net.createServer({ allowHalfOpen: script.allowsHalfOpen });
  let count = 0;
  servers.set(name, server);
  if (maximumConnections) server.maxConnections = maximumConnections;
  server.on('connection', (socket) => new Seat(`${name}${++count}`, socket, script).open());
  server.on('drop', () => say(name, 'drop'));
  server.on('error', (error) => {
    say(name, `error ${error.code}`);
    say(name, 'stopped');
  });
  server.on('close', () => say(name, 'stopped'));
  server.listen(path ? { path } : { host: host ?? '127.0.0.1', port: port ?? 0 }, () => {
    say(name, `listening ${server.address().port ?? 0}`);
  });
}

function connect({ name, host, port, path, script, localAddress, localPort }) {
  const target = path ? { path } : { host: host ?? '127.0.0.1', port, localAddress, localPort };
  const socket = net.connect({ ...target, allowHalfOpen: script.allowsHalfOpen });
  const seat = new Seat(name, socket, script);
  socket.on('connect', () => seat.open());
}

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    switch (command.action) {
      case 'serve': serve(command); break;
      case 'connect': connect(command); break;
      case 'signal': for (const seat of [...seats.values()]) seat.follow(command.name); break;
      case 'stop': servers.get(command.name).close(); break;
    }
  })
  .on('close', () => process.exit());
