import { epochOf } from '@headkeeper/protocol';
import { CoreHarness, type LoggedTxn, type RawClient } from '@headkeeper/testkit';
import fc from 'fast-check';
import { exactSnapshot } from '../../src/backup/exact-snapshot.ts';
import type { BackupRepository } from '../../src/backup/repository.ts';
import { type LogSegment, SegmentBuilder } from '../../src/backup/segment-builder.ts';
import { Database } from '../../src/core/database.ts';
import { adler32 } from '../../src/core/log/checksum.ts';
import type { RecoveredState } from '../../src/core/recovered-state.ts';
import { RecoveredState as State } from '../../src/core/recovered-state.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { anyRequest } from '../core/random-requests.ts';
import { type DumpedNode, nodesOf } from '../core/tree-dump.ts';

export const signal: AbortSignal = new AbortController().signal;

/** All that can be seen of a state. */
export interface SeenState {
  readonly nodes: readonly DumpedNode[];
  readonly sessions: readonly string[];
  readonly digest: string;
  readonly lastZxid: number;
}

export function seen(database: Database): SeenState {
  const sessions: string[] = [];
  database.sessions.forEach(({ idHigh, idLow, timeoutMs }) => {
    sessions.push(`${idHigh}:${idLow}:${timeoutMs}`);
  });
  const { high, low } = database.tree.digest;
  return {
    nodes: nodesOf(database.tree),
    sessions: sessions.sort(),
    digest: `${high}:${low}`,
    lastZxid: database.lastZxid,
  };
}

/** The txns of a server that three clients have used, and the state after each of them. */
export class RecordedHistory {
  readonly settings: CoreSettings;
  readonly txns: readonly LoggedTxn[];

  constructor(settings: CoreSettings, txns: readonly LoggedTxn[]) {
    this.settings = settings;
    this.txns = txns;
  }

  /** Random requests, time passing in between, until there are so many txns. */
  static record(seed: number, count: number): RecordedHistory {
    const harness = new CoreHarness();
    const clients: RawClient[] = [0, 1, 2].map((at) => harness.connect({ timeOut: 10_000 + at }));
    let round = 0;
    while (harness.log.length < count) {
      for (const { client, op, body } of fc.sample(anyRequest, { seed: seed + round++, numRuns: 200 })) {
        harness.pass((round * 31 + harness.log.length * 17) % 40);
        const at = clients[client] as RawClient;
        if (op !== 'closeSession') at.ask(op, body);
        else {
          at.ask(op, null);
          clients[client] = harness.connect({ timeOut: 10_000 + client });
        }
        at.take();
      }
      harness.run(2000);
    }
    return new RecordedHistory(harness.settings, harness.log.slice(0, count));
  }

  /** As the same history would be if the epochs began at these places; the txns then carry no digests. */
  inEpochs(begins: readonly number[]): RecordedHistory {
    let epoch = 0;
    let counter = 0;
    const txns = this.txns.map(({ body }, i) => {
      if (begins.includes(i)) {
        epoch += 1 + (i % 2);
        counter = 0;
      }
      const copy = body.slice();
      const view = new DataView(copy.buffer);
      view.setInt32(12, epoch);
      view.setInt32(16, ++counter);
      const isError = view.getInt32(28) === -1;
      return { zxid: epoch * 4294967296 + counter, body: isError ? copy : copy.subarray(0, copy.length - 12) };
    });
    return new RecordedHistory(this.settings, txns);
  }

  /** Calls with the state after each txn, which must not be changed. */
  walk(each: (state: RecoveredState, index: number) => void): void {
    const state = new State(new Database(this.settings));
    state.loaded(0, null);
    for (const [i, { body }] of this.txns.entries()) {
      state.applyTxn(body, new DataView(body.buffer, body.byteOffset, body.length), 0, body.length);
      each(state, i);
    }
  }

  /** The state after the first `count` txns. */
  stateAfter(count: number): Database {
    const state = new State(new Database(this.settings));
    state.loaded(0, null);
    for (const { body } of this.txns.slice(0, count)) {
      state.applyTxn(body, new DataView(body.buffer, body.byteOffset, body.length), 0, body.length);
    }
    return state.database;
  }

  zxidAt(index: number): number {
    return this.txns[index]?.zxid ?? 0;
  }

  timeAt(index: number): number {
    const body = this.txns[index]?.body ?? new Uint8Array(32);
    const view = new DataView(body.buffer, body.byteOffset);
    return view.getInt32(20) * 4294967296 + view.getUint32(24);
  }

  /** The pieces of log that hold the txns from place `from` up to but without `to`, cut where epochs begin. */
  segments(from: number, to: number): LogSegment[] {
    const segments: LogSegment[] = [];
    let builder = new SegmentBuilder(from === 0 ? 0 : this.zxidAt(from - 1));
    for (const { zxid, body } of this.txns.slice(from, to)) {
      if (!builder.canTake(zxid)) {
        segments.push(builder.finish());
        builder = new SegmentBuilder(builder.lastZxid);
      }
      builder.add(body, 0, body.length, adler32(body, 0, body.length));
    }
    if (builder.txns > 0) segments.push(builder.finish());
    return segments;
  }

  async putLogs(repository: BackupRepository, from: number, to: number): Promise<void> {
    for (const segment of this.segments(from, to)) {
      await repository.putLog(segment, { publishedMs: 1000, by: 'a test', compression: 'gzip' }, signal);
    }
  }

  /** A full backup of the state after the first `count` txns. */
  async putFull(repository: BackupRepository, count: number, takenMs = 1000): Promise<void> {
    const database = this.stateAfter(count);
    const zxid = database.lastZxid;
    const txnTimeMs = count === 0 ? null : this.timeAt(count - 1);
    const facts = { zxid, txnTimeMs, takenMs, by: 'a test', compression: 'gzip' } as const;
    await repository.putFull(exactSnapshot(database, true), facts, signal);
  }

  get epochs(): number {
    return new Set(this.txns.map(({ zxid }) => epochOf(zxid))).size;
  }
}
