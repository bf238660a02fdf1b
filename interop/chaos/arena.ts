/** The servers of a chaos run, with everything of theirs that can be broken: network, disks, clocks, the way from clients. */

import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '@headkeeper/testkit';
import { canMount } from '../crash/endings.ts';
import { Ensemble } from '../ensemble/ensemble.ts';
import type { Member } from '../ensemble/member.ts';
import { takePorts } from '../ensemble/ports.ts';
import { Relay } from '../ensemble/relay.ts';
import { FaultControl } from './fault-shim.ts';

export const TICK_MS = 500;
const SYNC_LIMIT = 4;
/** After so long servers give each other up. */
export const SYNC_MS: number = TICK_MS * SYNC_LIMIT;

/** Small, so that rolls, snapshots and purges are under way when something breaks. */
const BUSY_FILES: Readonly<Record<string, string>> = {
  snapCount: '400',
  preAllocSize: '256',
  'autopurge.snapRetainCount': '3',
  'autopurge.purgeInterval': '2s',
};
const SMALL_DISK_KB = 12_288;

interface Place {
  readonly member: Member;
  readonly door: Relay;
  readonly control: FaultControl;
}

export class Arena {
  /** Of all that is drawn for these servers and their clients. */
  readonly seed: number;
  readonly ensemble: Ensemble;
  /** The server on a file system of its own that can be filled; null where none can be mounted. */
  readonly smallDisk: Member | null;
  readonly #places: ReadonlyMap<Member, Place>;

  private constructor(seed: number, ensemble: Ensemble, places: ReadonlyMap<Member, Place>, smallDisk: Member | null) {
    this.seed = seed;
    this.ensemble = ensemble;
    this.#places = places;
    this.smallDisk = smallDisk;
  }

  /** Starts so many servers; returns when all serve. */
  static async start(servers: number, seed: number): Promise<Arena> {
    const kinds = Array.from({ length: servers }, () => 'headkeeper' as const);
    const timing = { tickTime: TICK_MS, syncLimit: SYNC_LIMIT };
    const ensemble = await Ensemble.create({ kinds, ...timing, relays: true, seed, settings: BUSY_FILES });
    const places = new Map<Member, Place>();
    for (const member of ensemble.members) {
      const [port] = (await takePorts(1)) as [number];
      const door = await Relay.listen(port, member.clientPort, new RandomStream(seed, `door ${member.sid}`));
      const control = await FaultControl.make(`${member.dataDir}.control`);
      member.env = control.env;
      places.set(member, { member, door, control });
    }
    const last = ensemble.members.at(-1) as Member;
    const arena = new Arena(seed, ensemble, places, mountSmallDisk(last) ? last : null);
    try {
      await ensemble.startAll();
    } catch (error) {
      await arena.end(false);
      throw error;
    }
    return arena;
  }

  get folder(): string {
    return this.ensemble.folder;
  }

  /** Every server by the door through which clients come, beginning with any of them. */
  connectString(random: RandomStream): string {
    const doors = [...this.#places.values()].map(({ door }) => `127.0.0.1:${door.port}`);
    const first = random.below(doors.length);
    return [...doors.slice(first), ...doors.slice(0, first)].join(',');
  }

  door(member: Member): Relay {
    return this.#place(member).door;
  }

  control(member: Member): FaultControl {
    return this.#place(member).control;
  }

  /** Fills the small disk to the last block. */
  fillDisk(): void {
    if (this.smallDisk === null) throw new Error('there is no small disk');
    spawnSync('dd', ['if=/dev/zero', `of=${this.smallDisk.dataDir}/ballast`, 'bs=4k'], { stdio: 'ignore' });
  }

  makeRoom(): void {
    if (this.smallDisk !== null) rmSync(join(this.smallDisk.dataDir, 'ballast'), { force: true });
  }

  /** What an operator does with a server whose data is beyond repair while all others serve: it begins anew. */
  async wipe(member: Member): Promise<void> {
    if (member !== this.smallDisk) {
      member.wipe();
      return;
    }
    for (const name of readdirSync(member.dataDir)) rmSync(join(member.dataDir, name), { recursive: true });
    writeFileSync(join(member.dataDir, 'myid'), `${member.sid}\n`);
  }

  async end(remove: boolean): Promise<void> {
    await this.ensemble.end(false);
    for (const { door } of this.#places.values()) await door.close();
    // What lies on the small disk goes with it: it is as good as its neighbours'.
    if (this.smallDisk !== null) spawnSync('umount', ['-l', this.smallDisk.dataDir]);
    if (remove) rmSync(this.folder, { recursive: true, force: true });
  }

  #place(member: Member): Place {
    return this.#places.get(member) as Place;
  }
}

function mountSmallDisk(member: Member): boolean {
  if (!canMount(member.dataDir)) return false;
  const words = ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_KB}k`, 'tmpfs', member.dataDir];
  if (spawnSync('mount', words).status !== 0) return false;
  writeFileSync(join(member.dataDir, 'myid'), `${member.sid}\n`);
  return true;
}
