/**
 * A history of real processes under kills, pauses and partitions, judged by a linearisability checker:
 *
 *   node interop/dist/ensemble/history-run.js [--operations 10000] [--faults 24] [--reads sync|write]
 *                                             [--kinds headkeeper,headkeeper,headkeeper] [--seed N]
 *
 * Runs until that many operations have succeeded while others worked on the same register, and that many faults are
 * over. The history must be linearisable, and a copy of it with one stale read must not be; writers beside it check that
 * no write is lost or doubled and that no session ends.
 */

import { join } from 'node:path';
import { RandomStream } from '@headkeeper/testkit';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad } from './ensemble-load.ts';
import { EnsembleSession } from './ensemble-session.ts';
import { FaultInjector } from './faults.ts';
import { countHistory, type Operation, withStaleRead } from './history.ts';
import { kindsOf } from './kinds.ts';
import { judge } from './linearizability.ts';
import type { MemberKind } from './member.ts';
import { type ReadBarrier, RegisterClient, Registers } from './register-client.ts';
import { compareTrees } from './tree.ts';
import { endWith, type Verdict } from './verdict.ts';
import { until } from './waiting.ts';

export interface HistoryOptions {
  readonly kinds: readonly MemberKind[];
  /** Operations that must have succeeded, each concurrent with another client's on the same register. */
  readonly operations: number;
  /** Kills, pauses and partitions that must have been. */
  readonly faults: number;
  readonly reads: ReadBarrier;
  /** Of the faults, and of what the clients do. */
  readonly seed: number;
}

const TICK_MS = 500;
const SYNC_LIMIT = 4;
/** Beyond the time after which servers give each other up. */
const LONGEST_FAULT_MS = 2 * TICK_MS * SYNC_LIMIT;
const CLIENTS_EACH = 3;
const PAUSE_BETWEEN_MS = 20;
/** Operations until the concurrent ones are counted again. */
const COUNT_EVERY = 500;
const LONGEST_RUN_MS = 1_200_000;

export async function historyRun(options: HistoryOptions, told: (line: string) => void): Promise<Verdict> {
  const { kinds, operations, reads, seed } = options;
  const ensemble = await Ensemble.start({ kinds, tickTime: TICK_MS, syncLimit: SYNC_LIMIT, relays: true, seed });
  const load = new EnsembleLoad(ensemble, { writers: 1, keepers: 1 });
  const history: Operation[] = [];
  const registers = new Registers('/registers');
  const ports = ensemble.members.map((member) => member.clientPort);
  const clients = Array.from({ length: CLIENTS_EACH * ports.length }, (_, number) => {
    const first = number % ports.length;
    const turned = [...ports.slice(first), ...ports.slice(0, first)];
    const session = new EnsembleSession(`client-${number}`, { ports: turned, silenceMs: 1500 });
    const random = new RandomStream(seed, `client ${number}`);
    return new RegisterClient(number, session, registers, reads, history, random);
  });
  const injector = new FaultInjector(ensemble, LONGEST_FAULT_MS, seed, told);
  const faults: string[] = [];
  const begun = performance.now();
  try {
    await load.start();
    for (const client of clients) await client.prepare();
    const working = Promise.all(clients.map((client) => client.run(PAUSE_BETWEEN_MS)));
    const breaking = injector.run();
    let countAt = operations;
    const succeeded = until('enough successful operations and faults', LONGEST_RUN_MS, () => {
      if (history.length < countAt || injector.over < options.faults) return false;
      countAt = history.length + COUNT_EVERY;
      return countHistory(history).concurrent >= operations;
    });
    await Promise.race([succeeded, breaking, working]);
    injector.stop();
    await breaking;
    for (const client of clients) client.stop();
    await working;
    faults.push(...(await load.finish()));
    if (faults.length === 0) faults.push(...(await compareTrees(ensemble)));
  } catch (error) {
    faults.push(String(error));
    injector.stop();
    for (const client of clients) client.stop();
  }
  load.abandon();
  const counts = countHistory(history);
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  const { verdict, fault } = await judge(history, join(ensemble.folder, 'history.jsonl'));
  if (fault !== null) faults.push(`of the history ${fault}`);
  const planted = await judge(withStaleRead(history), join(ensemble.folder, 'stale.jsonl'));
  if (planted.verdict !== 'illegal') faults.push(`with a stale read ${planted.fault ?? 'the search says ok'}`);
  if (counts.concurrent < operations) faults.push(`only ${counts.concurrent} successful operations were concurrent`);
  const broken = [...injector.counts].map(([name, count]) => `${name} ${count}`);
  const written = load.counts();
  const summary = [
    `${counts.operations} operations in ${seconds} s: ${counts.ok} successful, ${counts.concurrent} of them concurrent,`,
    `  ${counts.refused} refused, ${counts.unknown} unknown, on ${counts.registers} registers, reads by ${reads}`,
    `checker: ${verdict}; with a planted stale read: ${planted.verdict}`,
    `faults: ${broken.join(', ')}`,
    `beside it: ${written.acknowledged} writes acknowledged, lost ${written.lost}, duplicates ${written.duplicates}, ` +
      `sessions lost ${written.sessionsLost} of ${written.sessions}`,
  ].join('\n');
  await ensemble.end(faults.length === 0);
  if (faults.length > 0) faults.push(`the history and the servers' folders are kept: ${ensemble.folder}`);
  return { faults, summary };
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    operations: { type: 'string', default: '10000' },
    kinds: { type: 'string', default: 'headkeeper,headkeeper,headkeeper' },
    faults: { type: 'string', default: '24' },
    reads: { type: 'string', default: 'sync' },
    seed: { type: 'string' },
  });
  const reads: ReadBarrier = values.reads === 'write' ? 'write' : 'sync';
  const [operations, breaks] = [numberOf('operations', values.operations), numberOf('faults', values.faults)];
  const options = { operations, faults: breaks, kinds: kindsOf(values.kinds), reads, seed: seedOfRun(values.seed) };
  endWith(await historyRun(options, console.log));
}
