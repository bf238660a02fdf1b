/**
 * The differential test: the same seeded random requests to two servers, every answer compared.
 *
 *   node interop/dist/differential/main.js (--left HOST:PORT --right HOST:PORT | --start LEFT,RIGHT) [--steps N] [--seed S[,S...]]
 *
 *   --start LEFT,RIGHT  start both servers: 3.9.5, 3.8.6 or headkeeper (default 3.9.5,headkeeper)
 *   --steps N           steps of the run (default 20000)
 *   --seed S[,S...]     seeds, one run after another on the same servers (default 1)
 *   --context N         print the N steps before a difference (default 20)
 *   --stop              end a run at its first unexplained difference
 *   --show N            print at most N differences of each kind in full (default 1)
 *   --report FILE       write the report there too
 *   --write-docs        only render docs/differences.md
 *
 * Exit code: 0 no unexplained difference, 1 at least one, 2 the test itself failed, 64 wrong use.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions, wrongUse } from '../peers/program-options.ts';
import { type Difference, renderDifference } from './difference.ts';
import { renderExplanations } from './explained.ts';
import type { Endpoint } from './link.ts';
import { renderReport, summarise } from './report.ts';
import { Run } from './run.ts';
import { type ServerKind, type StartedServer, startServer } from './servers.ts';

const KINDS: readonly ServerKind[] = ['3.9.5', '3.8.6', 'headkeeper'];

function endpointOf(text: string): Endpoint {
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (at < 1 || !Number.isInteger(port)) wrongUse(`${text} is not HOST:PORT`);
  return { host: text.slice(0, at), port };
}

function countOf(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) wrongUse(`${text} is not a count`);
  return value;
}

function kindsOf(text: string): readonly [ServerKind, ServerKind] {
  const [left, right] = text.split(',') as [ServerKind, ServerKind];
  if (!KINDS.includes(left) || !KINDS.includes(right)) wrongUse(`--start takes two of ${KINDS.join(', ')}`);
  return [left, right];
}

const values = programOptions(import.meta.filename, {
  left: { type: 'string' },
  right: { type: 'string' },
  start: { type: 'string' },
  steps: { type: 'string', default: '20000' },
  seed: { type: 'string', default: '1' },
  show: { type: 'string', default: '1' },
  context: { type: 'string', default: '20' },
  stop: { type: 'boolean', default: false },
  report: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
});

async function main(): Promise<number> {
  if (values['write-docs']) {
    writeFileSync(join(repositoryRoot, 'docs/differences.md'), renderExplanations());
    return 0;
  }
  const started: StartedServer[] = [];
  try {
    let left: Endpoint;
    let right: Endpoint;
    if (values.left !== undefined && values.right !== undefined) {
      left = endpointOf(values.left);
      right = endpointOf(values.right);
    } else {
      const [leftKind, rightKind] = kindsOf(values.start ?? '3.9.5,headkeeper');
      started.push(await startServer(leftKind), await startServer(rightKind));
      left = { host: '127.0.0.1', port: started[0]?.process.port as number };
      right = { host: '127.0.0.1', port: started[1]?.process.port as number };
    }
    let unexplained = 0;
    const reports: string[] = [];
    for (const seed of values.seed.split(',').map(countOf)) {
      const report = await runSeed(left, right, seed, (n) => {
        unexplained += n;
      });
      reports.push(report);
    }
    if (values.report !== undefined) writeFileSync(values.report, reports.join('\n'));
    return unexplained > 0 ? 1 : 0;
  } finally {
    for (const server of started) await server.end();
  }
}

async function runSeed(left: Endpoint, right: Endpoint, seed: number, count: (n: number) => void): Promise<string> {
  const begun = performance.now();
  const seen = new Map<string, number>();
  const show = countOf(values.show);
  const run = new Run({
    left,
    right,
    seed,
    steps: countOf(values.steps),
    context: countOf(values.context),
    stopAt: (difference) => values.stop && difference.explained === null,
    onDifference(difference: Difference) {
      const times = (seen.get(difference.signature) ?? 0) + 1;
      seen.set(difference.signature, times);
      if (times <= show && difference.explained === null) console.log(`${renderDifference(difference)}\n`);
    },
  });
  const result = await run.run();
  const seconds = (performance.now() - begun) / 1000;
  const kinds = summarise(result.differences);
  const report = renderReport(seed, seconds, result, kinds);
  console.log(report);
  count(kinds.filter((kind) => kind.explained === null).length);
  return report;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
