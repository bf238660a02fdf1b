/**
 * What Apache passes of kazoo's suite, standalone and as an ensemble of three, and the comparison of ours with it.
 *
 *   node interop/dist/kazoo-suite/baseline.js 1    runs the suite on Apache and writes baseline.json beside this file's source
 *   node interop/dist/kazoo-suite/baseline.js 3    the same with three servers: baseline-ensemble.json
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apacheVersion } from '../peers/apache-zookeeper.ts';
import { kazooVersion } from '../peers/kazoo.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { exclusionsOf, runKazooSuite, type SuiteResult, type SuiteSize, type TestOutcome } from './suite.ts';

/** A run of fewer tests of the baseline than this compares nothing. */
const FEWEST_TESTS = 50;

function baselineFile(size: SuiteSize): string {
  return join(repositoryRoot, 'interop/kazoo-suite', size === 1 ? 'baseline.json' : 'baseline-ensemble.json');
}

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
export async function compareWithBaseline(slice: boolean, size: SuiteSize = 1): Promise<Comparison> {
  const baseline = JSON.parse(readFileSync(baselineFile(size), 'utf8')) as Baseline;
  if (baseline.kazoo !== kazooVersion) throw new Error(`the baseline is of kazoo ${baseline.kazoo}: record it anew`);
  const result = await runKazooSuite({ server: 'headkeeper', size, slice });
  const expected = baseline.passed.filter((name) => !slice || result.outcomes.has(name));
  if (expected.length < FEWEST_TESTS) throw new Error(`only ${expected.length} tests of the baseline were run`);
  const failing = expected.filter((name) => result.outcomes.get(name) !== 'passed');
  const again =
    failing.length === 0 || failing.length > 30 ? new Map<string, TestOutcome>() : await retry(failing, size);
  const secondTry = failing.filter((name) => again.get(name) === 'passed');
  const worse = failing.filter((name) => again.get(name) !== 'passed');
  const passed = expected.filter((name) => !worse.includes(name));
  return { passed, worse, secondTry, result };
}

async function retry(names: readonly string[], size: SuiteSize): Promise<ReadonlyMap<string, TestOutcome>> {
  return (await runKazooSuite({ server: 'headkeeper', size, only: names })).outcomes;
}

async function record(size: SuiteSize): Promise<void> {
  const { outcomes } = await runKazooSuite({ server: 'apache', size });
  const named = (wanted: TestOutcome) =>
    [...outcomes].filter(([, outcome]) => outcome === wanted).map(([name]) => name);
  const baseline: Baseline = {
    kazoo: kazooVersion,
    server: `Apache ZooKeeper ${apacheVersion}, ${size === 1 ? 'standalone' : 'three servers'}`,
    excluded: Object.fromEntries(exclusionsOf(size)),
    failed: named('failed').sort(),
    skipped: named('skipped').sort(),
    passed: named('passed').sort(),
  };
  writeFileSync(baselineFile(size), `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`${baseline.passed.length} passed, ${baseline.failed.length} failed, ${baseline.skipped.length} skipped`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const size = process.argv[2];
  if (size !== '1' && size !== '3') {
    console.error('usage: node interop/dist/kazoo-suite/baseline.js 1 | 3');
    process.exit(64);
  }
  await record(size === '1' ? 1 : 3);
}
