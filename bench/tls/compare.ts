/**
 * getData over TLS, on Headkeeper and Apache ZooKeeper in turn, both running, with the same certificates and load:
 *
 *   node bench/dist/tls/compare.js [--rounds 3] [--seconds 5] [--connections 50] [--window 20]
 *
 * Prints each figure, and the ratio of the medians. Exit code 1 when it is below 3, or anything fails.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@headkeeper/testkit';
import { startApacheZooKeeper } from '#peers/apache-zookeeper';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { installDebianPackages, repositoryRoot } from '#peers/peer-cache';
import { numberOf, programOptions } from '#peers/program-options';
import { compile } from '../load-generator.ts';
import { median } from '../rows.ts';

const TARGET = 3;
/** What a Java server needs to be warm, and what is dropped before each later measurement. */
const FIRST_WARM_UP_SECONDS = 10;
const WARM_UP_SECONDS = 2;
const CLOCK_TICKS = 100;

const values = programOptions(import.meta.filename, {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '5' },
  connections: { type: 'string', default: '50' },
  window: { type: 'string', default: '20' },
});

function store(name: string): string {
  return fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
}

function settings(port: number): Readonly<Record<string, string>> {
  return {
    secureClientPort: String(port),
    secureClientPortAddress: '127.0.0.1',
    'ssl.keyStore.location': store('server.p12'),
    'ssl.keyStore.password': 'changeit',
    'ssl.trustStore.location': store('trust.p12'),
    'ssl.trustStore.password': 'changeit',
  };
}

if (!existsSync('/usr/include/openssl/ssl.h')) await installDebianPackages(['libssl-dev']);
const program = await compile('tls-load', join(repositoryRoot, 'bench/tls/tls-load.c'), ['-lssl', '-lcrypto']);
const folder = mkdtempSync(join(tmpdir(), 'headkeeper-tls-bench-'));
const [apachePort, ownPort] = [await freePort(), await freePort()];
const apache = await startApacheZooKeeper({
  dataDir: join(folder, 'apache'),
  heap: '1g',
  extraConfig: {
    ...settings(apachePort),
    serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
  },
});
const own = await startHeadkeeper({ dataDir: join(folder, 'headkeeper'), extraConfig: settings(ownPort) });

/** Processor seconds of a process so far. */
function cpuSeconds(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / CLOCK_TICKS;
}

/** Prints one load, with the processor time that the server has used for a request, and returns requests a second. */
async function load(port: number, warmUp: number): Promise<number> {
  const server = port === ownPort ? own : apache;
  const before = cpuSeconds(server.pid);
  const shape = ['-c', values.connections, '-w', values.window, '-t', values.seconds, '-u', String(warmUp)];
  const output = await run(
    [program, '-p', String(port), '-C', store('server.pem'), '-A', store('trust.pem'), ...shape],
    {
      timeoutMs: 120_000,
    },
  );
  const result = JSON.parse(output) as { readonly ops_per_s: number; readonly all_ops: number };
  const cpuUs = ((cpuSeconds(server.pid) - before) / result.all_ops) * 1e6;
  const name = port === ownPort ? 'Headkeeper' : 'Apache ZooKeeper';
  console.log(`  ${name.padEnd(16)} ${output.trim()} ${cpuUs.toFixed(2)} us of processor a request`);
  return result.ops_per_s;
}

const figures: { readonly apache: number[]; readonly own: number[] } = { apache: [], own: [] };
try {
  for (let round = 1; round <= numberOf('rounds', values.rounds); round++) {
    console.log(`round ${round} of ${values.rounds}`);
    const warmUp = round === 1 ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS;
    figures.apache.push(await load(apachePort, warmUp));
    figures.own.push(await load(ownPort, warmUp));
  }
} finally {
  await Promise.all([apache.stop(), own.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
const [theirs, ours] = [median(figures.apache) ?? 0, median(figures.own) ?? 0];
const ratio = ours / theirs;
console.log(
  `getData over TLS, ${values.connections} connections, window ${values.window}: Apache ${Math.round(theirs)}/s, ` +
    `Headkeeper ${Math.round(ours)}/s, ${ratio.toFixed(2)} times (expected ${TARGET})`,
);
process.exitCode = ratio >= TARGET ? 0 : 1;
