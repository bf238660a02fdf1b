import type { Endpoint, PeerNetwork, PeerStream, PeerStreamHandler, Timers } from '@headkeeper/server/embedding';
import type { Gate } from '../gate.ts';
import { HeldStream } from './held-stream.ts';
import type { Switchboard } from './switchboard.ts';

/**
 * The network of one server from its start to its end: real sockets, which are held while the server is paused, and those
 * between two servers while the way between them is cut. A cut is made at the end that has opened the connection.
 */
export class ServerNetwork implements PeerNetwork {
  readonly #sid: number;
  readonly #switchboard: Switchboard;
  readonly #network: PeerNetwork;
  readonly #timers: Timers;
  readonly #gate: Gate;
  readonly #streams: Set<HeldStream> = new Set();
  readonly #stops: Set<() => void> = new Set();
  readonly #unwatch: () => void;

  constructor(sid: number, switchboard: Switchboard, network: PeerNetwork, timers: Timers, gate: Gate) {
    this.#sid = sid;
    this.#switchboard = switchboard;
    this.#network = network;
    this.#timers = timers;
    this.#gate = gate;
    this.#unwatch = switchboard.watch(() => this.update());
  }

  listen(
    at: Endpoint,
    accepted: (stream: PeerStream) => PeerStreamHandler,
    listening: (error: Error | null) => void,
  ): () => void {
    const stopListening = this.#network.listen(
      at,
      (raw) => {
        const stream = this.#add(new HeldStream(raw.remote, () => !this.#gate.isOpen, this.#forget));
        stream.attach(raw);
        return stream.acceptedBy(accepted);
      },
      (error) => this.#gate.pass(() => listening(error)),
    );
    const stop = (): void => {
      this.#stops.delete(stop);
      stopListening();
    };
    this.#stops.add(stop);
    return stop;
  }

  connect(to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): PeerStream {
    const isCut = (): boolean => this.#switchboard.isCut(this.#sid, to);
    const held = new HeldStream(to, () => !this.#gate.isOpen || isCut(), this.#forget);
    const stream = this.#add(held.handledBy(handler));
    if (!isCut()) {
      stream.attach(this.#network.connect(to, timeoutMs, stream));
      return stream;
    }
    // Nobody answers. The way may be open again in time.
    const giveUp = this.#timers.set(timeoutMs, () => {
      unwatch();
      if (!this.#streams.has(stream) || stream.hasRaw) return;
      this.#streams.delete(stream);
      handler.closed(new Error(`no connection to ${to.host}:${to.port} within ${timeoutMs} ms`));
    });
    const unwatch = this.#switchboard.watch(() => {
      if (isCut()) return;
      unwatch();
      giveUp();
      if (this.#streams.has(stream)) stream.attach(this.#network.connect(to, timeoutMs, stream));
    });
    return stream;
  }

  /** The gate was opened or shut, or ways were cut or healed. */
  update(): void {
    for (const stream of [...this.#streams]) stream.update();
  }

  /** The process has ended: its ports and connections are gone. */
  end(): void {
    this.#unwatch();
    for (const stop of [...this.#stops]) stop();
    for (const stream of [...this.#streams]) stream.drop();
  }

  #add(stream: HeldStream): HeldStream {
    this.#streams.add(stream);
    return stream;
  }

  readonly #forget = (stream: HeldStream): void => {
    this.#streams.delete(stream);
  };
}
