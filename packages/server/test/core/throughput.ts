import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Writer } from '@headkeeper/protocol';
import { CoreHarness, rawRequest } from '@headkeeper/testkit';
import { creation } from './requests.ts';

export interface Throughput {
  /** getData requests a second, from the client's bytes to the reply's bytes. */
  readonly perSecond: number;
  /** The same of the fastest round: what the machine's other work has disturbed least. */
  readonly best: number;
  /** Hash of the replies of one round: the work was done, and it was the same work. */
  readonly hash: string;
}

const REQUESTS_PER_CHUNK = 20;
const GET_DATA = 4;

/**
 * Measures the core alone: chunks of twenty getData requests through `step` and `takeReady`, over `znodes` znodes of 100
 * bytes, `rounds` times over all of them.
 */
export function measureGetData(znodes: number, rounds: number): Throughput {
  const harness = new CoreHarness();
  const client = harness.connect();
  const data = 'd'.repeat(100);
  for (let n = 0; n < znodes; n++) client.must('create', creation(`/znode-${n}`, 0, data));
  const chunks: Uint8Array[] = [];
  for (let n = 0; n < znodes; n += REQUESTS_PER_CHUNK) {
    const frames: Uint8Array[] = [];
    for (let i = n; i < Math.min(znodes, n + REQUESTS_PER_CHUNK); i++) frames.push(requestFor(i));
    chunks.push(Buffer.concat(frames));
  }
  const { replica, nowMs, wallMs } = harness;
  const { connection } = client;
  const hash = createHash('sha256');
  let round = 0;
  const run = (): void => {
    for (const bytes of chunks) {
      replica.step({ kind: 'clientData', connection, bytes, nowMs, wallMs });
      for (const { out } of replica.takeReady().output) {
        if (round === 0) hash.update(out.written());
        out.length = 0;
      }
    }
    round++;
  };
  run();
  let total = 0;
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    run();
    const took = performance.now() - start;
    total += took;
    fastest = Math.min(fastest, took);
  }
  const rate = (requests: number, ms: number): number => Math.round((requests * 1000) / ms);
  return {
    perSecond: rate(rounds * znodes, total),
    best: rate(znodes, fastest),
    hash: hash.digest('hex').slice(0, 16),
  };
}

function requestFor(n: number): Uint8Array {
  const body = new Writer(32);
  body.string(`/znode-${n}`);
  body.boolean(false);
  return rawRequest(n + 1, GET_DATA, body.toBytes());
}

/** `node packages/server/dist/test/core/throughput.js --large`: a hundred thousand znodes, until the figure is steady. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const large = process.argv.includes('--large');
  const { perSecond, best, hash } = large ? measureGetData(100_000, 40) : measureGetData(2000, 50);
  console.log(`${perSecond} getData a second through the core, ${best} in the best round (replies ${hash})`);
}
