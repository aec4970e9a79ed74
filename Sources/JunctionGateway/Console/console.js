// The window into the hub: who is connected by TCP, UDP and Socket.IO, what they say, and a box to answer.

import { HubSocket } from "./hub-socket.js";

const KEPT_MESSAGES = 1000; // rows in the log, and messages waiting to become rows
const SHOWN_PEERS = 300; // a hub may hold 100,000: the filter searches them all, the page draws the first
const SHOWN_CHARACTERS = 4096;
const SHOWN_BYTES = 256;

// MARK: Words and elements

const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat(undefined, { timeStyle: "short", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const number = (value) => value.toLocaleString();
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const TRANSPORTS = { tcp: "TCP", udp: "UDP", socketio: "Socket.IO" };

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

const YOU = element("span", "you", "you");

const badge = (transport, text = TRANSPORTS[transport] ?? transport) =>
  element("span", `badge ${transport in TRANSPORTS ? transport : ""}`, text);

function name(id) {
  const node = element("span", "id", id.length > 12 ? `${id.slice(0, 8)}…` : id);
  node.title = id;
  return node;
}

function time(date, text) {
  const node = element("time", "", text);
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString();
  return node;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/// What a row shows of a message's data: { kind, text, more }. Foreign data is only ever set as text.
function describe(data) {
  if (data instanceof ArrayBuffer) {
    const text = hex(new Uint8Array(data, 0, Math.min(SHOWN_BYTES, data.byteLength)));
    const rest = data.byteLength - SHOWN_BYTES;
    return { kind: "binary", text, more: plural(data.byteLength, "byte") + (rest > 0 ? `, ${number(rest)} not shown` : "") };
  }
  const isText = typeof data === "string";
  const inner = (_, value) => (value instanceof ArrayBuffer ? `(${describe(value).more}) ${describe(value).text}` : value);
  let text = isText ? data : JSON.stringify(data, inner) ?? "";
  if (!isText && text.length > 100) text = JSON.stringify(data, inner, 2);
  const rest = text.length - SHOWN_CHARACTERS;
  // Control characters become their visible pictures, so that a stray NUL can be seen; CR LF is just the end of a line.
  const visible = text
    .slice(0, SHOWN_CHARACTERS)
    .replaceAll("\r\n", "\n")
    .replace(/[\0-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)));
  return { kind: isText ? "text" : "json", text: visible, more: rest > 0 ? `${plural(rest, "character")} not shown` : "" };
}

// MARK: Peers

const peers = new Map();
let query = "";

const searchable = (...words) => ` ${words.join(" ")} `.toLowerCase();
const isOwn = (peer) => peer.id === hub.id;

function peerRow(peer) {
  const who = element("span", "", name(peer.id), " ", isOwn(peer) ? YOU.cloneNode(true) : "");
  const since = new Date(peer.since);
  const today = since.toDateString() === new Date().toDateString();
  return element("li", "", badge(peer.transport), who,
    time(since, `since ${(today ? minute : day).format(since)}`), element("span", "address", peer.address));
}

function drawPeers() {
  const tally = {};
  const rows = [];
  let matching = 0;
  for (const peer of [...peers.values()].reverse()) {
    tally[peer.transport] = (tally[peer.transport] ?? 0) + 1;
    peer.haystack ??= searchable(peer.id, TRANSPORTS[peer.transport], peer.address, isOwn(peer) ? "you" : "");
    if (!peer.haystack.includes(query)) continue;
    matching += 1;
    if (isOwn(peer)) rows.unshift((peer.row ??= peerRow(peer)));
    else if (rows.length < SHOWN_PEERS) rows.push((peer.row ??= peerRow(peer)));
  }
  // Rows that stay are left in place: a screen reader or a selection inside them is not disturbed.
  const kept = new Set(rows);
  for (const row of [...$("peers").children]) if (!kept.has(row)) row.remove();
  let at = $("peers").firstChild;
  for (const row of rows) {
    if (row === at) at = at.nextSibling;
    else $("peers").insertBefore(row, at);
  }

  $("tally").replaceChildren(
    ...Object.keys(TRANSPORTS).filter((key) => tally[key]).map((key) => badge(key, `${TRANSPORTS[key]} ${number(tally[key])}`)),
  );
  $("peers-note").textContent = !hub.id ? "The peers are shown as soon as the gateway answers."
    : matching > rows.length ? `and ${number(matching - rows.length)} more: the filter searches them too.`
    : matching === 0 ? "No peer matches the filter."
    : peers.size === 1 ? "Only you so far. Run one of the commands under “Try it” in a terminal."
    : "";
  const count = plural(peers.size, "peer");
  $("count").textContent = hub.id ? count : "";
  document.title = `${hub.id ? count : "Offline"} · Junction`;
}

// MARK: Messages

const log = $("log");
let arrived = []; // rows to be drawn, each as a function that makes it
let followsEnd; // false while the reader has scrolled up
let unseen = 0;

function row(className, when, words, ...cells) {
  const node = element("div", `row ${className}`, time(when, clock.format(when)), ...cells);
  node.haystack = searchable(...words);
  return node;
}

function messageRow(when, peer, data, className = "") {
  const { kind, text, more } = describe(data);
  const from = element("span", "from", badge(peer.transport), className === "own" ? YOU.cloneNode(true) : name(peer.id));
  const body = element("div", `data ${kind}`, text, ...(more ? [element("span", "more", more)] : []));
  body.dir = "auto"; // also keeps right-to-left text from reordering what is around it
  return row(className, when, [from.textContent, peer.id, text, more], from, body);
}

const noticeRow = (when, text) => row("notice", when, [text], element("div", "data", text));

function add(makeRow, ...details) {
  const when = new Date();
  arrived.push(() => makeRow(when, ...details));
  if (arrived.length > 2 * KEPT_MESSAGES) arrived = arrived.slice(-KEPT_MESSAGES);
  draw();
}

const shows = (row) => row.haystack.includes(query) && ($("presence").checked || !row.classList.contains("presence"));

function drawMessages() {
  const rows = arrived.slice(-KEPT_MESSAGES).map((make) => make());
  arrived = [];
  for (const row of rows) row.hidden = !shows(row);
  log.append(...rows);
  while (log.childElementCount > KEPT_MESSAGES) log.firstChild.remove();
  keepEnd();
  unseen = followsEnd ? 0 : unseen + rows.filter((row) => !row.hidden).length;
  $("unseen").hidden = unseen === 0;
  $("unseen").textContent = `${number(unseen)} new ↓`;
  $("log-note").textContent = log.querySelector(":scope > :not([hidden])") ? ""
    : log.firstChild ? "No message matches the filter."
    : "Nothing has been said yet. Write below, or run one of the commands under “Try it”.";
}

// Bursts are drawn together. A timer and not an animation frame, which a hidden tab would never get.
let drawing = 0;
let peersChanged = false;
function draw() {
  drawing ||= setTimeout(() => {
    drawing = 0;
    if (peersChanged) drawPeers();
    peersChanged = false;
    drawMessages();
  }, 40);
}

function follow(yes) {
  followsEnd = yes;
  log.classList.toggle("following", yes);
}

function keepEnd() {
  if (followsEnd) log.scrollTop = log.scrollHeight;
}

log.addEventListener("scroll", () => {
  follow(log.scrollHeight - log.scrollTop - log.clientHeight < 4);
  if (followsEnd && unseen) draw();
});
new ResizeObserver(keepEnd).observe(log);
$("unseen").addEventListener("click", () => {
  follow(true);
  keepEnd();
  log.focus();
});

function refilter() {
  query = $("filter").value.toLowerCase();
  for (const row of log.children) row.hidden = !shows(row);
  keepEnd();
  peersChanged = true;
  draw();
}
$("filter").addEventListener("input", refilter);
$("presence").addEventListener("change", refilter);

// MARK: The hub

const handlers = {
  peers(list) {
    peers.clear();
    for (const peer of list) peers.set(peer.id, peer);
    peersChanged = true;
    draw();
  },
  "peer:join"(peer) {
    peers.set(peer.id, peer);
    peersChanged = true;
    add(messageRow, peer, `joined from ${peer.address}`, "presence");
  },
  "peer:leave"({ id, reason }) {
    const peer = peers.get(id);
    if (!peer) return;
    peers.delete(id);
    peersChanged = true;
    add(messageRow, peer, `left: ${reason}`, "presence");
  },
  message({ from, transport, data }) {
    add(messageRow, { id: from, transport }, data);
  },
};

let wasConnected = false;
let ticking = 0;

const hub = new HubSocket(`${location.origin.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`, {
  onEvent: (event, ...args) => Object.hasOwn(handlers, event) && handlers[event](...args),
  onState(state, { delay, reason } = {}) {
    const before = $("state").dataset.state;
    const connected = state === "connected";
    // The status is read aloud, so it changes when the situation does and not with every attempt.
    const status = connected ? "Connected" : reason ? `Offline. ${reason}` : $("state").textContent;
    if (status !== $("state").textContent) $("state").textContent = status;
    $("state").dataset.state = state;
    $("send").disabled = !connected;
    $("retry").hidden = state !== "waiting";
    countDown(delay);
    if (before === "connected") add(noticeRow, `Connection lost. ${reason}`);
    if (connected && wasConnected) add(noticeRow, "Connected again. What was said in between is not shown.");
    if (connected) $("problem").textContent = "";
    wasConnected ||= connected;
    peers.clear();
    peersChanged = true;
    draw();
  },
});

function countDown(delay = 0) {
  const end = Date.now() + delay;
  const show = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    $("countdown").textContent = seconds > 0 ? `Trying again in ${seconds} s` : "";
  };
  clearInterval(ticking);
  show();
  if (delay) ticking = setInterval(show, 1000);
}

$("retry").addEventListener("click", () => hub.hurry());
addEventListener("online", () => hub.hurry());

// MARK: Sending

const box = $("text");

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!box.value) return;
  const problem = hub.emit("message", box.value);
  $("problem").textContent = problem ?? "";
  if (problem) return;
  add(messageRow, { id: hub.id, transport: "socketio" }, box.value, "own");
  box.value = "";
  follow(true);
});

box.addEventListener("input", () => ($("problem").textContent = ""));
box.addEventListener("keydown", (event) => {
  // While an input method composes (Korean, Japanese …), Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  event.preventDefault();
  box.focus();
});

// MARK: Try it

const tls = location.protocol === "https:";
const target = `${location.hostname.replace(/[[\]]/g, "")} ${location.port || (tls ? 443 : 80)}`;
const commands = {
  "TCP, both ways": `ncat ${tls ? "--ssl " : ""}${target}`,
  "UDP, one datagram": `echo hello | ncat -u ${target}`,
  "Socket.IO, in a web page or Node": `io("${location.origin}").emit("message", "hello")`,
};

function copyButton(code, title) {
  const button = element("button", "", "Copy");
  button.type = "button";
  button.title = title;
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(code);
    // The clipboard API is missing on plain HTTP from another host, which is how a gateway on a local network is opened.
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

for (const [title, command] of Object.entries(commands)) {
  const code = element("code", "", command);
  $("commands").append(element("dt", "", title), element("dd", "", code, copyButton(code, title)));
}
$("try").open = matchMedia("(min-width: 821px)").matches;

follow(true);
hub.connect();
