/// A client for Socket.IO protocol 5 over Engine.IO protocol 4: WebSocket only, main namespace, events without
/// acknowledgement. It comes back by itself after a loss, with growing and randomised delays.
export class HubSocket {
  id = null;
  maxPayload = Infinity;
  #socket = null;
  #deadline = 0;
  #retry = 0;
  #failures = 0;
  #patience = 10_000;
  #partial = null; // a binary event that waits for its attachments

  /// `onState(name, detail)` hears "connecting", "connected" and "waiting" ({ delay, reason }); `onEvent(name, ...args)`
  /// hears what the hub emits.
  constructor(url, { onState, onEvent }) {
    Object.assign(this, { url, onState, onEvent });
  }

  connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.onState("connecting");
    this.#patience = 10_000;
    this.#expectPacket();
    const socket = (this.#socket = new WebSocket(this.url));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#lose(this.id ? "The gateway went away." : "The gateway does not answer.");
  }

  /// Connects at once if it is waiting to.
  hurry() {
    if (this.#retry) this.connect();
  }

  /// Returns why the event cannot be sent, or nothing once it is on its way.
  emit(...event) {
    if (!this.id) return "Not connected. Your text stays here.";
    const packet = "42" + JSON.stringify(event);
    const size = new TextEncoder().encode(packet).length;
    if (size > this.maxPayload) return `Too long: ${plural(size, "byte")}, the gateway takes ${number(this.maxPayload)}.`;
    this.#socket.send(packet);
  }

  #receive(data) {
    this.#expectPacket();
    let event;
    try {
      event = typeof data === "string" ? this.#packet(data) : this.#attachment(data);
    } catch {
      this.#lose("The gateway sent a packet that this page cannot read.");
    }
    if (event) this.onEvent(...event);
  }

  // Engine.IO, "Packet encoding": one digit for the type, then the payload.
  #packet(text) {
    const payload = text.slice(1);
    switch (text[0]) {
      case "0": {
        const handshake = JSON.parse(payload);
        this.#patience = handshake.pingInterval + handshake.pingTimeout;
        this.maxPayload = handshake.maxPayload ?? Infinity;
        this.#socket.send("40");
        break;
      }
      case "1": return this.#lose("The gateway closed the connection.");
      case "2": this.#socket.send("3" + payload); break;
      case "4": return this.#message(payload);
    }
  }

  // Socket.IO, "Packet encoding": type, attachment count, namespace, acknowledgement id, JSON.
  #message(text) {
    const [, type, attachments, json] = /^(\d)(?:(\d+)-)?(?:\/[^,]*,)?\d*(.*)$/s.exec(text);
    switch (type) {
      case "0":
        this.id = JSON.parse(json).sid;
        this.#failures = 0;
        this.onState("connected");
        break;
      case "1": return this.#lose("The gateway ended the session.");
      case "2": return JSON.parse(json);
      case "4": return this.#lose(`The gateway refused: ${JSON.parse(json).message}`);
      case "5":
        this.#partial = { json, count: Number(attachments), buffers: [] };
        return this.#attachment();
    }
  }

  #attachment(buffer) {
    const { json, count, buffers } = this.#partial;
    if (buffer) buffers.push(buffer);
    if (buffers.length < count) return;
    this.#partial = null;
    return JSON.parse(json, (_, value) => (value?._placeholder === true ? buffers[value.num] : value));
  }

  // The hub pings at a known pace, so silence past it means that the line is dead.
  #expectPacket() {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lose("The gateway went silent."), this.#patience);
  }

  #lose(reason) {
    clearTimeout(this.#deadline);
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.id = this.#partial = null;
    const delay = Math.min(30_000, 1000 * 2 ** this.#failures++) * (0.5 + Math.random());
    this.#retry = setTimeout(() => this.connect(), delay);
    this.onState("waiting", { delay, reason });
  }
}
