/** Mutated packets at the ports between servers: half of them begin as what a server says inside a proper exchange. */

import { createServer, type Server, type Socket } from 'node:net';
import { QuorumPacketType } from '@headkeeper/protocol';
import { SeededRandom } from '@headkeeper/testkit';
import type { Draft } from './draft.ts';
import { garbage, mutate } from './mutations.ts';
import { PeerConnection } from './peer-connection.ts';
import { ack, ackEpoch, greeting, initialMessage, notification, STRANGERS, steadyPacket } from './peer-draft.ts';

const WORKERS = 12;
/** Packets in one write, at most. */
const BATCH = 48;
const HEAR_MS = 1_500;
/** A number that nobody has, and that is below all others: the servers call back at the address that it names. */
const SMALLEST = 0;

/** Ports of one server. */
export interface PeerPorts {
  readonly quorum: number;
  readonly election: number;
}

export interface PeerFuzzOptions {
  readonly servers: readonly PeerPorts[];
  /** Where the strangers of the configuration can be reached for elections. */
  readonly strangers: readonly number[];
  /** Text of the membership, as votes carry it. */
  readonly config: string;
  readonly packets: number;
  readonly seed: number;
  /** The last zxid of the ensemble, about. */
  readonly zxid: () => bigint;
  /** Which of the servers leads, about. */
  readonly leader: () => number;
  readonly progress: (sent: number) => void;
}

/** How far the exchanges came, and what was sent in them. */
export class PeerTally {
  /** Packets, votes and first messages that a server has taken, or closed the connection for. */
  packets = 0;
  /** Of these, how many began as what belongs there. */
  inside = 0;
  connections = 0;
  calledBack = 0;
  readonly stages: Map<string, number> = new Map();

  stage(name: string): void {
    this.stages.set(name, (this.stages.get(name) ?? 0) + 1);
  }
}

/** @throws Violation when a server does what it must not. */
export async function fuzzPeers(options: PeerFuzzOptions): Promise<PeerTally> {
  const tally = new PeerTally();
  const listeners = await Promise.all(options.strangers.map((port, index) => listen(port, index, options, tally)));
  try {
    await Promise.all(Array.from({ length: WORKERS }, (_, index) => new PeerWorker(index, options, tally).run()));
  } finally {
    for (const { server, sockets } of listeners) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  }
  return tally;
}

interface Listener {
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

/** A stranger's election port: whoever calls is told votes that are none. */
function listen(port: number, index: number, options: PeerFuzzOptions, tally: PeerTally): Promise<Listener> {
  const random = new SeededRandom(options.seed * 1_000 + 900 + index);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => {
      if (random.below(4) === 0) socket.destroy();
      else socket.write(spoiled(notification(options.config, options.zxid(), random), random, true).bytes);
    });
    tally.calledBack++;
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ server, sockets })));
}

/** As it is, spoiled, or garbage in its place. `framed`: with the length in front that votes have. */
function spoiled(draft: Draft, random: SeededRandom, framed: boolean): { bytes: Buffer; isInside: boolean } {
  const isInside = random.below(4) !== 0;
  const { frame } = isInside ? mutate(draft, random) : garbage(random);
  return { bytes: framed ? frame : frame.subarray(4), isInside };
}

function framed(draft: Draft): Buffer {
  const bytes = draft.written();
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

class PeerWorker {
  readonly #index: number;
  readonly #random: SeededRandom;
  readonly #options: PeerFuzzOptions;
  readonly #tally: PeerTally;
  #connections = 0;

  constructor(index: number, options: PeerFuzzOptions, tally: PeerTally) {
    this.#index = index;
    this.#random = new SeededRandom(options.seed * 1_000 + index);
    this.#options = options;
    this.#tally = tally;
  }

  async run(): Promise<void> {
    while (this.#tally.packets < this.#options.packets) {
      if (this.#random.below(3) === 0) await this.#election();
      else await this.#learner();
      this.#options.progress(this.#tally.packets);
    }
  }

  #connect(port: number, readsPackets: boolean): PeerConnection {
    this.#tally.connections++;
    return PeerConnection.to(port, `127.0.${200 + this.#index}.${1 + (this.#connections++ % 250)}`, readsPackets);
  }

  #count(parts: readonly { readonly isInside: boolean }[]): void {
    this.#tally.packets += parts.length;
    this.#tally.inside += parts.filter(({ isInside }) => isInside).length;
  }

  /** A stranger's number; one connection in twenty has one that nobody has told of. */
  #sid(): number {
    const random = this.#random;
    if (random.below(20) === 0) return random.below(6) === 0 ? SMALLEST : 32 + random.below(1 << 20);
    return STRANGERS[random.below(STRANGERS.length)] as number;
  }

  async #election(): Promise<void> {
    const random = this.#random;
    const { servers, strangers, config, zxid } = this.#options;
    const target = servers[random.below(servers.length)] as PeerPorts;
    const connection = this.#connect(target.election, false);
    const hello = initialMessage(this.#sid(), `127.0.0.1:${strangers[random.below(strangers.length)]}`, random);
    const parts: { bytes: Buffer; isInside: boolean }[] = [];
    if (random.below(3) === 0) parts.push(spoiled(hello, random, false));
    else parts.push({ bytes: hello.written(), isInside: true });
    for (let left = random.below(BATCH); left > 0; left--) {
      const vote = notification(config, zxid(), random);
      if (random.below(3) === 0) parts.push({ bytes: framed(vote), isInside: true });
      else parts.push(spoiled(vote, random, true));
    }
    connection.send(Buffer.concat(parts.map(({ bytes }) => bytes)));
    await this.#end(connection);
    this.#count(parts);
  }

  async #end(connection: PeerConnection): Promise<void> {
    if (this.#random.below(3) > 0) await connection.leave();
    else connection.destroy();
  }

  /** Comes as a learner, and says what one says until something else is said in its place. */
  async #learner(): Promise<void> {
    const random = this.#random;
    const { servers, leader } = this.#options;
    const at = random.below(8) === 0 ? random.below(servers.length) : leader();
    const connection = this.#connect((servers[at] as PeerPorts).quorum, true);
    const parts: { bytes: Buffer; isInside: boolean }[] = [];
    await this.#converse(connection, random.below(6), parts);
    await this.#end(connection);
    this.#count(parts);
  }

  /** `spoiledAt`: the step in which something is wrong; beyond the last one, only what a learner says then is. */
  async #converse(
    connection: PeerConnection,
    spoiledAt: number,
    parts: { bytes: Buffer; isInside: boolean }[],
  ): Promise<void> {
    const random = this.#random;
    const zxid = this.#options.zxid();
    const epoch = zxid >> 32n;
    const say = (draft: Draft, step: number): void => {
      const part = step === spoiledAt ? spoiled(draft, random, false) : { bytes: draft.written(), isInside: true };
      parts.push(part);
      connection.send(part.bytes);
    };
    const hears = async (type: number, name: string): Promise<boolean> => {
      const found = await connection.hear(type, HEAR_MS);
      if (found !== null) this.#tally.stage(name);
      return found !== null;
    };
    say(greeting(this.#sid(), epoch, random), 0);
    if (spoiledAt === 0) return;
    if (!(await hears(QuorumPacketType.leaderInfo, 'LEADERINFO'))) return;
    const known = random.below(3) === 0 ? 0n : zxid - BigInt(random.below(20));
    say(ackEpoch(epoch, known < 0n ? 0n : known), 1);
    if (spoiledAt === 1) return;
    if (!(await hears(QuorumPacketType.newLeader, 'NEWLEADER'))) return;
    say(ack(epoch << 32n), 2);
    if (spoiledAt === 2) return;
    if (!(await hears(QuorumPacketType.upToDate, 'UPTODATE'))) return;
    const session = BigInt(16 + this.#index) << 56n;
    for (let left = 1 + random.below(4); left > 0 && connection.isOpen; left--) {
      const batch = Array.from({ length: 1 + random.below(BATCH) }, () => {
        const draft = steadyPacket(session + BigInt(random.below(50)), zxid, random);
        return random.below(4) === 0 ? spoiled(draft, random, false) : { bytes: draft.written(), isInside: true };
      });
      parts.push(...batch);
      connection.send(Buffer.concat(batch.map(({ bytes }) => bytes)));
    }
  }
}
