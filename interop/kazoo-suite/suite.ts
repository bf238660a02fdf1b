/** kazoo's own test suite; its harness starts, stops and kills the servers through the java shim. */

import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { installApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { run, runToEnd } from '../peers/command.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';

export type SuiteServer = 'apache' | 'headkeeper';
export type TestOutcome = 'passed' | 'failed' | 'skipped';

export interface SuiteResult {
  /** By test name, such as `kazoo/tests/test_lock.py::KazooLockTests::test_lock`. */
  readonly outcomes: ReadonlyMap<string, TestOutcome>;
  /** What pytest printed. */
  readonly outputFile: string;
  /** What the servers printed. */
  readonly serverLog: string;
}

/** How many servers the suite runs against. */
export type SuiteSize = 1 | 3;

const excludedAlways: readonly (readonly [name: string, reason: string])[] = [
  ['kazoo/tests/test_sasl.py::TestSASLGSSAPIAuthentication', 'needs a Kerberos realm'],
];

/** Tests that are run on neither Apache nor Headkeeper, with the reason. A name may be a file, a class or a test. */
export function exclusionsOf(size: SuiteSize): readonly (readonly [name: string, reason: string])[] {
  if (size === 3) return excludedAlways;
  return [
    ...excludedAlways,
    ['kazoo/tests/test_connection.py::TestReadOnlyMode', 'stops two servers of an ensemble of three'],
  ];
}

/** Left out of the slice for their time: repetitions on other event loops, and tests that mostly wait. */
const slowInSlice: readonly string[] = [
  'kazoo/tests/test_eventlet_handler.py',
  'kazoo/tests/test_gevent_handler.py',
  'kazoo/tests/test_partitioner.py',
  'kazoo/tests/test_selectors_select.py',
  'kazoo/tests/test_cache.py',
];

/** All that the slice runs against an ensemble, whose servers take longer to start. */
const ensembleSlice: readonly string[] = [
  'kazoo/tests/test_client.py',
  'kazoo/tests/test_lock.py',
  'kazoo/tests/test_watchers.py',
];

export interface SuiteOptions {
  readonly server: SuiteServer;
  readonly size: SuiteSize;
  /** Only the part that takes about two minutes, of an ensemble about one. */
  readonly slice?: boolean;
  /** Only these tests. */
  readonly only?: readonly string[];
}

/**
 * Runs the suite with one standalone server, or with an ensemble of three.
 * @throws Error when pytest itself fails (not when tests fail)
 */
export async function runKazooSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { python, source } = await installKazoo();
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-kazoo-suite-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(join(repositoryRoot, 'interop/kazoo-suite/java-shim.sh'), join(bin, 'java'));
  const outcomesFile = join(folder, 'outcomes');
  const serverLog = join(folder, 'servers.log');
  const outputFile = join(folder, 'pytest.log');
  const skipped = [...exclusionsOf(options.size).map(([name]) => name), ...(options.slice === true ? slowInSlice : [])];
  const command = options.server === 'apache' ? await installApacheZooKeeper() : headkeeperBin;
  const { output, code, timedOut } = await runToEnd(
    [
      ...[python, '-B', '-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'outcomes_plugin', '--color=no'],
      ...['-o', 'log_cli=false', '-o', 'timeout=90'],
      ...skipped.flatMap((name) => ['--deselect', name]),
      ...(options.only ?? (options.slice === true && options.size === 3 ? ensembleSlice : ['kazoo/tests'])),
    ],
    {
      cwd: source,
      timeoutMs: 1_500_000,
      env: {
        PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
        PYTHONPATH: join(repositoryRoot, 'interop/kazoo-suite'),
        CI: '',
        ZOOKEEPER_CLUSTER_SIZE: String(options.size),
        ZOOKEEPER_VERSION: '3.9.5',
        ZOOKEEPER_CLASSPATH: 'unused',
        ZOOKEEPER_PORT_OFFSET: String(await freePort()),
        HEADKEEPER_SUITE_OUTCOMES: outcomesFile,
        HEADKEEPER_SUITE_SERVER: options.server,
        HEADKEEPER_SUITE_COMMAND: command,
        HEADKEEPER_SUITE_LOG: serverLog,
        // The read-only test needs them; a standalone server has no use for them.
        HEADKEEPER_SUITE_WITHOUT: options.size === 1 ? 'localSessions' : 'no such key',
        HEADKEEPER_SUITE_JAVA: (await run(['sh', '-c', 'command -v java'])).trim(),
        HEADKEEPER_SUITE_NODE: process.execPath,
      },
    },
  );
  appendFileSync(outputFile, output);
  if (timedOut) throw new Error(`kazoo's suite ran out of time; see ${outputFile}`);
  // 0: all passed, 1: some failed; everything else is trouble with pytest or the suite itself.
  if (code > 1 || code < 0 || !existsSync(outcomesFile)) {
    throw new Error(`pytest exited with ${code}\n${output.slice(-4000)}`);
  }
  const outcomes = new Map<string, TestOutcome>();
  for (const line of readFileSync(outcomesFile, 'utf8').trimEnd().split('\n')) {
    const space = line.indexOf(' ');
    outcomes.set(line.slice(space + 1), line.slice(0, space) as TestOutcome);
  }
  return { outcomes, outputFile, serverLog };
}
