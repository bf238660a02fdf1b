import { counterOf, epochOf, zxidIn } from '@headkeeper/protocol';
import { createSnapshotStore } from '../adapters/disk/snapshot-files.ts';
import type { WaitingRoom } from '../adapters/disk/waiting-room.ts';
import type { Database } from '../core/database.ts';
import type { Replica } from '../core/replica.ts';
import type { Driver } from '../driver/driver.ts';
import { limits } from '../limits.ts';
import type { Clock, Disk, HistoryStore, Timers } from '../ports.ts';
import { loadState } from './load-state.ts';
import { RestoreFailure } from './restore-failure.ts';
import { writeState } from './write-state.ts';

export interface StateRestoreOptions {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly disk: Disk;
  readonly history: HistoryStore;
  readonly room: WaitingRoom;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly note: (message: string) => void;
}

/** Clients go on writing while the state is got ready: its zxid lies so far beyond theirs. */
const HEADROOM = 1 << 20;
/** They have to be very quick to use it up. */
const ATTEMPTS = 5;
const LOOK_MS = 20;
/** A leader that stepped down has so long to lead again. */
const PATIENCE_MS = 60_000;

/**
 * Puts the state of a snapshot in the place of a running server's: reads and checks it beside the present one, writes it to
 * the disk under its new zxid, then changes over in one step, for which clients are sent away.
 *
 * The zxid never goes back: a state that is older than what this server has had gets a zxid beyond, so that no client, no
 * backup and no other server can take two states for one. In an ensemble the leader does it, as if the new state were one
 * large txn: it goes on from there with an election, which its history wins, and gives the state to everybody else. Until a
 * quorum has it the state before may come back; that is told as a failure. A crash at any moment leaves one or the other.
 */
export class StateRestore {
  readonly #options: StateRestoreOptions;
  #isBusy = false;

  constructor(options: StateRestoreOptions) {
    this.#options = options;
  }

  /** Why nothing can be restored here now, or null. */
  get obstacle(): RestoreFailure | null {
    const { replica } = this.#options;
    if (this.#isBusy) return new RestoreFailure('elsewhere', 'another restore is under way');
    if (replica.mayReplaceState) return null;
    const { member } = replica;
    const leader = member?.role.name === 'following' || member?.role.name === 'observing' ? member.leaderSid : null;
    const where =
      leader === null ? 'this server has no leader at the moment: try again' : `server ${leader} leads: restore there`;
    return new RestoreFailure('elsewhere', `the leader restores the whole ensemble; ${where}`);
  }

  /** `fill` writes the snapshot into the file of this path. Resolves with the zxid of the state once it is served. */
  async run(fill: (path: string) => Promise<void>): Promise<number> {
    const { obstacle } = this;
    if (obstacle !== null) throw obstacle;
    const { room } = this.#options;
    this.#isBusy = true;
    try {
      room.open();
      room.clear();
      const upload = `${room.path}/upload`;
      await fill(upload);
      return await this.#restore(upload);
    } finally {
      this.#isBusy = false;
      room.clear();
    }
  }

  async #restore(upload: string): Promise<number> {
    const { replica, driver, room, note } = this.#options;
    const { database, zxid } = await loadState(upload, replica.serving.settings);
    // As at every start.
    database.removeOrphans();
    await this.#reachEpochBeyond(zxid);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const newZxid = this.#zxidFor(zxid);
      this.#claim(database, newZxid);
      await this.#write(database, attempt);
      if (!replica.mayReplaceState) {
        room.clear(newZxid);
        throw this.#lost();
      }
      const install = (): Database => {
        this.#install(newZxid);
        return database;
      };
      if (!driver.replaceState(newZxid, install)) {
        room.clear(newZxid);
        continue;
      }
      note(`the state of zxid 0x${zxid.toString(16)} takes the place of this server's, as 0x${newZxid.toString(16)}`);
      await this.#served(database);
      return newZxid;
    }
    throw new RestoreFailure('elsewhere', 'clients write too fast: keep them away for a moment');
  }

  /** Its own zxid where that lies ahead of all that this server has had; else one beyond. */
  #zxidFor(zxid: number): number {
    const { replica } = this.#options;
    const last = replica.pipeline.appendedZxid;
    const { member } = replica;
    if (member === null && zxid > last) return zxid;
    const base = Math.max(last, zxidIn(member?.stage.epochs.current ?? 0, 0));
    if (counterOf(base + HEADROOM) > limits.txnsOfEpoch) {
      throw new RestoreFailure('elsewhere', 'the zxids of this epoch are used up: let another epoch begin');
    }
    return base + HEADROOM;
  }

  #claim(database: Database, zxid: number): void {
    const { replica } = this.#options;
    database.startAt(zxid);
    const { member } = replica;
    if (member === null) return;
    // The members are those of this ensemble, not of the one that the snapshot came from.
    const { committed } = member.stage;
    database.tree.setConfig(new TextEncoder().encode(committed.toText()), committed.version, replica.serving.wallMs);
  }

  async #write(database: Database, attempt: number): Promise<void> {
    const { disk, room } = this.#options;
    try {
      await writeState(database, createSnapshotStore({ disk, folder: room.snapshotFolder, aside: true }), attempt);
    } catch (error) {
      const why = `the state cannot be written to the disk, and is unchanged: ${(error as Error).message}`;
      throw new RestoreFailure('room', why, error);
    }
  }

  #install(zxid: number): void {
    const { history, room } = this.#options;
    history.beginInstall(zxid);
    room.release(zxid);
    history.finishInstall(zxid);
  }

  /**
   * Zxids of the state must not lie ahead of those that the ensemble gives out. A leader of an earlier epoch steps down, to
   * lead again in a later one.
   */
  async #reachEpochBeyond(zxid: number): Promise<void> {
    const { replica, driver, note } = this.#options;
    const { member } = replica;
    const epoch = epochOf(zxid);
    if (member === null || epoch < member.stage.epochs.current) return;
    if (epoch + 1 >= limits.largestEpoch) {
      throw new RestoreFailure('unusable', `epoch ${epoch} of the snapshot is the last that zxids can hold`);
    }
    note(`the state is of epoch ${epoch}: this ensemble goes on to a later one first`);
    driver.raiseEpoch(epoch + 1);
    await this.#until(() => {
      if (replica.mayReplaceState && member.stage.epochs.current > epoch) return true;
      if (member.role.name !== 'looking' && member.role.name !== 'leading') throw this.#lost();
      return false;
    });
  }

  async #served(database: Database): Promise<void> {
    const { replica } = this.#options;
    const { member } = replica;
    let isAdopted = false;
    await this.#until(() => {
      isAdopted ||= replica.serving.database === database;
      if (isAdopted && replica.serving.database !== database) throw this.#lost();
      return isAdopted && (member === null ? replica.clients.areServed : member.role.stage === 'broadcast');
    });
  }

  #lost(): RestoreFailure {
    return new RestoreFailure('overtaken', 'another server leads now, with the state before: restore there');
  }

  async #until(holds: () => boolean): Promise<void> {
    const { clock, timers } = this.#options;
    const endsMs = clock.monotonicMs() + PATIENCE_MS;
    while (!holds()) {
      if (clock.monotonicMs() >= endsMs) {
        throw new RestoreFailure(
          'overtaken',
          'no quorum has taken the state over in time; what becomes of it is for the next leader to say',
        );
      }
      await new Promise<void>((resolve) => timers.set(LOOK_MS, resolve));
    }
  }
}
