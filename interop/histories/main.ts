/**
 * Compares the fast checks of histories with a search that believes no zxid:
 *
 *   node interop/dist/histories/main.js [--seeds 60] [--seed N] [--bugs]
 *
 * Both judge the same simulated histories. On those of sound servers both must be content; where something was planted,
 * in a history or (with --bugs) in a server, both must cry: in each spoiled history, and for each bug in some history. What
 * the search finds in a history, the fast checks must have found in it, too.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWith, type Verdict } from '../ensemble/verdict.ts';
import { runToEnd } from '../peers/command.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { HAND_MADE, handMadeText } from './by-hand.ts';
import { search } from './search.ts';

/** One history, as the simulator tells of it. */
interface Sampled {
  readonly file: string;
  readonly planted: string | null;
  readonly law: string | null;
  readonly bug?: string;
}

export interface ComparisonOptions {
  readonly seeds: number;
  /** The first seed; undefined: a fresh one. */
  readonly seed?: number;
  /** Whether servers with bugs are tried, too. */
  readonly bugs: boolean;
}

const SAMPLE = join(repositoryRoot, 'packages/sim/dist/src/histories/sample.js');
const LONGEST_MS = 3_600_000;

/** The models of the search on histories whose verdicts are known. */
async function judgeTheSearch(folder: string, faults: string[]): Promise<void> {
  for (const [i, history] of HAND_MADE.entries()) {
    const file = join(folder, `by-hand-${i}.jsonl`);
    writeFileSync(file, handMadeText(history));
    const { verdict, fault } = await search([file], history.longestS);
    if (verdict !== history.verdict) faults.push(`${history.on}, ${history.name}: ${fault ?? 'the search says ok'}`);
  }
}

/** What one kind of history came to. */
interface Tally {
  histories: number;
  fast: number;
  search: number;
  both: number;
}

export async function compareJudges(options: ComparisonOptions): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-histories-'));
  const faults: string[] = [];
  await judgeTheSearch(folder, faults);
  const seed = options.seed === undefined ? [] : ['--seed', String(options.seed)];
  const argv = [process.execPath, SAMPLE, folder, '--seeds', String(options.seeds), ...seed];
  const { code, output } = await runToEnd(options.bugs ? [...argv, '--bugs'] : argv, { timeoutMs: LONGEST_MS });
  const told = output.split('\n').filter((line) => line.startsWith('{'));
  if (code !== 0) faults.push(`the sample ends with ${code}: ${output.split('\n').at(-2) ?? ''}`);
  const tallies = new Map<string, Tally>();
  let operations = 0;
  for (const line of told) {
    const { file, planted, law, bug } = JSON.parse(line) as Sampled;
    const found = await search([file]);
    operations += Number(found.output.match(/(\d+) operations/)?.[1] ?? 0);
    const kind = bug ?? planted ?? 'sound';
    const tally = tallies.get(kind) ?? { histories: 0, fast: 0, search: 0, both: 0 };
    tallies.set(kind, tally);
    const isFound = found.verdict === 'illegal';
    tally.histories++;
    if (law !== null) tally.fast++;
    if (isFound) tally.search++;
    if (law !== null && isFound) tally.both++;
    const said = `${file} (${kind}): the fast checks say ${law ?? 'nothing'}, ${found.fault ?? 'the search ok'}`;
    const isAsItShouldBe = kind === 'sound' ? law === null && found.verdict === 'ok' : isFound && law !== null;
    if (found.verdict === 'unknown' || (isFound && law === null)) faults.push(said);
    else if (bug === undefined && !isAsItShouldBe) faults.push(said);
  }
  for (const [kind, { both }] of tallies)
    if (kind !== 'sound' && both === 0) faults.push(`${kind}: never found by both`);
  const kinds = [...tallies].map(([kind, { histories, fast, search: searched, both }]) => {
    return `${kind}: ${histories} histories, the fast checks cry in ${fast}, the search in ${searched}, both in ${both}`;
  });
  if (faults.length === 0) rmSync(folder, { recursive: true });
  else faults.push(`the histories are kept: ${folder}`);
  const summary = [`${HAND_MADE.length} histories by hand, ${operations} operations searched`, ...kinds].join('\n');
  return { faults, summary };
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    seeds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  });
  const first = values.seed === undefined ? {} : { seed: numberOf('seed', values.seed) };
  endWith(await compareJudges({ seeds: numberOf('seeds', values.seeds), bugs: values.bugs, ...first }));
}
