/** What can befall the servers of a chaos run. Each begins, lasts a while, and ends; one at a time. */

import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '@headkeeper/testkit';
import type { Member } from '../ensemble/member.ts';
import { until } from '../ensemble/waiting.ts';
import { type Arena, SYNC_MS, TICK_MS } from './arena.ts';
import { type DamageKind, damage, filesOf } from './damage.ts';

export interface Fault {
  readonly name: string;
  /** What it returns, if it is text, is more for the report. */
  begin(arena: Arena, member: Member, random: RandomStream): Promise<unknown> | unknown;
  end(arena: Arena, member: Member, random: RandomStream): Promise<void> | void;
}

/** The disk failed, said the server (docs/reference/exit-codes.md); and its data cannot be used. */
const EXIT_DISK = 10;
const EXIT_DATA = 3;
const ENDS_WITHIN_MS = 30_000;
const WHOLE_WITHIN_MS = 60_000;

const HOUR_MS = 3_600_000;
const CLOCK_SHIFTS_MS: readonly number[] = [
  -24 * HOUR_MS,
  -90_000,
  -2_000,
  2_000,
  90_000,
  24 * HOUR_MS,
  900 * 24 * HOUR_MS,
];
const DAMAGES: readonly DamageKind[] = ['bit flip', 'zeros', 'junk', 'truncation'];

/** How often damage made a server stop, and an operator had to begin it anew. */
export interface DamageCounts {
  recovered: number;
  stopped: number;
}

export function faultsOf(counts: DamageCounts): readonly Fault[] {
  return [
    { name: 'killed', begin: (_arena, member) => member.kill(), end: (_arena, member) => member.start() },
    { name: 'stopped and started', begin: stopWell, end: (_arena, member) => member.start() },
    { name: 'killed with most of the others', begin: killMost, end: startAll },
    { name: 'killed with all others', begin: (arena) => killAll(arena.ensemble.members), end: startAll },
    { name: 'paused', begin: (_arena, member) => member.pause(), end: (_arena, member) => member.resume() },
    {
      name: 'paused with most of the others',
      begin: (arena, member) => {
        for (const one of mostWith(arena, member)) one.pause();
      },
      end: (arena, member) => {
        for (const one of mostWith(arena, member)) one.resume();
      },
    },
    {
      name: 'cut off, silently',
      begin: (arena, member) => arena.ensemble.mesh.isolate(member.sid),
      end: (arena) => arena.ensemble.mesh.heal(false),
    },
    {
      name: 'cut off, what was sent lost',
      begin: (arena, member) => arena.ensemble.mesh.isolate(member.sid),
      end: (arena) => arena.ensemble.mesh.heal(true),
    },
    {
      name: 'cut off, connections reset',
      begin: (arena, member) => arena.ensemble.mesh.refuse(member.sid),
      end: (arena) => arena.ensemble.mesh.heal(false),
    },
    {
      name: 'heard by nobody',
      begin: (arena, member) => arena.ensemble.mesh.mute(member.sid),
      end: (arena) => arena.ensemble.mesh.heal(true),
    },
    {
      name: 'hearing nobody',
      begin: (arena, member) => arena.ensemble.mesh.deafen(member.sid),
      end: (arena) => arena.ensemble.mesh.heal(true),
    },
    {
      name: 'not hearing one other',
      begin: (arena, member) => {
        const other = arena.ensemble.sids.find((sid) => sid !== member.sid);
        if (other !== undefined) arena.ensemble.mesh.hold(other, member.sid);
      },
      end: (arena) => arena.ensemble.mesh.heal(false),
    },
    { name: 'far away', begin: delay, end: (arena, member) => arena.ensemble.mesh.delay(member.sid, 0) },
    {
      name: 'silent for its clients',
      begin: (arena, member) => {
        arena.door(member).hold('forth');
        arena.door(member).hold('back');
      },
      end: (arena, member) => {
        arena.door(member).release('forth');
        arena.door(member).release('back');
      },
    },
    {
      name: 'cut off from its clients',
      begin: (arena, member) => {
        arena.door(member).refusing = true;
        arena.door(member).reset();
      },
      end: (arena, member) => {
        arena.door(member).refusing = false;
      },
    },
    { name: 'on a full disk', begin: fillDisk, end: makeRoom },
    { name: 'on a disk whose syncs fail', begin: failSyncs, end: mendDisk },
    {
      name: 'given another time of day',
      begin: (arena, member, random) => {
        const shift = random.pick(CLOCK_SHIFTS_MS);
        arena.control(member).shiftClock(shift);
        return `${shift / 1000} s`;
      },
      end: (arena, member) => arena.control(member).shiftClock(0),
    },
    {
      name: 'killed, a file damaged, started',
      begin: damageFile,
      end: (arena, member) => bringBack(arena, member, counts),
    },
  ];
}

function mostWith(arena: Arena, member: Member): Member[] {
  const all = arena.ensemble.members;
  return [member, ...all.filter((one) => one !== member)].slice(0, Math.floor(all.length / 2) + 1);
}

async function killAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.kill()));
}

function killMost(arena: Arena, member: Member): Promise<void> {
  return killAll(mostWith(arena, member));
}

async function startAll(arena: Arena, _member: Member, random: RandomStream): Promise<void> {
  for (const member of arena.ensemble.members) {
    if (member.running) continue;
    await member.start();
    await pause(random.below(200));
  }
}

async function stopWell(_arena: Arena, member: Member): Promise<void> {
  const code = await member.stop();
  if (code !== 0) throw new Error(`${member.name}, told to stop, ended with ${code}`);
}

function delay(arena: Arena, member: Member, random: RandomStream): string {
  const ms = 5 + random.below(0.2 * SYNC_MS);
  arena.ensemble.mesh.delay(member.sid, ms);
  return `${ms} ms`;
}

/** Only the server on the small disk; where there is none, its writes fail as they would. */
function fillDisk(arena: Arena, member: Member): void {
  if (arena.smallDisk === null) {
    const whole = { from: 0, to: Number.MAX_SAFE_INTEGER, name: `${member.dataDir}/` };
    arena.control(member).setRules([{ op: 'write', error: 'ENOSPC', ...whole }]);
  } else arena.fillDisk();
}

async function makeRoom(arena: Arena, member: Member): Promise<void> {
  // What it has room for in the files it has, it may still write.
  const full = arena.smallDisk ?? member;
  if (full.running) full.process.signal('SIGTERM');
  const code = await bounded(full, full.process.ended);
  if (code !== EXIT_DISK && code !== 0) throw new Error(`${full.name}, on a full disk, ended with ${code}`);
  arena.makeRoom();
  arena.control(full).setRules([]);
  await full.start();
}

function failSyncs(arena: Arena, member: Member): void {
  arena.control(member).setRules([{ op: 'sync', error: 'EIO', from: 0, to: 1, name: `${member.dataDir}/` }]);
}

async function mendDisk(arena: Arena, member: Member): Promise<void> {
  const code = await bounded(member, member.process.ended);
  if (code !== EXIT_DISK) throw new Error(`${member.name}, whose syncs fail, ended with ${code} and not ${EXIT_DISK}`);
  arena.control(member).setRules([]);
  await member.start();
}

function bounded(member: Member, ended: Promise<number | null>): Promise<number | null> {
  const over = pause(ENDS_WITHIN_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${member.name} does not end\n${member.logSince(0).slice(-2000)}`);
  });
  return Promise.race([ended, over]);
}

async function damageFile(arena: Arena, member: Member, random: RandomStream): Promise<string> {
  await member.kill();
  // A tail that is cut off cannot be told from one that was never written: nobody else may be in need of it.
  const others = arena.ensemble.members.filter((one) => one !== member);
  await until(`all but ${member.name} serving`, WHOLE_WITHIN_MS, async () => {
    const modes = await Promise.all(others.map((one) => one.mode()));
    return modes.every((mode) => mode !== null) && modes.includes('leader');
  });
  const files = filesOf(member.dataDir);
  if (files.length === 0) return 'no files';
  const file = random.pick(files);
  const kind = random.pick(DAMAGES);
  const from = random.below(file.usedBytes);
  return damage(file, kind, from, random.between(1, 8192), random);
}

/** Either it comes back by itself, or it ends with its code; then it begins anew, as the guide says. */
async function bringBack(arena: Arena, member: Member, counts: DamageCounts): Promise<void> {
  await member.start();
  const serving = await until(`${member.name} serving or ended`, WHOLE_WITHIN_MS, async () => {
    if (!member.running) return 'ended' as const;
    return (await member.mode()) !== null && ('serving' as const);
  });
  if (serving === 'serving') {
    counts.recovered++;
    return;
  }
  const code = await member.process.ended;
  if (code !== EXIT_DATA) throw new Error(`${member.name}, on damaged files, ended with ${code}`);
  counts.stopped++;
  await arena.wipe(member);
  await member.start();
}

/** The longest that a fault lasts: beyond the time after which servers give each other up, and short of a session. */
export const LONGEST_FAULT_MS: number = 2 * SYNC_MS + TICK_MS;
