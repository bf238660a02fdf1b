import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom, SimDisk, SimulatedCrash } from '@headkeeper/testkit';
import { settleHistory } from '../../src/adapters/disk/history-files.ts';
import { validSnapshots } from '../../src/adapters/disk/history-folders.ts';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { HistoryUnreachable } from '../../src/ports.ts';
import { EPOCH, foldersOn, historyOn, snapshotBytes } from './history-folder.ts';
import {
  assertGoodDirectory,
  assertPrefix,
  ModelServer,
  makeFolders,
  recoverModel,
  SNAPSHOTS,
  type Step,
} from './model-server.ts';

interface Reached {
  crashes: number;
  truncated: number;
  unreachable: number;
  installed: number;
  abandoned: number;
  read: number;
}

/** The life of one member's directory: lives of a server, and what a leader does to its history between them. */
class Member {
  readonly #random: SeededRandom;
  readonly #disk: SimDisk;
  readonly #reached: Reached;
  /** The history as far as it may be on the disk. */
  #history: readonly Step[] = [];
  /** What a change under way turns it into, or is about to. */
  #next: readonly Step[] | null = null;
  /** The least that must be there. */
  #certain = 0;

  constructor(seed: number, reached: Reached) {
    this.#random = new SeededRandom(seed);
    this.#disk = new SimDisk(seed);
    this.#reached = reached;
    makeFolders(this.#disk);
  }

  live(steps: number): void {
    for (let i = 0; i < steps; i++) {
      const crashing = this.#random.below(3) === 0;
      if (crashing) this.#disk.crashAt(this.#disk.operations + 1 + this.#random.below(40));
      try {
        this.#step();
      } catch (error) {
        // Once the machine is dead, what runs on it may end in any way.
        if (!this.#disk.crashed) throw error;
      }
      if (crashing) this.#crash();
      this.#check();
    }
  }

  #step(): void {
    this.#serve();
    const choice = this.#random.below(3);
    if (choice === 0) this.#truncate();
    else if (choice === 1) this.#install();
    this.#read();
  }

  /** One life of the server. */
  #serve(): void {
    const server = new ModelServer(this.#disk, this.#random, this.#history);
    try {
      for (let round = this.#random.below(14); round > 0; round--) {
        server.append();
        server.flush(this.#random.chance());
        if (this.#random.below(3) === 0) server.roll();
        if (this.#random.below(3) === 0) server.snapshot();
        if (this.#random.below(5) === 0) server.purge();
        server.turn(this.#random.below(12));
      }
      server.close();
    } finally {
      this.#history = server.history;
      this.#certain = server.acknowledged;
    }
  }

  #truncate(): void {
    const target = this.#anyZxid();
    const oldest = validSnapshots(foldersOn(this.#disk))[0]?.zxid ?? Number.POSITIVE_INFINITY;
    const isKnown = target % EPOCH === 0 || this.#history.some(({ zxid }) => zxid === target);
    const kept = this.#history.filter(({ zxid }) => zxid <= target);
    this.#next = kept;
    this.#certain = kept.at(-1)?.zxid ?? 0;
    try {
      historyOn(this.#disk).truncate(target);
    } catch (error) {
      if (!(error instanceof HistoryUnreachable)) throw error;
      assert.ok(!isKnown || target < oldest, `refused ${target.toString(16)}: ${error.message}`);
      this.#next = null;
      this.#certain = this.#history.at(-1)?.zxid ?? 0;
      this.#reached.unreachable++;
      return;
    }
    assert.ok(isKnown && target >= oldest, `truncated to ${target.toString(16)}, which is not there`);
    this.#history = kept;
    this.#next = null;
    this.#reached.truncated++;
  }

  #install(): void {
    const zxid = this.#anyZxid() + (this.#random.chance() ? EPOCH : 0);
    const history = historyOn(this.#disk);
    const content = 1 + this.#random.below(1 << 30);
    history.beginInstall(zxid);
    if (this.#random.chance()) {
      history.abandonInstall();
      this.#reached.abandoned++;
      return;
    }
    this.#next = [{ zxid, hash: content }];
    this.#certain = Math.min(zxid, this.#certain);
    let failure: Error | null | undefined;
    const sink = createSnapshotStore({ disk: this.#disk, folder: SNAPSHOTS }).begin(zxid, () => {});
    sink.write(snapshotBytes(content));
    sink.finish((error) => {
      failure = error;
    });
    this.#disk.run();
    if (this.#disk.crashed) throw new SimulatedCrash();
    assert.equal(failure, null);
    history.finishInstall(zxid);
    this.#history = this.#next;
    this.#next = null;
    this.#certain = zxid;
    this.#reached.installed++;
  }

  /** Mostly one of the history, sometimes the beginning of an epoch, sometimes nothing that was ever written. */
  #anyZxid(): number {
    const some = this.#history[this.#random.below(Math.max(1, this.#history.length))]?.zxid ?? 0;
    const kind = this.#random.below(6);
    if (kind === 0) return (Math.floor(some / EPOCH) + this.#random.below(2)) * EPOCH;
    return kind === 1 ? some + 40 + this.#random.below(3) * EPOCH : some;
  }

  #read(): void {
    const after = this.#anyZxid();
    const end = this.#history.at(-1)?.zxid ?? 0;
    const cursor = historyOn(this.#disk).readLog(after);
    if (cursor === null) return;
    const found: number[] = [];
    for (;;) {
      const records = cursor.next(1 + this.#random.below(3000), end);
      if (records === null) break;
      found.push(...records.zxids.subarray(0, records.count));
    }
    cursor.close();
    assert.deepEqual(
      found,
      this.#history.filter(({ zxid }) => zxid > after).map(({ zxid }) => zxid),
    );
    this.#reached.read += found.length;
  }

  #crash(): void {
    this.#disk.crash((['lose', 'keep', 'torn'] as const)[this.#random.below(3)] as 'torn', this.#random.below(1e6));
    this.#reached.crashes++;
  }

  /** Starts as a server does, and finds the history before a change, the one after it, or one in between. */
  #check(): void {
    settleHistory(foldersOn(this.#disk));
    const recovery = recoverModel(this.#disk);
    const installed = this.#next?.length === 1 && this.#next[0]?.hash === recovery.state.hash;
    if (installed && this.#next !== null) this.#history = this.#next;
    assertPrefix(recovery, this.#history);
    assertGoodDirectory(this.#disk, recovery);
    assert.ok(recovery.lastZxid >= this.#certain, 'something certain is gone');
    this.#history = this.#history.filter(({ zxid }) => zxid <= recovery.lastZxid);
    this.#next = null;
    this.#certain = recovery.lastZxid;
  }
}

describe('the history of a member', () => {
  it('is what was done to it, through any sequence of appends, truncations, installs and crashes', () => {
    const reached: Reached = { crashes: 0, truncated: 0, unreachable: 0, installed: 0, abandoned: 0, read: 0 };
    for (let seed = 1; seed <= 150; seed++) {
      try {
        new Member(seed, reached).live(10);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    const least: Reached = { crashes: 200, truncated: 100, unreachable: 20, installed: 60, abandoned: 60, read: 1000 };
    for (const key of Object.keys(least) as (keyof Reached)[]) {
      assert.ok(reached[key] >= least[key], `${key}: ${reached[key]}`);
    }
  });
});
