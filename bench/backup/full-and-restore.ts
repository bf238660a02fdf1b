/**
 * How long a full backup of a large tree to a folder takes, and its restore until a server serves it:
 *
 *   node bench/dist/backup/full-and-restore.js [--znodes 1000000] [--bytes 100] [--rounds 3] [--work FOLDER]
 *
 * Every round backs up the same data directory into an empty folder with `headkeeper backup now`, restores that into an empty
 * directory with `headkeeper restore`, and starts a server on it. Prints every round, and the medians beside the figures to
 * reach; exit code 1 when one is missed.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTxn, OpCode, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { defaultServerConfig } from '@headkeeper/server';
import {
  createNodeDisk,
  Database,
  lockFolder,
  RecoveredState,
  toCoreSettings,
  writeRestored,
} from '@headkeeper/server/internal';
import { headkeeperBin, startHeadkeeper } from '#peers/headkeeper';
import { numberOf, programOptions } from '#peers/program-options';
import { fourLetterWord } from '#peers/server-process';
import { median } from '../rows.ts';

const BACKUP_SECONDS = 10;
const RESTORE_SECONDS = 10;
const ZNODES_PER_FOLDER = 1000;
const FIRST_ZXID = 0x100000000;

/** Runs the command in the same process, which then tells what it has used. */
const WITH_USAGE = `
const [bin, ...words] = process.argv.slice(1);
process.argv = [process.execPath, bin, ...words];
process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  require('node:fs').writeSync(1, 'cpu ' + (userCPUTime + systemCPUTime) + '\\n');
});
import(require('node:url').pathToFileURL(bin).href);
`;

interface Round {
  readonly backup: number;
  readonly backupCpu: number;
  /** Of the command, and with the server's start until it answers. */
  readonly restore: number;
  readonly restoreCpu: number;
  readonly serving: number;
}

const values = programOptions(import.meta.filename, {
  znodes: { type: 'string', default: '1000000' },
  bytes: { type: 'string', default: '100' },
  rounds: { type: 'string', default: '3' },
  work: { type: 'string', default: tmpdir() },
});
const znodes = numberOf('znodes', values.znodes);
const work = mkdtempSync(join(values.work, 'headkeeper-backup-bench-'));
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function measure(): Promise<boolean> {
  const dataDir = join(work, 'data');
  const made = makeTree(dataDir, znodes, numberOf('bytes', values.bytes));
  console.log(`${made} znodes of ${values.bytes} bytes, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}`);
  const rounds: Round[] = [];
  for (let at = 1; at <= numberOf('rounds', values.rounds); at++) {
    const round = await oneRound(dataDir, made);
    rounds.push(round);
    console.log(
      `round ${at}: backup ${seconds(round.backup)} (processor ${seconds(round.backupCpu)}), restore ` +
        `${seconds(round.restore)} (processor ${seconds(round.restoreCpu)}), serving after ${seconds(round.serving)}`,
    );
  }
  const backup = median(rounds.map((round) => round.backup)) ?? Number.NaN;
  const serving = median(rounds.map((round) => round.serving)) ?? Number.NaN;
  console.log(`full backup to a folder: ${seconds(backup)}, to reach: under ${BACKUP_SECONDS} s`);
  console.log(`restore to a serving server: ${seconds(serving)}, to reach: under ${RESTORE_SECONDS} s`);
  return backup < BACKUP_SECONDS && serving < RESTORE_SECONDS;
}

async function oneRound(dataDir: string, znodeCount: number): Promise<Round> {
  const target = join(work, 'backup');
  const restored = join(work, 'restored');
  try {
    const [backup, backupCpu] = await timed(['backup', 'now', '--data-dir', dataDir, '--target', target]);
    const begun = performance.now();
    const [restore, restoreCpu] = await timed(['restore', '--target', target, '--data-dir', restored]);
    const server = await startHeadkeeper({ dataDir: restored });
    const serving = (performance.now() - begun) / 1000;
    const answer = await fourLetterWord(server.port, 'srvr', 5000);
    await server.stop();
    // As on Apache ZooKeeper the root counts twice.
    if (!answer.includes(`Node count: ${znodeCount + 1}\n`))
      throw new Error(`not the tree that was backed up:\n${answer}`);
    return { backup, backupCpu, restore, restoreCpu, serving };
  } finally {
    for (const folder of [target, restored]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the command; returns the seconds it took, and those of the processors. */
function timed(words: readonly string[]): Promise<[seconds: number, cpuSeconds: number]> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(process.execPath, ['--no-warnings', '-e', WITH_USAGE, headkeeperBin, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const took = (performance.now() - begun) / 1000;
      const cpu = /^cpu (\d+)$/m.exec(output)?.[1];
      if (code !== 0 || cpu === undefined) reject(new Error(`${words.join(' ')}: ${code}\n${output}`));
      else resolve([took, Number(cpu) / 1e6]);
    });
  });
}

/** Writes a data directory with a tree; returns how many znodes a server counts in it. */
function makeTree(dataDir: string, count: number, bytes: number): number {
  const settings = toCoreSettings(defaultServerConfig(dataDir), {
    hashSeed: 1,
    sessionPasswordKey: new Uint8Array(32),
    defaultSessionPassword: 'keyed',
  });
  const state = new RecoveredState(new Database(settings));
  state.loaded(0, null);
  const data = new Uint8Array(bytes);
  const out = new Writer(1024);
  let zxid = FIRST_ZXID;
  let random = 1;
  const create = (path: string, parentCVersion: number): void => {
    // Half of it noise, so that it does not compress as nothing else would.
    for (let i = 0; i < bytes; i++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      data[i] = i % 2 === 0 ? 97 : 32 + (random >>> 26);
    }
    out.length = 0;
    const header = {
      clientId: 1n,
      cxid: 1,
      zxid: ++zxid,
      time: 1_790_000_000_000 + zxid - FIRST_ZXID,
      type: OpCode.create,
    };
    const body = { path, data, acl: WORLD_ANYONE_ALL, ephemeral: false, parentCVersion };
    encodeTxn(out, { header, op: 'create', body, digest: null });
    state.applyTxn(out.bytes, out.view, 0, out.length);
  };
  for (let made = 0, folder = 0; made < count; folder++) {
    create(`/folder-${folder}`, folder + 1);
    made++;
    for (let i = 1; i < ZNODES_PER_FOLDER && made < count; i++, made++) create(`/folder-${folder}/znode-${i}`, i);
  }
  const { database } = state;
  const world = { disk: createNodeDisk(), lock: lockFolder, removeFolder: rmdirSync };
  const where = { dataDir, dataLogDir: dataDir, myid: null };
  writeRestored(world, [where], { database, zxid, timeMs: 1_790_000_000_000, withDigest: true, newEpoch: null });
  return database.tree.store.size;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
