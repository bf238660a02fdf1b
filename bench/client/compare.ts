/**
 * The client beside others that npm has, on the same server in one run, and beside a bare socket:
 *
 *   node bench/dist/client/compare.js [--server apache|headkeeper] [--seconds S] [--rounds N] [--window W]
 *
 * Each client runs in a process of its own; the order changes with each round. Exit code 1 when a figure is not reached.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@headkeeper/client';
import { startApacheZooKeeper } from '#peers/apache-zookeeper';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { installNodeClients, nodeClients } from '#peers/node-clients';
import { numberOf, programOptions } from '#peers/program-options';
import { type TargetName, targetNames } from './targets.ts';

interface Load {
  readonly reads: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly medianMicroseconds: number;
}

const values = programOptions(import.meta.filename, {
  server: { type: 'string', default: 'headkeeper' },
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '3' },
  window: { type: 'string', default: '256' },
});
interface Single {
  readonly socketMicroseconds: number;
  readonly clientMicroseconds: number;
  readonly ratio: number;
}

/** Turns of the client and the bare socket. */
const TURNS = '10';
const PATH = '/bench';
const WANTED_RATIO = 3;
const WANTED_LATENCY = 1.5;

function program(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

async function json<T>(...argv: string[]): Promise<T> {
  const output = await run([process.execPath, ...argv]);
  return JSON.parse(output.split('\n').find((line) => line.startsWith('{')) as string) as T;
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] as number;
}

const peers = await installNodeClients();
const folder = mkdtempSync(join(tmpdir(), 'headkeeper-client-bench-'));
const start = values.server === 'apache' ? startApacheZooKeeper : startHeadkeeper;
const server = await start({ dataDir: join(folder, 'data') });
console.log(
  `server: ${server.name}; ${Object.entries(nodeClients)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}`,
);
const setup = await connect(server.address);
await setup.create(PATH, new Uint8Array(100));
await setup.close();

const throughput = new Map<TargetName, number[]>();
const cost = new Map<TargetName, number[]>();
const latency = new Map<string, number[]>();
const note = <Key>(table: Map<Key, number[]>, key: Key, value: number): void => {
  table.set(key, [...(table.get(key) ?? []), value]);
};

// A server in Java is slow until it has compiled what it does; its first load counts for nobody.
await json<Load>(program('load.js'), 'headkeeper', peers, server.address, PATH, values.seconds, values.window);

for (let round = 0; round < numberOf('rounds', values.rounds); round++) {
  const order = round % 2 === 0 ? targetNames : [...targetNames].reverse();
  for (const name of order) {
    const common = [program('load.js'), name, peers, server.address, PATH, values.seconds];
    const piped = await json<Load>(...common, values.window);
    note(throughput, name, piped.reads / piped.seconds);
    note(cost, name, (piped.cpuSeconds / piped.reads) * 1e6);
    const single = await json<Load>(...common, '1');
    note(latency, name, single.medianMicroseconds);
    console.log(
      `  round ${round + 1} ${name}: ${(piped.reads / piped.seconds).toFixed(0)} reads/s, ` +
        `${((piped.cpuSeconds / piped.reads) * 1e6).toFixed(2)} us CPU each; one at a time ${single.medianMicroseconds.toFixed(1)} us`,
    );
  }
  const single = await json<Single>(program('latency.js'), server.address, PATH, TURNS);
  note(latency, 'ratio', single.ratio);
  console.log(
    `  round ${round + 1} one at a time in turn: ${single.clientMicroseconds.toFixed(1)} us, ` +
      `bare socket ${single.socketMicroseconds.toFixed(1)} us, ${single.ratio.toFixed(2)} times`,
  );
}
await server.stop();
rmSync(folder, { recursive: true, force: true });

const others = targetNames.filter((name) => name !== 'headkeeper');
const best = Math.max(...others.map((name) => median(throughput.get(name) as number[])));
const cheapest = Math.min(...others.map((name) => median(cost.get(name) as number[])));
const faster = median(throughput.get('headkeeper') as number[]) / best;
const cheaper = cheapest / median(cost.get('headkeeper') as number[]);
const slower = median(latency.get('ratio') as number[]);
console.log(
  `getData, ${values.window} in flight: ${faster.toFixed(2)} times the better of the others (wanted: ${WANTED_RATIO})`,
);
console.log(
  `CPU of the client per read: 1/${cheaper.toFixed(2)} of the cheaper of the others (wanted: 1/${WANTED_RATIO})`,
);
console.log(`one read at a time: ${slower.toFixed(2)} times the bare socket (wanted: under ${WANTED_LATENCY})`);
process.exitCode = faster >= WANTED_RATIO && cheaper >= WANTED_RATIO && slower < WANTED_LATENCY ? 0 : 1;
