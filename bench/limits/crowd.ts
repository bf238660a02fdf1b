/** Many sessions that do nothing but stay. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '#peers/server-process';
import { cpuSeconds } from '../backup/paced-load.ts';

const PING_MS = 10_000;
const TIMEOUT_MS = 30_000;

export interface Crowd {
  /** The largest that was seen once all sessions were there. */
  readonly residentBytes: number;
  readonly cpuPercent: number;
  readonly answered: number;
  readonly slowestMs: number;
}

/**
 * Opens the sessions, with `watches` each, and watches the server for so many seconds.
 * @throws Error when a session was closed or a ping not answered
 */
export async function crowd(
  program: string,
  server: ServerProcess,
  sessions: number,
  watches: number,
  seconds: number,
): Promise<Crowd> {
  const args = [server.port, sessions, watches, PING_MS, TIMEOUT_MS, seconds].map(String);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if ((await lines.next()).value !== 'ready') throw new Error('the sessions could not be opened');
  const cpuBefore = cpuSeconds(server.pid);
  const begun = performance.now();
  let residentBytes = 0;
  while (performance.now() - begun < (seconds - 1) * 1000) {
    residentBytes = Math.max(residentBytes, server.residentBytes());
    await pause(500);
  }
  const cpuPercent = (100_000 * (cpuSeconds(server.pid) - cpuBefore)) / (performance.now() - begun);
  const text = (await lines.next()).value ?? '';
  const [code] = await ended;
  if (code !== 0) throw new Error(`sessions or heartbeats were lost: ${text}`);
  const figures = JSON.parse(text) as Readonly<Record<string, number>>;
  return { residentBytes, cpuPercent, answered: figures.pongs ?? 0, slowestMs: (figures.worst_us ?? 0) / 1000 };
}
