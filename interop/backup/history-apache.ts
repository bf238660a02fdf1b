/**
 * The past of an Apache ZooKeeper server, read from its data directory while it runs, and what the commands write to it:
 * exports of now and then are the same, imports and restored subtrees arrive as they were, the log tells one story.
 *
 *   node interop/dist/backup/history-apache.js [--servers 3.9.5,3.8.6,headkeeper]
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startOn, treeProgram } from '../data-directory/round-trip.ts';
import { kindsOf } from '../ensemble/kinds.ts';
import type { MemberKind } from '../ensemble/member.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import { fourLetterWord, type ServerProcess } from '../peers/server-process.ts';

const NEVER_MS = 3_600_000;
const ATTEMPTS = 4;
const AUTH = ['--auth', 'digest:super:test'];
const DIFFERENT = 30;
const MOST_OUTPUT = 64 << 20;

interface Exported {
  readonly count: number;
  readonly znodes: readonly (Readonly<Record<string, unknown>> & { readonly path: string })[];
}

interface Told {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export async function historyOn(kind: MemberKind, tell: (line: string) => void): Promise<ScenarioOutcome> {
  const name = kind === 'headkeeper' ? 'Headkeeper' : `Apache ZooKeeper ${kind}`;
  const steps = new Steps(`history of ${name}`, tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-history-'));
  let dataDir = '';
  let past: string[] = [];
  let server: ServerProcess | null = null;
  try {
    await steps.step('a tree with everything in it', async () => {
      const data = kind === 'headkeeper' ? kind : (`apache ${kind}` as const);
      for (let attempt = 1; ; attempt++) {
        dataDir = join(folder, `data-${attempt}`);
        past = ['--data-dir', dataDir];
        server = await startOn(data, dataDir, 500);
        await treeProgram('fill', server);
        await server.stop();
        server = await startOn(data, dataDir, NEVER_MS);
        if (kind === 'headkeeper' || attempt === ATTEMPTS || !(await hasLostAnAcl(server))) return;
        await server.stop();
      }
    });
    const live = (): string[] => ['--server', required(server).address, ...AUTH];

    await steps.step('the same by the server and by its files, with every stat', async () => {
      const now = await exported('/types', live());
      const then = await exported('/types', past);
      steps.note(`${then.count} znodes`);
      return different(withoutKind(now), withoutKind(then));
    });
    await steps.step('imported below another path, containers and TTL znodes as such', async () => {
      const file = join(folder, 'types.json');
      const original = await exported('/types', past);
      writeFileSync(file, JSON.stringify(original));
      await headkeeper(['import', file, '/copy', ...live()]);
      return different(withoutStat(original), withoutStat(await exported('/copy', past)));
    });
    let copied = '';
    await steps.step('taken away and brought back by a restore of the subtree', async () => {
      copied = await zxidOf(required(server));
      const [first] = (await told(['/copy', ...past])).map(({ zxid }) => zxid);
      const before = `0x${(BigInt(first ?? 'no change') - 1n).toString(16)}`;
      const restore = (zxid: string): Promise<string> =>
        headkeeper(['restore', '--path', '/copy', '--to-zxid', zxid, '--yes', '--from-data-dir', dataDir, ...live()]);
      const expected = withoutStat(await exported('/copy', past));
      await restore(before);
      const gone = await headkeeper(['diff', copied, 'now', '/copy', ...past, ...live()], DIFFERENT);
      const lasting = expected.filter(({ kind: of }) => of !== 'ephemeral').length;
      if (!gone.includes(`0 added, ${lasting} removed, 0 changed`)) return [`${lasting} should have gone: ${gone}`];
      await restore(copied);
      await headkeeper(['diff', copied, 'now', '/copy', ...past, ...live()]);
      return different(expected, withoutStat(await exported('/copy', past)));
    });
    await steps.step('the log is one story', async () => {
      const state = new Map<string, unknown>();
      const faults: string[] = [];
      const changes = await told(['/', '--recursive', ...past]);
      for (const { path, before, after } of changes) {
        if (!isDeepStrictEqual(before, state.get(path) ?? null)) faults.push(`${path} was not what it was before`);
        if (after === null) state.delete(path);
        else state.set(path, after);
      }
      steps.note(`${changes.length} changes`);
      const left = [...state.keys()].filter((path) => !path.startsWith('/zookeeper')).length + 1;
      const { count } = await exported('/', past);
      if (left !== count) faults.push(`${left} znodes are left of the story and ${count} are there`);
      return faults;
    });
    return steps.outcome();
  } finally {
    const started = server as ServerProcess | null;
    if (started?.running === true) await started.kill();
    if (!steps.failed) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Apache's server now and then comes back from its log without a list that a znode refers to, and answers every request for
 * that znode with a marshalling error: there is nothing to compare then.
 */
async function hasLostAnAcl(server: ServerProcess): Promise<boolean> {
  // It shows when somebody asks, and what that one is told matters later.
  await treeProgram('walk', server).catch(() => '');
  return readFileSync(server.logFile, 'utf8').includes('ACL not available');
}

/** Standard output of the command; what it says beside it is for people. */
function headkeeper(words: readonly string[], expected = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: 60_000, maxBuffer: MOST_OUTPUT };
    execFile(process.execPath, [headkeeperBin, ...words], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === expected) resolve(stdout);
      else reject(new Error(`headkeeper ${words[0]} ended with ${code}: ${stdout}${stderr}`));
    });
  });
}

async function exported(path: string, from: readonly string[]): Promise<Exported> {
  return JSON.parse(await headkeeper(['export', path, ...from])) as Exported;
}

async function told(words: readonly string[]): Promise<(Told & { readonly zxid: string })[]> {
  const output = await headkeeper(['log', ...words, '--json']);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Told & { readonly zxid: string });
}

async function zxidOf(server: ServerProcess): Promise<string> {
  const answer = await fourLetterWord(server.port, 'srvr', 5000);
  return /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1] ?? `no zxid in ${answer}`;
}

/** A server tells containers and TTL znodes from others to nobody. */
function withoutKind({ znodes }: Exported): Exported['znodes'] {
  return znodes.map(({ kind: _kind, ttlMs: _ttlMs, ...rest }) => rest);
}

function withoutStat({ znodes }: Exported): Exported['znodes'] {
  return znodes.map(({ stat: _stat, ...rest }) => rest);
}

function different(expected: Exported['znodes'], found: Exported['znodes']): string[] {
  const byPath = new Map(found.map((znode) => [znode.path, znode]));
  const faults = expected
    .filter((znode) => !isDeepStrictEqual(znode, byPath.get(znode.path)))
    .map((znode) => `${JSON.stringify(znode)} is ${JSON.stringify(byPath.get(znode.path))}`);
  return expected.length === found.length
    ? faults
    : [...faults, `${found.length} znodes instead of ${expected.length}`];
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error('an earlier step made it');
  return value;
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    servers: { type: 'string', default: '3.9.5,3.8.6,headkeeper' },
  });
  let failed = 0;
  for (const kind of kindsOf(values.servers)) failed += (await historyOn(kind, console.log)).faults.length;
  console.log(failed === 0 ? 'all is well' : `${failed} faults`);
  process.exitCode = failed === 0 ? 0 : 1;
}
