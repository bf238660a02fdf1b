import { ErrorCode, type Request } from '@headkeeper/protocol';
import type { Client } from '../../src/client.ts';
import type { ClientEvent } from '../../src/core/events.ts';
import type { Stat } from '../../src/core/znode.ts';
import { connectWith } from '../../src/internal.ts';
import type { ClientOptions } from '../../src/options.ts';
import type { ClientPorts, Link, LinkListener, RequestTrace, ServerAddress, Timer } from '../../src/ports.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { type Grant, ServerEnd } from './server-end.ts';

export const STAT: Stat = {
  czxid: 1,
  mzxid: 2,
  ctime: 3,
  mtime: 4,
  version: 5,
  cversion: 6,
  aversion: 7,
  ephemeralOwner: 0n,
  dataLength: 1,
  numChildren: 0,
  pzxid: 1,
};

/** How an address takes a connection. */
export type Manner = 'opens' | 'refuses' | 'is silent';

/** The client's world without sockets and without time: names, addresses and servers as a test says. */
export class World implements ClientPorts {
  readonly clock: ManualClock = new ManualClock();
  /** Every connection ever made, in order. */
  readonly ends: ServerEnd[] = [];
  /** Addresses of hosts; a host that is not here is its own address. */
  readonly names: Map<string, readonly string[] | Error> = new Map();
  /** By ip and port; those that are not here open. */
  readonly manners: Map<string, Manner> = new Map();
  readonly traces: RequestTrace[] = [];
  isObserved = false;
  /** The next numbers drawn; 0 when they are used up. */
  readonly draws: number[] = [];
  /** What greets each connection, if set. */
  greet: ((end: ServerEnd) => void) | null = null;

  nowMs(): number {
    return this.clock.nowMs;
  }

  after(ms: number, call: () => void): Timer {
    return this.clock.after(ms, call);
  }

  defer(call: () => void): void {
    process.nextTick(call);
  }

  random(limit: number): number {
    return (this.draws.shift() ?? 0) % limit;
  }

  randomBytes(count: number): Uint8Array {
    return new Uint8Array(count).fill(9);
  }

  resolve(host: string): Promise<readonly string[]> {
    const known = this.names.get(host) ?? [host];
    return known instanceof Error ? Promise.reject(known) : Promise.resolve(known);
  }

  dial(ip: string, address: ServerAddress, listener: LinkListener): Link {
    const end = new ServerEnd(ip, address, listener);
    this.ends.push(end);
    const manner = this.manners.get(`${ip}:${address.port}`) ?? 'opens';
    if (manner === 'refuses') process.nextTick(() => end.lose(new Error('connection refused')));
    if (manner === 'opens') {
      process.nextTick(() => {
        end.open();
        this.greet?.(end);
      });
    }
    return end;
  }

  readonly diagnostics: ClientPorts['diagnostics'] = worldDiagnostics(this);

  /** The newest connection. */
  get end(): ServerEnd {
    const end = this.ends.at(-1);
    if (end === undefined) throw new Error('nobody has connected');
    return end;
  }

  /** A connected client, and the server's end of its connection. */
  async connect(options: ClientOptions = {}, connectString = 'a:1', grant: Grant = {}): Promise<Connected> {
    const connecting = connectWith(this, connectString, { sessionTimeoutMs: 6_000, ...options });
    await this.clock.advance(0);
    this.end.grant(grant);
    const client = await connecting;
    const events: ClientEvent[] = [];
    client.onEvent((event) => events.push(event));
    return { client, events, end: this.end };
  }

  /** Waits out the pause before the next attempt, lets the client connect, and answers its handshake. */
  async reconnect(grant: Grant = {}): Promise<ServerEnd> {
    const before = this.ends.length;
    for (let i = 0; i < 100 && this.ends.length === before; i++) await this.clock.advance(50);
    if (this.ends.length === before) throw new Error('the client does not connect again');
    await settle();
    this.end.grant(grant);
    await settle();
    return this.end;
  }
}

export interface Connected {
  readonly client: Client;
  readonly events: ClientEvent[];
  readonly end: ServerEnd;
}

/** Answers reads and writes as a server with every znode would. */
export function obliging(end: ServerEnd): (request: Request) => void {
  return ({ xid, op }) => {
    switch (op) {
      case 'getData':
        end.reply(xid, op, { data: Uint8Array.of(1), stat: STAT });
        return;
      case 'exists':
      case 'setData':
        end.reply(xid, op, { stat: STAT });
        return;
      case 'getChildren2':
        end.reply(xid, op, { children: ['x'], stat: STAT });
        return;
      case 'addWatch':
        end.reply(xid, op, { err: ErrorCode.ok });
        return;
      case 'ping':
        end.pong();
        return;
      case 'closeSession':
      case 'delete':
      case 'setWatches':
      case 'setWatches2':
      case 'removeWatches':
        end.reply(xid, op, null);
        return;
      default:
        throw new Error(`${op} is not answered`);
    }
  };
}

function worldDiagnostics(world: World): ClientPorts['diagnostics'] {
  return {
    get isActive(): boolean {
      return world.isObserved;
    },
    trace: (trace, run) => {
      world.traces.push(trace);
      return run();
    },
  };
}
