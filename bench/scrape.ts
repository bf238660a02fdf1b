/**
 * What it costs to be asked for metrics once a second:
 *
 *   node bench/dist/scrape.js [--rounds 12] [--seconds 3] [--interval 1000] [--zkload SOURCE] [--work FOLDER]
 *
 * One server with the provider for Prometheus, under getData from 50 connections with 20 requests in flight each. By turns it
 * is asked for `/metrics` and left alone; each turn is compared with the mean of its neighbours, since a machine changes more
 * from minute to minute. Fails when the median says that asking costs 1 % of the throughput or more.
 *
 * Exit code 0 when it is less, 1 when it is not or something failed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { startHeadkeeper } from '#peers/headkeeper';
import { numberOf, programOptions } from '#peers/program-options';
import { type Load, loadGenerator, runLoad } from './load-generator.ts';

const MOST_PERCENT = 1;
const LOAD: Load = { mode: 'get', connections: 50, window: 20 };

const values = programOptions(import.meta.filename, {
  rounds: { type: 'string', default: '12' },
  seconds: { type: 'string', default: '3' },
  interval: { type: 'string', default: '1000' },
  zkload: { type: 'string' },
  work: { type: 'string', default: tmpdir() },
});
const rounds = numberOf('rounds', values.rounds);
const seconds = numberOf('seconds', values.seconds);
const intervalMs = numberOf('interval', values.interval);

/** Asks every interval until stopped; tells how long the answers took. */
function scrape(port: number): { readonly stop: () => number[] } {
  const took: number[] = [];
  const timer = setInterval(() => {
    const begun = performance.now();
    get({ host: '127.0.0.1', port, path: '/metrics' }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) took.push(performance.now() - begun);
      });
    }).on('error', (error) => console.error(`the metrics cannot be had: ${error.message}`));
  }, intervalMs);
  return {
    stop: () => {
      clearInterval(timer);
      return took;
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

const generator = await loadGenerator(values.zkload);
const folder = mkdtempSync(join(values.work, 'headkeeper-scrape-'));
const port = await freePort();
const server = await startHeadkeeper({
  dataDir: join(folder, 'data'),
  extraConfig: {
    'metricsProvider.className': 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    'metricsProvider.httpPort': String(port),
  },
});
const alone: number[] = [];
const asked: number[] = [];
const answers: number[] = [];
try {
  await runLoad(generator, server.address, LOAD, seconds);
  const turn = async (): Promise<number> => (await runLoad(generator, server.address, LOAD, seconds)).opsPerSecond;
  for (let round = 1; round <= rounds; round++) {
    alone.push(await turn());
    const scraping = scrape(port);
    asked.push(await turn());
    answers.push(...scraping.stop());
    console.log(`${round}: alone ${Math.round(alone.at(-1) ?? 0)} ops/s, asked ${Math.round(asked.at(-1) ?? 0)} ops/s`);
  }
  alone.push(await turn());
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
const costs = asked.map((ops, i) => 100 * (1 - ops / (((alone[i] ?? 0) + (alone[i + 1] ?? 0)) / 2)));
const cost = median(costs);
console.log(`costs by round, %: ${costs.map((one) => one.toFixed(2)).join(' ')}`);
console.log(`an answer takes ${median(answers).toFixed(1)} ms under load (median of ${answers.length})`);
console.log(
  `asking every ${intervalMs} ms costs ${cost.toFixed(2)} % of the throughput (median of ${costs.length}; the figure to reach is under ${MOST_PERCENT} %)`,
);
if (answers.length === 0 || !(cost < MOST_PERCENT)) process.exitCode = 1;
