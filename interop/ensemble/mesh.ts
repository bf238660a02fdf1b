/** A relay on every way from one server to another, for its quorum and for its election port: the network to break. */

import { RandomStream } from '@headkeeper/testkit';
import { takePorts } from './ports.ts';
import { type Direction, Relay } from './relay.ts';

export interface PeerPorts {
  readonly sid: number;
  readonly quorum: number;
  readonly election: number;
}

export class Mesh {
  /** By `FROM>TO`: from the server that connects to the one that listens. */
  readonly #ways: Map<string, readonly [quorum: Relay, election: Relay]> = new Map();
  readonly #sids: Set<number> = new Set();
  readonly #seed: number;

  /** `seed`: of the times that what is delayed takes. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Adds a server, with the ways from and to all others. */
  async add(peer: PeerPorts, others: readonly PeerPorts[]): Promise<void> {
    this.#sids.add(peer.sid);
    for (const other of others) {
      await this.#addWay(peer, other);
      await this.#addWay(other, peer);
    }
  }

  async #addWay(from: PeerPorts, to: PeerPorts): Promise<void> {
    const [quorum, election] = (await takePorts(2)) as [number, number];
    const way = `${from.sid}>${to.sid}`;
    const randomOf = (port: string): RandomStream => new RandomStream(this.#seed, `${way} ${port}`);
    this.#ways.set(way, [
      await Relay.listen(quorum, to.quorum, randomOf('quorum')),
      await Relay.listen(election, to.election, randomOf('election')),
    ]);
  }

  /** Where `from` finds the ports of `to`. */
  portsFor(from: number, to: number): { quorum: number; election: number } {
    const [quorum, election] = this.#way(from, to);
    return { quorum: quorum.port, election: election.port };
  }

  /** What `from` sends does not arrive at `to` any more, whichever of them made the connection. */
  hold(from: number, to: number): void {
    this.#both(from, to, (relay, direction) => relay.hold(direction));
  }

  release(from: number, to: number): void {
    this.#both(from, to, (relay, direction) => relay.release(direction));
  }

  /** What goes between the server and all others takes longer; 0: as before. */
  delay(sid: number, delayMs: number): void {
    for (const other of this.#othersOf(sid)) {
      this.#both(sid, other, (relay) => {
        relay.delayMs = delayMs;
      });
    }
  }

  /** Resets every connection between two servers. */
  reset(one: number, other: number): void {
    this.#both(one, other, (relay) => relay.reset());
  }

  /** Neither direction works between one server and all others. */
  isolate(sid: number): void {
    for (const other of this.#othersOf(sid)) {
      this.hold(sid, other);
      this.hold(other, sid);
    }
  }

  /** Nothing that the server sends arrives; it hears everybody. */
  mute(sid: number): void {
    for (const other of this.#othersOf(sid)) this.hold(sid, other);
  }

  /** The server hears nobody; what it sends arrives. */
  deafen(sid: number): void {
    for (const other of this.#othersOf(sid)) this.hold(other, sid);
  }

  /** Connections to and from the server are reset, and every new one. */
  refuse(sid: number): void {
    for (const other of this.#othersOf(sid)) {
      this.#both(sid, other, (relay) => {
        relay.refusing = true;
        relay.reset();
      });
    }
  }

  /** Everything works again. `forget`: what was held back is lost, with its connections. */
  heal(forget: boolean): void {
    for (const relays of this.#ways.values()) {
      for (const relay of relays) {
        if (forget && relay.holding) relay.reset();
        relay.refusing = false;
        relay.release('forth');
        relay.release('back');
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#ways.values()].flat().map((relay) => relay.close()));
  }

  #othersOf(sid: number): number[] {
    return [...this.#sids].filter((other) => other !== sid);
  }

  #both(from: number, to: number, action: (relay: Relay, direction: Direction) => void): void {
    for (const relay of this.#way(from, to)) action(relay, 'forth');
    for (const relay of this.#way(to, from)) action(relay, 'back');
  }

  #way(from: number, to: number): readonly [Relay, Relay] {
    const way = this.#ways.get(`${from}>${to}`);
    if (way === undefined) throw new RangeError(`no way from ${from} to ${to}`);
    return way;
  }
}
