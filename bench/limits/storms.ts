/** Very many sessions at once: they come, they watch the same znodes, they come back after their server has died. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect, type Transaction } from '@headkeeper/client';
import type { ServerProcess } from '#peers/server-process';
import { Ensemble } from '../ensemble/ensemble.ts';

/** Of all sessions; milliseconds. */
const TIMEOUT_MS = 30_000;
/** The programs give up after so many seconds. */
const PATIENCE_SECONDS = 90;
/** Sessions of one program: a process has few file descriptors on many machines. */
const PER_PROGRAM = 16_700;

/** What one of the programs says. */
interface Told {
  readonly ms: number;
  readonly attached: number;
  readonly watching: number;
  readonly events: number;
  readonly reconnects: number;
  readonly lost: number;
  readonly errors: number;
}

const NOTHING: Told = { ms: 0, attached: 0, watching: 0, events: 0, reconnects: 0, lost: 0, errors: 0 };

/** Sessions of one or more programs, which end with it. */
class Storm {
  readonly #children: ChildProcess[] = [];
  readonly #told: Told[] = [];
  #changed: () => void = () => {};

  constructor(program: string, ports: readonly number[], sessions: number, watches: number) {
    for (let first = 0; first < sessions; first += PER_PROGRAM) {
      const count = Math.min(PER_PROGRAM, sessions - first);
      const args = [ports.join(','), count, watches, TIMEOUT_MS, PATIENCE_SECONDS, first].map(String);
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const at = this.#told.push(NOTHING) - 1;
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#told[at] = JSON.parse(line) as Told;
        this.#changed();
      });
      child.once('exit', () => this.#changed());
      this.#children.push(child);
    }
  }

  /** Of all programs together. */
  sum(name: keyof Told): number {
    return this.#told.reduce((sum, told) => sum + told[name], 0);
  }

  /** @throws Error when the programs end before it is so. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#children.some(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) {
        throw new Error(`never ${what}: ${JSON.stringify(this.#told)}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  }
}

/** How long the longest ping of another session took meanwhile, milliseconds. */
function bystander(probe: string, port: number): { ended: () => Promise<number> } {
  const child = spawn(probe, [String(port), String(PATIENCE_SECONDS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = once(child, 'exit');
  return {
    async ended() {
      child.kill('SIGTERM');
      await exited;
      return (JSON.parse(text) as { readonly max_us: number }).max_us / 1000;
    },
  };
}

export interface ConnectStorm {
  /** From the first connection until every session is there. */
  readonly seconds: number;
  readonly slowestPingMs: number;
  readonly residentBytes: number;
}

/** So many connections in the same moment, each for a new session. */
export async function connectStorm(
  server: ServerProcess,
  program: string,
  probe: string,
  sessions: number,
): Promise<ConnectStorm> {
  const pinging = bystander(probe, server.port);
  const begun = performance.now();
  const storm = new Storm(program, [server.port], sessions, 0);
  try {
    await storm.until('all attached', () => storm.sum('attached') === sessions);
    const seconds = (performance.now() - begun) / 1000;
    return { seconds, slowestPingMs: await pinging.ended(), residentBytes: server.residentBytes() };
  } finally {
    await storm.end();
  }
}

export interface WatchStorm {
  readonly events: number;
  /** From the write until every event has come and every watch is set again. */
  readonly seconds: number;
  readonly slowestPingMs: number;
  /** Memory at the end above that before the write. */
  readonly growthBytes: number;
}

/** Every session watches the same znodes; one transaction changes all of them, `rounds` times. */
export async function watchStorm(
  server: ServerProcess,
  program: string,
  probe: string,
  sessions: number,
  watches: number,
  rounds: number,
): Promise<WatchStorm> {
  const writer = await connect(`127.0.0.1:${server.port}`);
  await writer.create('/storm');
  for (let i = 0; i < watches; i++) await writer.create(`/storm/${i}`);
  const storm = new Storm(program, [server.port], sessions, watches);
  const all = sessions * watches;
  try {
    await storm.until('all watching', () => storm.sum('watching') === all);
    const before = server.residentBytes();
    const pinging = bystander(probe, server.port);
    const begun = performance.now();
    for (let round = 1; round <= rounds; round++) {
      let transaction: Transaction<readonly unknown[]> = writer.transaction();
      for (let i = 0; i < watches; i++) transaction = transaction.setData(`/storm/${i}`, null);
      await transaction.commit();
      await storm.until('all told', () => storm.sum('events') === round * all && storm.sum('watching') === all);
    }
    const seconds = (performance.now() - begun) / 1000 / rounds;
    const slowestPingMs = await pinging.ended();
    if (storm.sum('lost') + storm.sum('reconnects') + storm.sum('errors') > 0) throw new Error('connections were lost');
    return { events: all, seconds, slowestPingMs, growthBytes: server.residentBytes() - before };
  } finally {
    await storm.end();
    await writer.close();
  }
}

export interface FailoverStorm {
  /** From the kill until every session is at a server again that can write. */
  readonly seconds: number;
  readonly reconnects: number;
  readonly lost: number;
  /** Of the largest server. */
  readonly residentBytes: number;
}

/** Sessions over `servers` servers, whose leader is killed. */
export async function failoverStorm(
  folder: string,
  program: string,
  servers: number,
  sessions: number,
): Promise<FailoverStorm> {
  const ensemble = await Ensemble.prepare({
    program: 'headkeeper',
    folder,
    servers,
    extraConfig: { maxClientCnxns: '0' },
  });
  const { members } = ensemble;
  try {
    await ensemble.start();
    const ports = members.map(({ port }) => port);
    const storm = new Storm(program, ports, sessions, 0);
    try {
      await storm.until('all attached', () => storm.sum('attached') === sessions);
      const leader = await ensemble.leader();
      const begun = performance.now();
      await leader.server.kill();
      await storm.until('down', () => storm.sum('attached') < sessions);
      await storm.until('all attached again', () => storm.sum('attached') === sessions);
      const left = members.filter((member) => member !== leader);
      const writer = await connect(left.map(({ address }) => address).join(','));
      await writer.create('/after');
      const seconds = (performance.now() - begun) / 1000;
      await writer.close();
      const residentBytes = Math.max(...left.map(({ server }) => server.residentBytes()));
      return { seconds, reconnects: storm.sum('reconnects'), lost: storm.sum('lost'), residentBytes };
    } finally {
      await storm.end();
    }
  } finally {
    await ensemble.stop();
  }
}
