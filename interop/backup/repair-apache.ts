/**
 * A directory that Apache ZooKeeper wrote, damaged in the ways that operators meet, and mended by `headkeeper repair`: what
 * `repair examine` says of Apache's start is what Apache does, and what is mended starts on both with the same tree.
 *
 *   node interop/dist/backup/repair-apache.js
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { compareLines, type DataServer, startOn, treeProgram } from '../data-directory/round-trip.ts';
import { runToEnd } from '../peers/command.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import { fourLetterWord, type ServerProcess } from '../peers/server-process.ts';

const NEVER_MS = 3_600_000;
const APACHE: DataServer = 'apache 3.9.5';

interface Case {
  readonly title: string;
  /** Damages the directory and gives the words of the repair. */
  readonly damage: (version2: string, log: LogFile) => readonly string[];
  /** Whether nothing is lost. */
  readonly exact: boolean;
}

/** The newest log with records, and where they begin. */
interface LogFile {
  readonly path: string;
  readonly offsets: readonly number[];
}

const CASES: readonly Case[] = [
  {
    title: 'a record with a damaged length',
    damage: (_version2, { path, offsets }) => {
      const at = offsets[offsets.length >> 1] as number;
      poke(path, at + 10, 0x01);
      return ['record', path, '--at', String(at)];
    },
    exact: true,
  },
  {
    title: 'a record with a damaged body, given up',
    damage: (_version2, { path, offsets }) => {
      const at = offsets[offsets.length >> 1] as number;
      poke(path, at + 50, 0xff);
      return ['record', path, '--at', String(at), '--drop'];
    },
    exact: false,
  },
  {
    title: 'a torn tail',
    damage: (_version2, { path, offsets }) => {
      truncateSync(path, (offsets.at(-1) as number) + 30);
      return ['cut-tail', path];
    },
    exact: false,
  },
  {
    title: 'a damaged newest snapshot',
    damage: (version2) => {
      const names = readdirSync(version2).filter((name) => name.startsWith('snapshot.'));
      const newest = names.sort((a, b) => zxidOfName(a) - zxidOfName(b)).at(-1) as string;
      poke(join(version2, newest), readFileSync(join(version2, newest)).length >> 1, 0xa5);
      return ['snapshot', join(version2, '..')];
    },
    exact: true,
  },
];

/** @returns what is not as it should be, for each case. */
export async function repairApacheDirectories(): Promise<{ title: string; faults: string[] }[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-repair-'));
  try {
    const original = join(folder, 'original');
    const tree = await write(original);
    const outcomes: { title: string; faults: string[] }[] = [];
    for (const [i, one] of CASES.entries()) {
      const faults = await tryCase(one, original, join(folder, String(i)), tree);
      outcomes.push({ title: `repair of ${one.title}`, faults });
    }
    return outcomes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function write(dataDir: string): Promise<string> {
  let server = await startOn(APACHE, dataDir, 500);
  await treeProgram('fill', server);
  await server.stop();
  server = await startOn(APACHE, dataDir, NEVER_MS);
  try {
    await treeProgram('leave', server);
    return await treeProgram('walk', server);
  } finally {
    await server.kill();
    dropPadding(join(dataDir, 'version-2'));
  }
}

/** Takes the 64 MiB of zeros from all logs but the newest, so that copies are quick. */
function dropPadding(version2: string): void {
  const names = readdirSync(version2).filter((name) => name.startsWith('log.'));
  for (const name of names.sort((a, b) => zxidOfName(a) - zxidOfName(b)).slice(0, -1)) {
    const bytes = readFileSync(join(version2, name));
    let end = bytes.length;
    while (bytes[end - 1] === 0) end--;
    truncateSync(join(version2, name), end);
  }
}

async function tryCase(one: Case, original: string, folder: string, tree: string): Promise<string[]> {
  const faults: string[] = [];
  const damaged = join(folder, 'data');
  cpSync(original, damaged, { recursive: true });
  const version2 = join(damaged, 'version-2');
  const words = one.damage(version2, await newestLog(version2));
  if (words[0] !== 'snapshot') leaveOldestSnapshot(version2);
  const before = JSON.parse(await repair(['examine', damaged, '--json'], [0, 21, 52])) as Examined;
  if (before.state === 'whole') faults.push('examine calls the damaged directory whole');
  faults.push(...(await compareWithApache(before, damaged, join(folder, 'apache'))));
  await repair([...words, '--yes'], [0]);
  const after = JSON.parse(await repair(['examine', damaged, '--json'], [0, 21, 52])) as Examined;
  if (after.apache.refusal !== null || after.headkeeper.refusal !== null) faults.push('a start still refuses');
  const trees: string[] = [];
  for (const reader of [APACHE, 'headkeeper'] as const) {
    const copy = join(folder, reader.replace(' ', '-'));
    cpSync(damaged, copy, { recursive: true });
    const server = await startOn(reader, copy, NEVER_MS);
    try {
      const zxid = await lastZxid(server);
      if (zxid !== after.headkeeper.lastZxid)
        faults.push(`${reader} ends at ${zxid}, not ${after.headkeeper.lastZxid}`);
      trees.push(await treeProgram('walk', server));
    } finally {
      await server.stop();
    }
  }
  faults.push(...compareLines(trees[0] as string, trees[1] as string));
  if (one.exact) faults.push(...compareLines(tree, trees[0] as string));
  return faults;
}

interface Examined {
  readonly state: string;
  readonly headkeeper: { readonly refusal: object | null; readonly lastZxid: string | null };
  readonly apache: { readonly refusal: string | null; readonly lastZxid: string | null };
}

/** Starts Apache on a copy and compares with what was foretold. */
async function compareWithApache(foretold: Examined, dataDir: string, copy: string): Promise<string[]> {
  cpSync(dataDir, copy, { recursive: true });
  let server: ServerProcess;
  try {
    server = await startOn(APACHE, copy, NEVER_MS);
  } catch (error) {
    return foretold.apache.refusal === null ? [`Apache does not start: ${(error as Error).message}`] : [];
  }
  try {
    const zxid = await lastZxid(server);
    if (foretold.apache.refusal !== null) return [`Apache starts, although: ${foretold.apache.refusal}`];
    return zxid === foretold.apache.lastZxid ? [] : [`Apache ends at ${zxid}, not ${foretold.apache.lastZxid}`];
  } finally {
    await server.stop();
  }
}

async function lastZxid(server: ServerProcess): Promise<string> {
  return /^Zxid: (\S+)$/m.exec(await fourLetterWord(server.port, 'srvr', 5000))?.[1] ?? 'unknown';
}

/** Runs `headkeeper repair` and returns the last line that it printed; progress may come before it. */
async function repair(words: readonly string[], codes: readonly number[]): Promise<string> {
  const { code, output } = await runToEnd([process.execPath, headkeeperBin, 'repair', ...words]);
  if (!codes.includes(code)) throw new Error(`repair ${words.join(' ')} ended with ${code}: ${output}`);
  return output.trimEnd().split('\n').at(-1) ?? '';
}

async function newestLog(version2: string): Promise<LogFile> {
  const names = readdirSync(version2).filter((name) => name.startsWith('log.'));
  for (const name of names.sort((a, b) => zxidOfName(b) - zxidOfName(a))) {
    const path = join(version2, name);
    const { output } = await runToEnd([process.execPath, headkeeperBin, 'inspect', 'log', path, '--json']);
    const lines = output.trimEnd().split('\n');
    const offsets = lines.map((line) => JSON.parse(line) as { zxid?: string; offset: number });
    const records = offsets.filter(({ zxid }) => zxid !== undefined).map(({ offset }) => offset);
    if (records.length > 5) return { path, offsets: records };
  }
  throw new Error(`no log in ${version2} has more than five records`);
}

/** So that every txn is needed. */
function leaveOldestSnapshot(version2: string): void {
  const names = readdirSync(version2).filter((name) => name.startsWith('snapshot.'));
  for (const name of names.sort((a, b) => zxidOfName(a) - zxidOfName(b)).slice(1)) rmSync(join(version2, name));
}

function zxidOfName(name: string): number {
  return Number.parseInt(name.split('.')[1] ?? '', 16);
}

/** Changes one byte. */
function poke(path: string, at: number, by: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ by;
  writeFileSync(path, bytes);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  programOptions(import.meta.filename, {});
  const outcomes = await repairApacheDirectories();
  for (const { title, faults } of outcomes)
    console.log(`${faults.length === 0 ? 'ok' : 'FAIL'} ${[title, ...faults].join('\n    ')}`);
  process.exitCode = outcomes.every(({ faults }) => faults.length === 0) ? 0 : 1;
}
