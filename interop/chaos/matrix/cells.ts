/**
 * The disk matrix: every used block of every file, of the history and beside it, each kind of fault, on the leader and on a
 * follower.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '@headkeeper/testkit';
import type { Member } from '../../ensemble/member.ts';
import { treeOf } from '../../ensemble/tree.ts';
import { until } from '../../ensemble/waiting.ts';
import { BLOCK_BYTES, type DataFile, damage } from '../damage.ts';
import type { DiskRule } from '../fault-shim.ts';
import { FOLLOWER, LEADER, type Stage, write } from './stage.ts';

export type CellFault = 'zeros' | 'junk' | 'EIO' | 'ENOSPC';
export type Role = 'leader' | 'follower';

export interface Cell {
  readonly file: DataFile;
  readonly block: number;
  readonly fault: CellFault;
  readonly role: Role;
}

/** `unreached`: the server never came to write that block, so nothing was tried. */
export type Outcome = 'recovered' | 'stopped safely' | 'unreached' | 'wrong';

export interface CellResult {
  readonly outcome: Outcome;
  /** What was wrong, or what the server said when it stopped. */
  readonly words: string;
}

export const CELL_FAULTS: readonly CellFault[] = ['zeros', 'junk', 'EIO', 'ENOSPC'];

/** It cannot be configured; the data directory cannot be used; the disk failed (docs/reference/exit-codes.md). */
const EXIT_CONFIG = 2;
const EXIT_DATA = 3;
const EXIT_DISK = 10;
const DISK_ENDS: readonly number[] = [EXIT_DATA, EXIT_DISK];
/** Files beside the history. A server never writes them once its directory has begun: to let that fail would try nothing. */
const BESIDE: ReadonlySet<string> = new Set(['myid', 'headkeeper.origin', 'headkeeper.session-key']);
const ENDS_WITHIN_MS = 20_000;
const NEW = '/after';
const MOST_NEW = 900;
const NEW_BYTES = 900;

export function cellsOf(stage: Stage): Cell[] {
  const roles = [
    ['leader', LEADER],
    ['follower', FOLLOWER],
  ] as const;
  return roles.flatMap(([role, sid]) =>
    stage.files(sid).flatMap((file) =>
      Array.from({ length: Math.ceil(file.usedBytes / BLOCK_BYTES) }, (_, block) =>
        CELL_FAULTS.filter((fault) => fault !== 'ENOSPC' || !BESIDE.has(file.name)).map((fault) => {
          return { file, block, fault, role };
        }),
      ).flat(),
    ),
  );
}

/** `random`: the junk. */
export async function tryCell(stage: Stage, cell: Cell, random: RandomStream): Promise<CellResult> {
  const sid = cell.role === 'leader' ? LEADER : FOLLOWER;
  const victim = stage.ensemble.member(sid);
  await stage.restore();
  const logged = victim.logLength();
  try {
    if (cell.fault === 'ENOSPC') return await tryWrite(stage, cell, victim);
    return await tryStart(stage, cell, victim, random);
  } catch (error) {
    const log = victim.logSince(logged).slice(-1500);
    return { outcome: 'wrong', words: `${error instanceof Error ? error.message : String(error)}\n${log}` };
  }
}

/** A block cannot be read as it was: before the start, or by an error of the disk. */
async function tryStart(stage: Stage, cell: Cell, victim: Member, random: RandomStream): Promise<CellResult> {
  const from = cell.block * BLOCK_BYTES;
  const logged = victim.logLength();
  if (cell.fault === 'EIO') {
    const rule = { op: 'read', error: 'EIO', from, to: from + BLOCK_BYTES, name: cell.file.path } as const;
    stage.control(victim.sid).setRules([rule]);
  } else damage(cell.file, cell.fault === 'zeros' ? 'zeros' : 'junk', from, BLOCK_BYTES, random);
  await stage.startAll();
  const serving = await stage.settled();
  const faults = (await Promise.all(serving.map((member) => stage.differences(member)))).flat();
  const said = saidBy(victim.logSince(logged));
  if (!victim.running) {
    // Whoever does not know its own number cannot be configured.
    const codes = cell.file.name === 'myid' ? [EXIT_CONFIG] : DISK_ENDS;
    faults.push(...(await wellEnded(victim, codes, victim.logSince(logged))));
    if (BESIDE.has(cell.file.name) && !said.includes(cell.file.name))
      faults.push(`${victim.name} does not name ${cell.file.name}: ${said}`);
  }
  const isServing = serving.includes(victim);
  if (faults.length === 0 && !isServing && cell.fault === 'EIO') {
    // With a disk that reads again nothing is missing.
    stage.control(victim.sid).setRules([]);
    await victim.start();
    await stage.ensemble.waitUntilWhole();
    faults.push(...(await stage.differences(victim)));
  }
  const others = stage.ensemble.members.filter((member) => member !== victim);
  const written = await write(others, NEW, 1, 10, () => false);
  if (written.length !== 1) faults.push('the others take no write');
  if (faults.length > 0) return { outcome: 'wrong', words: faults.join('\n') };
  return isServing ? { outcome: 'recovered', words: '' } : { outcome: 'stopped safely', words: said };
}

/** A block cannot be written: the server ends, the others go on, and with room again it misses nothing. */
async function tryWrite(stage: Stage, cell: Cell, victim: Member): Promise<CellResult> {
  const logged = victim.logLength();
  stage.control(victim.sid).setRules(rulesFor(cell));
  await stage.startAll();
  const serving = await stage.settled();
  const faults: string[] = [];
  const others = stage.ensemble.members.filter((member) => member !== victim);
  const written: string[] = [];
  if (serving.includes(victim)) written.push(...(await write(others, NEW, MOST_NEW, NEW_BYTES, () => !victim.running)));
  // A snapshot that is due is still on its way.
  await until('the end of the server', 1_000, () => !victim.running).catch(() => {});
  if (victim.running) return { outcome: 'unreached', words: '' };
  // At its start it says that it cannot use the directory.
  faults.push(...(await wellEnded(victim, DISK_ENDS, victim.logSince(logged))));
  const said = saidBy(victim.logSince(logged));
  written.push(...(await write(others, `${NEW}-its-end`, 1, 10, () => false)));
  if (!written.some((path) => path.startsWith(`${NEW}-its-end`))) faults.push('the others take no write');
  stage.control(victim.sid).setRules([]);
  await victim.start();
  await stage.ensemble.waitUntilWhole();
  for (const member of stage.ensemble.members) {
    const tree = await treeOf(member);
    faults.push(...stage.differencesOf(member, tree, NEW));
    const lost = written.filter((path) => !tree.has(path));
    if (lost.length > 0) faults.push(`${member.name} has lost ${lost.slice(0, 3).join(', ')}`);
  }
  if (faults.length > 0) return { outcome: 'wrong', words: faults.join('\n') };
  return { outcome: 'stopped safely', words: said };
}

function rulesFor({ file, block }: Cell): DiskRule[] {
  const range = { from: block * BLOCK_BYTES, to: (block + 1) * BLOCK_BYTES };
  const kind = kindOf(file);
  // A file is written under another name first, but for the later part of a log.
  const names = kind === 'log' ? ['log.', 'spare-log'] : kind === 'snapshot' ? ['tmp-snapshot-'] : [file.name];
  return names.map((name) => ({ op: 'write', error: 'ENOSPC', ...range, name: `/version-2/${name}` }));
}

/** Such as `log`; a file of ours is a kind of its own. */
export function kindOf({ name }: DataFile): string {
  return name.replace(/^(log|snapshot)\..*/, '$1');
}

async function wellEnded(victim: Member, codes: readonly number[], log: string): Promise<string[]> {
  const over = pause(ENDS_WITHIN_MS, null, { ref: false });
  const code = await Promise.race([victim.process.ended, over]);
  if (code !== null && codes.includes(code)) return [];
  return [`${victim.name} ended with ${code} and not ${codes.join(' or ')}\n${log.slice(-1500)}`];
}

/** The last error or warning of a server's log. */
function saidBy(log: string): string {
  const lines = log.split('\n').filter((line) => !line.startsWith('{') || /"level":(40|50|60)/.test(line));
  return (lines.filter((line) => line.trim() !== '').at(-1) ?? '').slice(0, 400);
}
