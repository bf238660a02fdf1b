import { Database } from '../../src/core/database.ts';
import { adler32 } from '../../src/core/log/checksum.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import type { StorageOrder } from '../../src/core/ready.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import type { LogRecords } from '../../src/ports.ts';
import type { LoggedTxn } from './captures.ts';

const TWO_32 = 4294967296;
const RECORD_LIMIT = 1 << 22;

interface StoredSnapshot {
  readonly zxid: number;
  readonly bytes: Uint8Array;
}

/** What a member's data directory says, as far as the core can tell: a log, snapshots, and what of it is durable. */
export class MemberDisk {
  readonly log: LoggedTxn[] = [];
  /** Complete files, oldest first. */
  snapshots: StoredSnapshot[] = [];
  durableZxid = 0;
  installing: number | null = null;

  get lastZxid(): number {
    return Math.max(this.log.at(-1)?.zxid ?? 0, this.snapshots.at(-1)?.zxid ?? 0);
  }

  append(txn: LoggedTxn): void {
    const last = this.lastZxid;
    const follows =
      txn.zxid === last + 1 || (txn.zxid % TWO_32 === 1 && Math.floor(txn.zxid / TWO_32) > Math.floor(last / TWO_32));
    if (!follows) throw new Error(`0x${txn.zxid.toString(16)} is appended behind 0x${last.toString(16)}`);
    this.log.push(txn);
  }

  /** The state that a restart would find. */
  recover(settings: CoreSettings): Database {
    const state = new RecoveredState(new Database(settings));
    const snapshot = this.snapshots.at(-1);
    if (snapshot === undefined) state.loaded(0, null);
    else {
      const decoder = new SnapshotDecoder(state, RECORD_LIMIT);
      decoder.push(snapshot.bytes);
      state.loaded(snapshot.zxid, decoder.finish().digest);
    }
    for (const { zxid, body } of this.log) {
      if (zxid <= (snapshot?.zxid ?? 0)) continue;
      state.applyTxn(body, new DataView(body.buffer, body.byteOffset, body.byteLength), 0, body.length);
    }
    return state.database;
  }

  /** Carries an order out; false when there is no such place in the history. */
  carryOut(order: StorageOrder): boolean {
    switch (order.kind) {
      case 'truncate':
        return this.#truncate(order.zxid);
      case 'reload':
        this.snapshots = this.snapshots.filter(({ zxid }) => zxid !== this.installing);
        this.installing = null;
        this.durableZxid = this.lastZxid;
        return true;
      case 'beginInstall':
        this.installing = order.zxid;
        return true;
      case 'finishInstall':
        this.snapshots = this.snapshots.filter(({ zxid }) => zxid === order.zxid);
        if (this.snapshots.length !== 1) return false;
        this.log.length = 0;
        this.installing = null;
        this.durableZxid = order.zxid;
        return true;
      case 'replace':
        throw new Error('nobody replaces the state here');
      case 'finishRepair':
        throw new Error('nothing is set aside here');
    }
  }

  /** Records behind `afterZxid`, as a cursor hands them over; null when the log does not lead there. */
  records(afterZxid: number, most: number): LogRecords | null {
    const from = this.log.findIndex(({ zxid }) => zxid > afterZxid);
    if (from < 0 || (from === 0 && afterZxid !== 0)) return null;
    const chosen = this.log.slice(from, from + most).filter(({ zxid }) => zxid <= this.durableZxid);
    if (chosen.length === 0) return null;
    const memory = new Uint8Array(chosen.reduce((sum, { body }) => sum + body.length, 0));
    const starts = new Int32Array(chosen.length);
    const ends = new Int32Array(chosen.length);
    let at = 0;
    chosen.forEach(({ body }, i) => {
      starts[i] = at;
      memory.set(body, at);
      at += body.length;
      ends[i] = at;
    });
    const zxids = Float64Array.from(chosen, ({ zxid }) => zxid);
    const adlers = Uint32Array.from(chosen, ({ body }) => adler32(body, 0, body.length));
    return { memory, count: chosen.length, starts, ends, zxids, adlers };
  }

  #truncate(zxid: number): boolean {
    const isThere = zxid % TWO_32 === 0 || this.log.some((txn) => txn.zxid === zxid);
    if (!isThere && !this.snapshots.some((snapshot) => snapshot.zxid === zxid)) return false;
    while (this.log.length > 0 && (this.log.at(-1) as LoggedTxn).zxid > zxid) this.log.pop();
    this.snapshots = this.snapshots.filter((snapshot) => snapshot.zxid <= zxid);
    this.durableZxid = Math.min(this.durableZxid, this.lastZxid);
    return true;
  }
}
