import { MemoryNetwork, VirtualTime } from '@headkeeper/testkit';
import { ElectionLinks } from '../../src/adapters/peer/election-links.ts';
import type { PeerAuthenticator } from '../../src/adapters/peer/peer-authenticator.ts';
import type { Endpoint } from '../../src/ports.ts';

export const ELECTION_PORT = 3888;

export interface ServerOptions {
  readonly authenticate?: PeerAuthenticator;
  readonly multiAddress?: boolean;
}

/** One server's election links, and what they reported. */
export class ElectionServer {
  readonly heard: string[] = [];
  readonly ups: string[] = [];
  readonly failures: string[] = [];
  readonly links: ElectionLinks;
  readonly sid: number;

  constructor(sid: number, network: MemoryNetwork, time: VirtualTime, options: ServerOptions = {}) {
    this.sid = sid;
    this.links = new ElectionLinks({
      sid,
      network: network.on(hostOf(sid)),
      timers: time,
      clock: time,
      listener: {
        notification: (from, payload) => this.heard.push(`${from}:${Buffer.from(payload).toString()}`),
        link: (peer, up) => this.ups.push(`${up ? '+' : '-'}${peer}`),
        failed: (error) => this.failures.push(error.message),
      },
      connectTimeoutMs: 5_000,
      handshakeTimeoutMs: 2_000,
      ...options,
    });
  }

  say(to: number, text: string): void {
    this.links.send(to, Buffer.from(text));
  }

  start(sids: readonly number[]): void {
    this.links.configure([endpointOf(this.sid)], new Map(sids.map((sid) => [sid, [endpointOf(sid)]])));
  }
}

export function hostOf(sid: number): string {
  return `s${sid}`;
}

export function endpointOf(sid: number): Endpoint {
  return { host: hostOf(sid), port: ELECTION_PORT };
}

/** Servers with a network and a clock of their own. */
export class ElectionWorld {
  readonly time: VirtualTime = new VirtualTime();
  readonly network: MemoryNetwork = new MemoryNetwork(this.time);

  server(sid: number, options: ServerOptions = {}): ElectionServer {
    return new ElectionServer(sid, this.network, this.time, options);
  }

  /** Servers 1 to `count`, connected with each other. */
  connected(count: number): ElectionServer[] {
    const sids = Array.from({ length: count }, (_, i) => i + 1);
    const servers = sids.map((sid) => this.server(sid));
    for (const server of servers) server.start(sids);
    this.pass(1_000);
    return servers;
  }

  pass(ms: number): void {
    this.time.advance(ms, () => this.network.settle());
  }
}
