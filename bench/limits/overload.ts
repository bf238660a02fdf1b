/** Ten times the load that a server can sustain: what it still does meanwhile, what it takes, and how soon it is itself again. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { run } from '#peers/command';
import type { ServerProcess } from '#peers/server-process';

/** A tenth of the requests are writes of 100 bytes, the others reads of them. */
const WRITES_PERCENT = 10;
const USUAL_CONNECTIONS = 50;
const CONNECTIONS = 1000;
const TIMES = 10;
/** Sessions that are opened besides, each second. */
const NEW_PER_SECOND = 100;
/** No longer than the overload itself. */
const PEAK_SECONDS = 10;
const RECOVERY_SECONDS = 15;

export interface Overload {
  /** Answers a second: the most that were reached at the usual load, and the mean under overload. */
  readonly peak: number;
  readonly goodput: number;
  readonly growthBytes: number;
  readonly recoveredSeconds: number;
  readonly slowestPingMs: number;
  /** Of the server, in ten equal parts of the time. */
  readonly memory: readonly number[];
}

interface Second {
  readonly answered: number;
}

interface Flood {
  readonly seconds: Second[];
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

function start(
  flood: string,
  port: number,
  connections: number,
  rate: number,
  seconds: number,
  newOnes: number,
  told: (second: Second, number: number) => void = () => {},
): Flood {
  const args = [port, connections, rate, WRITES_PERCENT, seconds, newOnes].map((value) => String(Math.round(value)));
  const child = spawn(flood, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const seen: Second[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const second = JSON.parse(line) as Second;
    seen.push(second);
    told(second, seen.length);
  });
  return { seconds: seen, child, ended: once(child, 'exit') };
}

function mean(seconds: readonly Second[]): number {
  return seconds.reduce((sum, { answered }) => sum + answered, 0) / seconds.length;
}

/**
 * The overload lasts so many seconds; the usual load goes before and comes after it, and the server has recovered when it reaches the part
 * `kept` of the peak again.
 */
export async function overload(
  server: ServerProcess,
  flood: string,
  probe: string,
  seconds: number,
  kept: number,
): Promise<Overload> {
  const usual = start(flood, server.port, USUAL_CONNECTIONS, 0, Math.min(seconds, PEAK_SECONDS), 0);
  await usual.ended;
  const peak = mean(usual.seconds.slice(2));
  const pinging = run([probe, String(server.port), String(seconds + 1)], { timeoutMs: (seconds + 60) * 1000 });
  const memory: number[] = [];
  const over = start(flood, server.port, CONNECTIONS, peak * TIMES, seconds, NEW_PER_SECOND, (_, number) => {
    if (number % Math.ceil(seconds / 10) === 0) memory.push(server.residentBytes());
  });
  await over.ended;
  const figures = JSON.parse(await pinging) as Readonly<Record<string, number>>;
  const after = start(flood, server.port, USUAL_CONNECTIONS, 0, Math.min(seconds, RECOVERY_SECONDS), 0);
  await after.ended;
  const recovered = after.seconds.findIndex(({ answered }) => answered >= kept * peak);
  return {
    peak,
    goodput: mean(over.seconds.slice(2)),
    growthBytes: (memory.at(-1) ?? 0) - (memory[0] ?? 0),
    recoveredSeconds: recovered < 0 ? Number.POSITIVE_INFINITY : recovered + 1,
    slowestPingMs: (figures.max_us ?? Number.NaN) / 1000,
    memory,
  };
}
