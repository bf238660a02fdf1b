/**
 * What a standalone Apache server passes of kazoo's suite, and the comparison of ours with it.
 *
 *   node interop/dist/kazoo-suite/baseline.js      runs the suite on Apache and writes interop/kazoo-suite/baseline.json
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apacheVersion } from '../peers/apache-zookeeper.ts';
import { kazooVersion } from '../peers/kazoo.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { exclusions, runKazooSuite, type SuiteResult, type TestOutcome } from './suite.ts';

const baselineFile: string = join(repositoryRoot, 'interop/kazoo-suite/baseline.json');

interface Baseline {
  readonly kazoo: string;
  readonly server: string;
  readonly excluded: Readonly<Record<string, string>>;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly passed: readonly string[];
}

export interface Comparison {
  /** Passed on both. */
  readonly passed: readonly string[];
  /** Passed on Apache and not on ours, nor when tried once more. */
  readonly worse: readonly string[];
  /** Failed first and passed when tried once more. */
  readonly secondTry: readonly string[];
  readonly result: SuiteResult;
}

/**
 * Runs the suite (or its slice) on Headkeeper and compares it with the recorded baseline.
 * A test that fails is tried once more: the suite waits on wall-clock time in many places.
 */
export async function compareWithBaseline(slice: boolean): Promise<Comparison> {
  const baseline = JSON.parse(readFileSync(baselineFile, 'utf8')) as Baseline;
  if (baseline.kazoo !== kazooVersion) throw new Error(`the baseline is of kazoo ${baseline.kazoo}: record it anew`);
  const result = await runKazooSuite({ server: 'headkeeper', slice });
  const expected = baseline.passed.filter((name) => !slice || result.outcomes.has(name));
  if (expected.length < 100) throw new Error(`only ${expected.length} tests of the baseline were run`);
  const failing = expected.filter((name) => result.outcomes.get(name) !== 'passed');
  const again = failing.length === 0 || failing.length > 30 ? new Map<string, TestOutcome>() : await retry(failing);
  const secondTry = failing.filter((name) => again.get(name) === 'passed');
  const worse = failing.filter((name) => again.get(name) !== 'passed');
  const passed = expected.filter((name) => !worse.includes(name));
  return { passed, worse, secondTry, result };
}

async function retry(names: readonly string[]): Promise<ReadonlyMap<string, TestOutcome>> {
  return (await runKazooSuite({ server: 'headkeeper', only: names })).outcomes;
}

async function record(): Promise<void> {
  const { outcomes } = await runKazooSuite({ server: 'apache' });
  const named = (wanted: TestOutcome) =>
    [...outcomes].filter(([, outcome]) => outcome === wanted).map(([name]) => name);
  const baseline: Baseline = {
    kazoo: kazooVersion,
    server: `Apache ZooKeeper ${apacheVersion}, standalone`,
    excluded: Object.fromEntries(exclusions),
    failed: named('failed').sort(),
    skipped: named('skipped').sort(),
    passed: named('passed').sort(),
  };
  writeFileSync(baselineFile, `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`${baseline.passed.length} passed, ${baseline.failed.length} failed, ${baseline.skipped.length} skipped`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await record();
