import assert from 'node:assert/strict';
import { type Acl, Writer } from '@headkeeper/protocol';
import type { SeededRandom, SimDisk } from '@headkeeper/testkit';
import { createJournal } from '../../src/adapters/disk/journal-files.ts';
import { readLogged } from '../../src/adapters/disk/logged-mark.ts';
import { purge } from '../../src/adapters/disk/purge.ts';
import { createRecoverySource, listLogs, listSnapshots, repairLogs } from '../../src/adapters/disk/recovery-files.ts';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { beginRecord, endRecord } from '../../src/core/log/record-codec.ts';
import { type Recovery, recover } from '../../src/core/log/recovery.ts';
import { SnapshotEncoder } from '../../src/core/log/snapshot-encoder.ts';
import type { StateSink } from '../../src/core/log/state-sink.ts';
import type { Journal } from '../../src/ports.ts';

export const SNAPSHOTS = '/data/version-2';
export const LOGS = '/log/version-2';
const EPOCH = 4294967296;
const PREALLOC_BYTES = 4096;

/** A state so simple that it is one number: the checksum of all txns so far, kept in the root's data in snapshots. */
export class ModelState implements StateSink {
  hash = 0;

  loadSession(): void {}
  loadAcl(_aclId: number, _list: Acl[]): void {}

  loadNode(_bytes: Uint8Array, view: DataView, pathStart: number, pathEnd: number, dataStart: number): string | null {
    if (pathEnd > pathStart) return 'only the root is expected';
    this.hash = view.getInt32(dataStart);
    return null;
  }

  loaded(): void {}

  applyTxn(bytes: Uint8Array, _view: DataView, start: number, end: number): void {
    this.hash = foldTxn(this.hash, bytes, start, end);
  }
}

function foldTxn(hash: number, bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 16777619);
  return Math.imul(hash ^ (end - start), 16777619);
}

/** One txn that was appended, and the state after it. */
export interface Step {
  readonly zxid: number;
  readonly hash: number;
}

export function recoverModel(disk: SimDisk): Recovery<ModelState> {
  return recover(createRecoverySource(disk, SNAPSHOTS, LOGS), () => new ModelState(), {
    trustEmptySnapshot: false,
    maxRecordBytes: 1 << 20,
    ...readLogged(disk, LOGS),
  });
}

export function makeFolders(disk: SimDisk): void {
  for (const folder of ['/data', SNAPSHOTS, '/log', LOGS]) {
    disk.makeFolderSync(folder);
    disk.syncDirSync(folder.slice(0, folder.lastIndexOf('/')) || '/');
  }
}

/** What a server does with journal, snapshots, purge and recovery, without a server. */
export class ModelServer {
  /** Every txn appended in this life and those it recovered, in order. */
  readonly history: Step[];
  /** The last zxid that was reported durable. */
  acknowledged = 0;
  failure: Error | null = null;
  readonly #disk: SimDisk;
  readonly #random: SeededRandom;
  readonly #journal: Journal;
  readonly #snapshots: ReturnType<typeof createSnapshotStore>;
  #snapshotRunning = false;
  #purgeRunning = false;
  #lastZxid: number;

  /** Starts on the disk: recovers, mends the log, writes the first snapshot. `before` is the history so far. */
  constructor(disk: SimDisk, random: SeededRandom, before: readonly Step[]) {
    this.#disk = disk;
    this.#random = random;
    const recovery = recoverModel(disk);
    assertPrefix(recovery, before);
    this.history = before.filter((step) => step.zxid <= recovery.lastZxid);
    this.acknowledged = recovery.lastZxid;
    this.#lastZxid = recovery.lastZxid;
    repairLogs(disk, LOGS, recovery);
    this.#snapshots = createSnapshotStore({ disk, folder: SNAPSHOTS });
    this.snapshot();
    disk.run();
    this.#journal = createJournal({
      disk,
      folder: LOGS,
      preAllocBytes: PREALLOC_BYTES,
      lastZxid: this.#lastZxid,
      listener: {
        durable: (zxid) => {
          assert.equal(this.failure, null, 'durable after a failure');
          assert.ok(zxid > this.acknowledged, 'durable goes backwards');
          this.acknowledged = zxid;
        },
        failed: (error) => {
          assert.equal(this.failure, null, 'failed twice');
          this.failure = error;
        },
      },
      nowMs: () => 0,
    });
  }

  get lastZxid(): number {
    return this.#lastZxid;
  }

  /** Appends some txns, in one piece or several. */
  append(): void {
    const count = 1 + this.#random.below(4);
    const inOne = this.#random.chance();
    const writer = new Writer();
    const firstZxid = this.#nextZxid();
    let from = 0;
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#lastZxid++;
      const at = beginRecord(writer);
      this.#writeTxn(writer, this.#lastZxid);
      const hash = foldTxn(this.history.at(-1)?.hash ?? 0, writer.bytes, at + 12, writer.length);
      this.history.push({ zxid: this.#lastZxid, hash });
      endRecord(writer, at);
      if (!inOne) {
        this.#journal.append(writer.toBytes(), from, writer.length, this.#lastZxid, this.#lastZxid);
        from = writer.length;
      }
    }
    if (inOne) this.#journal.append(writer.toBytes(), 0, writer.length, firstZxid, this.#lastZxid);
  }

  #nextZxid(): number {
    const newEpoch = this.#random.below(12) === 0;
    this.#lastZxid = newEpoch ? (Math.floor(this.#lastZxid / EPOCH) + 1) * EPOCH + 1 : this.#lastZxid + 1;
    return this.#lastZxid;
  }

  /** TxnHeader and a body: mostly short, sometimes of several sectors, sometimes nothing but zeros. */
  #writeTxn(writer: Writer, zxid: number): void {
    writer.long(0x1234);
    writer.int(this.#random.below(1000));
    writer.long(zxid);
    writer.long(1_700_000_000_000 + this.#random.below(1000));
    writer.int(5);
    const size = this.#random.below(4) > 0 ? this.#random.below(150) : this.#random.below(2500);
    const zeros = this.#random.below(6) === 0;
    for (let i = 0; i < size; i++) writer.byte(zeros ? 0 : this.#random.below(256));
  }

  flush(lone: boolean): void {
    this.#journal.flush(lone);
  }

  roll(): void {
    this.#journal.roll();
  }

  /** Lets up to `steps` asynchronous calls go on. */
  turn(steps: number): void {
    for (let i = 0; i < steps && this.#disk.step(); i++);
  }

  /** Lets everything under way end. */
  rest(): void {
    this.#disk.run();
  }

  snapshot(): void {
    if (this.#snapshotRunning) return;
    this.#snapshotRunning = true;
    const hash = this.history.findLast((step) => step.zxid <= this.acknowledged)?.hash ?? 0;
    const data = new Uint8Array(4 + this.#random.below(1500));
    new DataView(data.buffer).setInt32(0, hash);
    const encoder = new SnapshotEncoder(64);
    encoder.begin(0);
    encoder.beginAcls(0);
    encoder.beginNodes();
    encoder.node(new Uint8Array(0), 0, 0, data, 0, data.length, -1, new Int32Array(15), 0);
    encoder.end(null, null);
    const sink = this.#snapshots.begin(this.acknowledged, () => {});
    for (let chunk = encoder.takeChunk(); chunk !== null; chunk = encoder.takeChunk()) sink.write(chunk);
    sink.finish((error) => {
      assert.equal(error, null);
      this.#snapshotRunning = false;
    });
  }

  purge(): void {
    if (this.#purgeRunning) return;
    this.#purgeRunning = true;
    purge({ disk: this.#disk, snapshotFolder: SNAPSHOTS, logFolder: LOGS, retain: 3, held: null }, (error) => {
      assert.equal(error, null);
      this.#purgeRunning = false;
    });
  }

  close(): void {
    let closed = false;
    this.#journal.close((error) => {
      assert.equal(error, null);
      closed = true;
    });
    this.rest();
    assert.ok(closed);
    assert.equal(this.acknowledged, this.#lastZxid, 'closed before everything was durable');
  }
}

/**
 * What Apache ZooKeeper asks of a directory that it is to start on, beyond what recovery asks: every log file has its
 * header; and every snapshot that is left, not the newest alone, leads to the end with the logs that are left.
 */
export function assertGoodDirectory(disk: SimDisk, recovery: Recovery<ModelState>): void {
  for (const log of listLogs(disk, LOGS)) {
    const magic = new Uint8Array(4);
    disk.openReadSync(`${LOGS}/${log.name}`).readSync(magic, 0, 4, 0);
    assert.equal(new TextDecoder().decode(magic), 'ZKLG', `${log.name} has no header`);
  }
  const copy = disk.fork();
  for (const { name } of listSnapshots(copy, SNAPSHOTS).slice(1)) copy.removeSync(`${SNAPSHOTS}/${name}`);
  const fromOldest = recoverModel(copy);
  assert.equal(fromOldest.lastZxid, recovery.lastZxid, 'the oldest snapshot leads elsewhere');
  assert.equal(fromOldest.state.hash, recovery.state.hash, 'the oldest snapshot leads elsewhere');
}

/** Whether what was recovered is exactly the state after some txn of the history. */
export function assertPrefix(recovery: Recovery<ModelState>, history: readonly Step[]): void {
  const step = history.findLast((candidate) => candidate.zxid <= recovery.lastZxid);
  assert.equal(recovery.lastZxid, step?.zxid ?? 0, 'a zxid that nobody wrote');
  assert.equal(
    recovery.state.hash,
    step?.hash ?? 0,
    `another state than the one of 0x${recovery.lastZxid.toString(16)}`,
  );
}
