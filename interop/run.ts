/**
 * Headkeeper under other people's clients and beside other people's data:
 *
 *   node interop/dist/run.js --slice    every client, kazoo's suite in part, one round trip of a data directory each way, shared recipes, ensembles
 *   node interop/dist/run.js --all      the same with all of kazoo's suite, every round trip, and Apache's own results
 *
 * `--seed N`: of all that its parts draw. Installs what is missing and fails when it cannot. Ends with "N passed, N failed"; exit code 1 when something failed.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminServers } from './backup/admin-apache.ts';
import { restoreAcross } from './backup/apache-restore.ts';
import { destroyEverything } from './backup/destroy-everything.ts';
import { followPage } from './backup/ensemble-is-gone.ts';
import { historyOn } from './backup/history-apache.ts';
import { repairApacheDirectories } from './backup/repair-apache.ts';
import { checkS3Target } from './backup/s3-target.ts';
import { serverKinds } from './client-conformance/place.ts';
import { onOtherRuntimes } from './client-conformance/runtimes.ts';
import { conformance } from './client-conformance/suite.ts';
import { clientRuns } from './clients/client-runs.ts';
import { type DataServer, roundTrip } from './data-directory/round-trip.ts';
import { ensembleSuites } from './ensemble/suites.ts';
import { FUZZ_SLICE, fuzzServer } from './fuzz/fuzz-run.ts';
import { fuzzEnsemble, PEER_SLICE } from './fuzz/peer-run.ts';
import { compareJudges } from './histories/main.ts';
import { compareWithBaseline } from './kazoo-suite/baseline.ts';
import type { SuiteSize } from './kazoo-suite/suite.ts';
import { judgeDescription } from './operator/api-description.ts';
import { compareAuditLogs } from './operator/audit-log.ts';
import { followOperatorsGuide } from './operator/follow-guide.ts';
import { compareWords } from './operator/words.ts';
import { startApacheZooKeeper } from './peers/apache-zookeeper.ts';
import { startHeadkeeper } from './peers/headkeeper.ts';
import { programOptions, wrongUse } from './peers/program-options.ts';
import type { ServerProcess } from './peers/server-process.ts';
import { contention, contentionSlice, wholeContention } from './recipes/contention-run.ts';
import { endProgram, leftRunning, runningResources } from './running-resources.ts';
import { kerberosClients } from './secure/kerberos.ts';
import { saslClients } from './secure/sasl.ts';
import { tlsClients } from './secure/tls.ts';
import { seedOfRun } from './seed.ts';
import { compareShells } from './shell/compare-shells.ts';
import { runProject } from './test-frameworks/run-projects.ts';

const values = programOptions(import.meta.filename, {
  slice: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  seed: { type: 'string' },
});
const { all } = values;
if (all === values.slice) {
  wrongUse('either --slice or --all');
}
const seed = seedOfRun(values.seed);
const work = mkdtempSync(join(tmpdir(), 'headkeeper-interop-'));
let passed = 0;
let failed = 0;
/** The parts that have begun and not ended. */
const underWay: string[] = [];
process.once('exit', () => {
  if (underWay.length > 0) console.log(`ended in the middle of: ${underWay.join(', ')}`);
});

function count(ok: number, wrong: number, title: string, details: string): void {
  passed += ok;
  failed += wrong;
  console.log(`${wrong === 0 ? 'ok' : 'FAIL'} ${title}: ${ok} passed, ${wrong} failed`);
  if (wrong > 0) console.log(details.trimEnd().replaceAll(/^/gm, '    '));
}

/** A part that throws, or leaves something running, counts as one failure; the parts after it still run. */
async function part(title: string, body: () => Promise<void>): Promise<void> {
  const begun = performance.now();
  const before = runningResources();
  underWay.push(title);
  try {
    await body();
  } catch (error) {
    count(0, 1, title, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  underWay.pop();
  const left = await leftRunning(before);
  if (left.length > 0) count(0, 1, title, `left running: ${left.join(', ')}`);
  console.log(`   (${title}: ${((performance.now() - begun) / 1000).toFixed(0)} s)`);
}

/** Runs every client program against one running server. */
async function clients(server: ServerProcess): Promise<void> {
  try {
    for (const client of clientRuns) {
      const title = `${client.name} against ${server.name}`;
      await part(title, async () => {
        const outcome = await client.run(server.address);
        count(outcome.passed, outcome.failed, title, outcome.output);
      });
    }
  } finally {
    const code = await server.stop();
    if (server.name === 'Headkeeper')
      count(code === 0 ? 1 : 0, code === 0 ? 0 : 1, 'graceful stop', `exit code ${code}`);
  }
}

const sweep = { 'znode.container.checkIntervalMs': '1000' };
await part('clients', async () => {
  const extraConfig = { extendedTypesEnabled: 'true', ...sweep };
  await clients(await startHeadkeeper({ dataDir: join(work, 'headkeeper'), extraConfig }));
});
if (all) {
  // The judges are judged: what they ask for must be what Apache does.
  await part('clients on Apache', async () => {
    const extraConfig = { extendedTypesEnabled: 'true' };
    await clients(await startApacheZooKeeper({ dataDir: join(work, 'apache'), extraConfig, properties: sweep }));
  });
}

for (const server of all ? (['headkeeper', 'apache'] as const) : (['headkeeper'] as const)) {
  await part(`clients by TLS, on ${server}`, async () => {
    for (const { title, passed: ok, failed: wrong, output } of await tlsClients(server, all, () => {})) {
      count(ok, wrong, title, output);
    }
  });
  await part(`clients that log in by SASL, on ${server}`, async () => {
    for (const { title, passed: ok, failed: wrong, output } of await saslClients(server, all, () => {})) {
      count(ok, wrong, title, output);
    }
  });
}

if (all) {
  await part('clients with tickets of Kerberos', async () => {
    const { passed: ok, faults } = await kerberosClients(() => {});
    count(ok, faults.length, 'clients with tickets of Kerberos', faults.join('\n'));
  });
}

const shells = all
  ? ([
      ['headkeeper', '3.9.5'],
      ['apache', '3.9.5'],
      ['headkeeper', '3.8.6'],
    ] as const)
  : ([['headkeeper', '3.9.5']] as const);
for (const [server, version] of shells) {
  await part(`the shell beside Apache's ${version} on ${server}`, async () => {
    const {
      title,
      passed: same,
      faults,
      oneShotMs: { ours, apache, bareNode },
    } = await compareShells(server, version, join(work, `shell-${server}-${version}`));
    count(same.length, faults.length, title, faults.join('\n'));
    console.log(
      `   one get: ${ours.toFixed(0)} ms, Apache's shell ${apache.toFixed(0)} ms, bare node ${bareNode.toFixed(0)} ms`,
    );
  });
}

type Trip = readonly [writer: DataServer, reader: DataServer, ending: 'stopped' | 'killed'];
const slice: readonly Trip[] = [
  ['apache 3.9.5', 'headkeeper', 'killed'],
  ['headkeeper', 'apache 3.9.5', 'killed'],
];
const trips: readonly Trip[] = all
  ? [
      ...slice,
      ['apache 3.9.5', 'headkeeper', 'stopped'],
      ['headkeeper', 'apache 3.9.5', 'stopped'],
      ['apache 3.8.6', 'headkeeper', 'killed'],
      ['headkeeper', 'apache 3.8.6', 'stopped'],
      ['headkeeper', 'headkeeper', 'killed'],
    ]
  : slice;
for (const [writer, reader, ending] of trips) {
  const title = `data directory of ${writer} (${ending}) on ${reader}`;
  await part(title, async () => {
    const differences = await roundTrip(writer, reader, ending);
    count(differences.length === 0 ? 1 : 0, differences.length, title, differences.join('\n'));
  });
}

await part('recipes shared by three languages', async () => {
  const { passed: ok, faults, summary } = await contention(all ? wholeContention(1_000) : contentionSlice, () => {});
  console.log(`   ${summary}`);
  count(ok.length, faults.length, 'recipes shared by three languages', faults.join('\n'));
});

await part('the judges of histories', async () => {
  const { faults, summary } = await compareJudges(
    all ? { seeds: 60, bugs: true } : { seeds: 1, seed: 40, bugs: false },
  );
  console.log(summary.replaceAll(/^/gm, '   '));
  count(1, faults.length, 'the judges of histories', faults.join('\n'));
});

for (const size of [1, 3] as const) {
  const title = `kazoo's own suite${all ? '' : ', in part'}${size === 3 ? ', on an ensemble' : ''}`;
  await part(title, () => kazooSuite(size, title));
}

await part('under fire', async () => {
  const folder = join(work, 'fuzz');
  mkdirSync(folder);
  const size = all ? { frames: 1_000_000, words: 20_000, requests: 20_000, slowOnes: true } : FUZZ_SLICE;
  const { rows, faults } = await fuzzServer({ folder, seed, progress: () => {}, ...size });
  for (const [name, value] of rows) console.log(`   ${name}: ${value}`);
  count(rows.length, faults.length, 'a server under fire', faults.join('\n'));
});

await part('an ensemble under fire', async () => {
  const { rows, faults } = await fuzzEnsemble({
    seed,
    progress: () => {},
    ...(all ? { packets: 300_000 } : PEER_SLICE),
  });
  for (const [name, value] of rows) console.log(`   ${name}: ${value}`);
  count(rows.length, faults.length, 'an ensemble under fire', faults.join('\n'));
});

await part("repair of Apache's directories", async () => {
  for (const { title, faults } of await repairApacheDirectories()) {
    count(faults.length === 0 ? 1 : 0, faults.length, title, faults.join('\n'));
  }
});

await part('admin servers', async () => {
  const { passed: good, faults, title } = await adminServers(() => {});
  count(good.length, faults.length, title, faults.join('\n'));
});

await part("description of the operators' commands", async () => {
  const { passed: good, faults, title } = await judgeDescription(() => {});
  count(good.length, faults.length, title, faults.join('\n'));
});

await part('four-letter words', async () => {
  const { passed: good, faults, title } = await compareWords(() => {});
  count(good.length, faults.length, title, faults.join('\n'));
});

await part('audit logs', async () => {
  const { passed: good, faults, title } = await compareAuditLogs(() => {});
  count(good.length, faults.length, title, faults.join('\n'));
});

for (const framework of ['vitest', 'jest'] as const) {
  const title = `servers inside tests, under ${framework}`;
  await part(title, async () => {
    const { passed: ok, failed: wrong, output } = await runProject(framework);
    count(ok, wrong, title, output);
  });
}

await part('S3 target', () =>
  checkS3Target((title, faults) => count(faults.length === 0 ? 1 : 0, faults.length, title, faults.join('\n'))),
);

for (const kind of all ? (['3.9.5', '3.8.6', 'headkeeper'] as const) : (['3.9.5'] as const)) {
  const title = `history of ${kind}`;
  await part(title, async () => {
    const { passed: ok, faults } = await historyOn(kind, () => {});
    count(ok.length, faults.length, title, faults.join('\n'));
  });
}

for (const target of all ? (['s3', 'folder'] as const) : (['s3'] as const)) {
  const title = `everything destroyed but the backups (${target})`;
  await part(title, async () => {
    const size = all ? { cycles: 6, kills: 12 } : { cycles: 2, kills: 3 };
    const { faults, summary } = await destroyEverything({ target, ...size, tickTime: 500, seed }, () => {});
    console.log(summary.replaceAll(/^/gm, '   '));
    count(size.cycles, faults.length, title, faults.join('\n'));
  });
}

await part('the ensemble is gone', async () => {
  const { title, passed: steps, faults } = await followPage(() => {}, null);
  count(steps.length, faults.length, title, faults.join('\n'));
});

await part("the operator's guide", async () => {
  const { title, passed: steps, faults } = await followOperatorsGuide(() => {}, all, null);
  count(steps.length, faults.length, title, faults.join('\n'));
});

const restores = all
  ? (['headkeeper', '3.9.5'] as const).flatMap((writer) => [
      [writer, '3.9.5'] as const,
      [writer, 'headkeeper'] as const,
    ])
  : ([
      ['headkeeper', '3.9.5'],
      ['3.9.5', 'headkeeper'],
    ] as const);
for (const [writer, reader] of restores) {
  await part(`a backup of ${writer} restored for ${reader}`, async () => {
    const { title, passed: steps, faults } = await restoreAcross(writer, reader, () => {});
    count(steps.length, faults.length, title, faults.join('\n'));
  });
}

const places = all
  ? serverKinds.flatMap((kind) =>
      (kind === 'headkeeper' || /3\.[89]/.test(kind) ? ([1, 3] as const) : ([1] as const)).map(
        (size) => [kind, size] as const,
      ),
    )
  : ([['headkeeper', 1]] as const);
for (const [kind, size] of places) {
  const title = `our client on ${size === 3 ? 'three of ' : ''}${kind}`;
  await part(title, async () => {
    const { passed: ok, faults } = await conformance(kind, size, () => {});
    count(ok, faults.length, title, faults.join('\n'));
  });
}

if (all)
  await part('our client on other runtimes', async () => {
    for (const { runtime, fault } of await onOtherRuntimes()) {
      count(fault === null ? 1 : 0, fault === null ? 0 : 1, `our client on ${runtime}`, fault ?? '');
    }
  });

await ensembleSuites(all, seed, part, (ok, faults, title) => count(ok, faults.length, title, faults.join('\n')));

async function kazooSuite(size: SuiteSize, suiteTitle: string): Promise<void> {
  const { passed: same, worse, secondTry, result } = await compareWithBaseline(!all, size);
  if (secondTry.length > 0) console.log(`   passed on the second try: ${secondTry.join(', ')}`);
  const where = `pytest's output: ${result.outputFile}\nservers' output: ${result.serverLog}`;
  count(same.length, worse.length, suiteTitle, [...worse, where].join('\n'));
}

if (failed === 0) rmSync(work, { recursive: true, force: true });
else console.log(`the servers' folders are kept: ${work}`);
console.log(`${passed} passed, ${failed} failed`);
// Whoever left something running is named above: waiting for it would only use up the time of a whole run.
await endProgram(failed === 0 ? 0 : 1);
