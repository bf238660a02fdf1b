/**
 * How long a test waits for its server:
 *
 *   node bench/dist/testing/start.js [--rounds 50]
 *
 * Measures, in this process and in memory, from the call of `TestServer.start()` and of `TestEnsemble.start(3)` until a client's
 * first write is acknowledged, and `reset()` of a server with 100 znodes and two clients. Prints the first of each, as a process
 * has it that has just loaded the package, and the median and the worst of the others beside the figures to reach; exit code 1
 * when a median misses one.
 */

import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  beginFrame,
  connectRequest,
  encodeRequest,
  endFrame,
  FrameSplitter,
  WORLD_ANYONE_ALL,
  Writer,
} from '@headkeeper/protocol';
import { TestEnsemble, TestServer } from '@headkeeper/testing';
import { numberOf, programOptions } from '#peers/program-options';
import { median } from '../rows.ts';

const MOST_MS = { server: 10, ensemble: 150, reset: 1 } as const;
const ZNODES = 100;
const NO_BYTES = new Uint8Array(0);

type What = keyof typeof MOST_MS;

const values = programOptions(import.meta.filename, {
  rounds: { type: 'string', default: '50' },
  cold: { type: 'string' },
});

/** A session whose creates are acknowledged; resolves with how to end the connection. */
function create(port: number, paths: readonly string[]): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const frames = new FrameSplitter(1 << 20);
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let left = paths.length + 1;
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      for (const _frame of frames.push(bytes)) if (--left === 0) resolve(() => socket.destroy());
    });
    const handshake = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 10_000, sessionId: 0n };
    socket.write(
      framed((out) => connectRequest.encode(out, { ...handshake, passwd: new Uint8Array(16), readOnly: false })),
    );
    for (const [at, path] of paths.entries()) {
      const body = { path, data: NO_BYTES, acl: WORLD_ANYONE_ALL, flags: 0 };
      socket.write(framed((out) => encodeRequest(out, at + 1, 'create', body)));
    }
  });
}

function framed(encode: (out: Writer) => void): Uint8Array {
  const out = new Writer(256);
  const at = beginFrame(out);
  encode(out);
  endFrame(out, at);
  return out.toBytes();
}

/** Milliseconds until the first write is acknowledged. */
async function measureStart(start: () => Promise<TestServer | TestEnsemble>): Promise<number> {
  const began = performance.now();
  await using started = await start();
  const port = started instanceof TestServer ? started.port : (started.servers[0]?.port ?? 0);
  const end = await create(port, ['/first']);
  const took = performance.now() - began;
  end();
  return took;
}

async function measureReset(server: TestServer): Promise<number> {
  const paths = Array.from({ length: ZNODES }, (_none, i) => `/znode-${i}`);
  const ends = [await create(server.port, paths), await create(server.port, [])];
  const began = performance.now();
  await server.reset();
  const took = performance.now() - began;
  for (const end of ends) end();
  return took;
}

async function measure(what: What, rounds: number): Promise<number[]> {
  const samples: number[] = [];
  await using server = what === 'reset' ? await TestServer.start() : null;
  for (let round = 0; round < rounds; round++) {
    if (server !== null) samples.push(await measureReset(server));
    else samples.push(await measureStart(what === 'server' ? () => TestServer.start() : () => TestEnsemble.start(3)));
  }
  return samples;
}

/** The first one of a process of its own. */
function cold(what: What): number {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--cold', what], {
    encoding: 'utf8',
  });
  return Number(stdout);
}

if (values.cold !== undefined) {
  const [first] = await measure(values.cold as What, 1);
  process.stdout.write(`${first}\n`);
} else {
  const { node } = process.versions;
  console.log(`Node ${node}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(2)}, ${values.rounds} rounds`);
  for (const what of Object.keys(MOST_MS) as What[]) {
    const first = median([cold(what), cold(what), cold(what)]) as number;
    const samples = await measure(what, numberOf('rounds', values.rounds));
    const middle = median(samples) as number;
    const verdict = middle <= MOST_MS[what] ? 'reached' : 'MISSED';
    console.log(
      `${what.padEnd(8)} median ${middle.toFixed(2)} ms, worst ${Math.max(...samples).toFixed(2)} ms, ` +
        `first of a process ${first.toFixed(1)} ms; to reach: ${MOST_MS[what]} ms: ${verdict}`,
    );
    if (middle > MOST_MS[what]) process.exitCode = 1;
  }
}
