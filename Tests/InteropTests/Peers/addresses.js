// Answers questions about addresses with Node's `net`: one JSON value a line in, one out.
const net = require('net');
const readline = require('readline');

const family = (text) => (text.includes(':') ? 'ipv6' : 'ipv4');

/** The address as Node prints it; null where it takes the text for none. */
function canonical(address) {
  try {
    return new net.SocketAddress({ address, family: family(address) }).address;
  } catch {
    return null;
  }
}

/** What a block list of these rules answers. A rule is a list of the method and its arguments without the family. */
function block({ rules, check }) {
  const list = new net.BlockList();
  for (const [method, ...values] of rules) list[method](...values, family(values[0]));
  return { rules: list.rules, matches: check.map((address) => list.check(address, family(address))) };
}

const answers = { isIP: net.isIP, canonical, block };

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { ask, of } = JSON.parse(line);
  console.log(JSON.stringify(answers[ask](of)));
});
