import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeRepairRequest,
  encodeNotification,
  hasRepairTrailer,
  type RepairAnswer,
  type RepairRequest,
  ServerState,
  Writer,
  withRepairTrailer,
  writeRepairAnswer,
} from '@headkeeper/protocol';
import { SimDisk, VirtualTime } from '@headkeeper/testkit';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { HistoryRepairKeeper } from '../../src/services/history-repair.ts';
import { openOn, put } from '../disk/files.ts';
import { EPOCH, foldersOn, putLog, putTornSnapshot, snapshotBytes, zxids } from '../disk/history-folder.ts';
import { makeFolders, SNAPSHOTS } from '../disk/model-server.ts';

const LIMIT = 1 << 20;
const VOTE = encodeNotification({
  state: ServerState.looking,
  leader: 2,
  zxid: 0,
  electionEpoch: 1,
  peerEpoch: 0,
  version: 2,
  config: '',
});

function members(...sids: readonly number[]): Membership {
  return parseMembership(sids.map((sid) => `server.${sid}=h${sid}:2888:3888:participant`).join('\n'));
}

/** Server 1, with the network in the hand of the test. */
class Bench {
  readonly time = new VirtualTime();
  readonly disk: SimDisk = new SimDisk(1);
  readonly keeper: HistoryRepairKeeper;
  membership: Membership = members(1, 2, 3);
  isRebuilding: boolean;
  /** Requests by link; a link that was closed has none. */
  readonly asked: Map<number, RepairRequest | null> = new Map();
  readonly warnings: string[] = [];
  /** Files that were made and are open. */
  readonly open: Set<string> = new Set();

  /** `isRebuilding`: without a snapshot, the log whole. */
  constructor(isRebuilding: boolean) {
    this.isRebuilding = isRebuilding;
    makeFolders(this.disk);
    putTornSnapshot(this.disk, 6 * EPOCH);
    putLog(this.disk, zxids(6, 1, 9));
    put(this.disk, `${SNAPSHOTS}/acceptedEpoch`, '7');
    put(this.disk, `${SNAPSHOTS}/currentEpoch`, '6');
    const dir = openOn(this.disk);
    if (isRebuilding) dir.setAside('damaged', this.time.wallMs());
    this.#watchFiles();
    let links = 0;
    this.keeper = new HistoryRepairKeeper({
      sid: 1,
      maxRecordBytes: LIMIT,
      quorum: {
        listen: () => {},
        connect: () => {
          this.asked.set(++links, null);
          return links;
        },
        send: (link, bytes) => this.asked.set(link, decodeRepairRequest(bytes)),
        close: (link) => this.asked.delete(link),
        unsent: () => 0,
        pause: () => {},
        resume: () => {},
        stop: () => {},
      },
      timers: this.time,
      clock: this.time,
      defer: (fn) => fn(),
      folders: () => foldersOn(this.disk),
      isRebuilding: () => this.isRebuilding,
      begin: () => dir.beginRepair(LIMIT, () => ({ snapshotZxid: 0, lastZxid: 0, fault: null })),
      membership: () => this.membership,
      isLooking: () => true,
      repaired: () => {},
      note: () => {},
      noteOfPeer: () => {},
      warn: (message) => this.warnings.push(message),
    });
  }

  #watchFiles(): void {
    const create = this.disk.createSync.bind(this.disk);
    this.disk.createSync = (path) => {
      const file = create(path);
      const close = file.closeSync.bind(file);
      this.open.add(path);
      file.closeSync = () => {
        this.open.delete(path);
        close();
      };
      return file;
    };
  }

  /** The others have voted, and are asked for records; none has any. */
  begin(): void {
    for (const sid of [2, 3]) this.keeper.heard(sid, withRepairTrailer(VOTE));
    this.keeper.start();
    this.time.advance(3_000);
    assert.equal(this.asked.size, 2);
    for (const link of [...this.asked.keys()]) {
      this.keeper.opened(link);
      assert.equal(this.asked.get(link)?.kind, 'records');
      this.answer(link, { kind: 'end' });
    }
  }

  answer(link: number, answer: RepairAnswer): void {
    const out = new Writer(512);
    writeRepairAnswer(out, answer);
    this.keeper.data(link, out.bytes.slice(0, out.length), false);
  }

  /** A snapshot is on its way; returns its link. */
  receive(): number {
    this.begin();
    const [link = 0] = [...this.asked.keys()];
    this.keeper.opened(link);
    assert.equal(this.asked.get(link)?.kind, 'snapshot');
    this.answer(link, { kind: 'head', name: `snapshot.${(6 * EPOCH).toString(16)}` });
    this.answer(link, { kind: 'piece', bytes: snapshotBytes(0).slice(0, 10) });
    assert.equal(this.open.size, 1);
    return link;
  }

  tells(sid: number): boolean {
    return hasRepairTrailer(this.keeper.vote(sid, VOTE));
  }
}

describe('a repair that is given up', () => {
  it('because a leader has given everything: closes the snapshot that was arriving, and the link that it came over', () => {
    const bench = new Bench(true);
    const link = bench.receive();
    bench.isRebuilding = false;
    bench.time.advance(1_000);
    assert.deepEqual([bench.open.size, bench.asked.size, bench.warnings], [0, 0, []]);
    assert.equal(bench.keeper.data(link, new Uint8Array(20), false), false, 'nobody waits for the rest');
  });

  it('because the disk fails: the same', () => {
    const bench = new Bench(true);
    const link = bench.receive();
    bench.disk.failOn('write', 1, 'EIO');
    bench.answer(link, { kind: 'piece', bytes: snapshotBytes(0).slice(10) });
    assert.deepEqual([bench.open.size, bench.asked.size, bench.warnings.length], [0, 0, 1]);
  });

  it('because the server stops: the same', () => {
    const bench = new Bench(true);
    bench.receive();
    bench.keeper.stop();
    assert.deepEqual([bench.open.size, bench.asked.size, bench.time.waiting], [0, 0, 0]);
  });
});

describe('who understands repair', () => {
  it('is remembered of a member, and of others as long as they are connected', () => {
    const bench = new Bench(false);
    for (const sid of [2, 9]) bench.keeper.heard(sid, withRepairTrailer(VOTE));
    bench.keeper.heard(3, VOTE);
    assert.deepEqual([bench.tells(2), bench.tells(3), bench.tells(9)], [true, false, true]);
    for (const sid of [2, 3, 9]) bench.keeper.lost(sid);
    assert.deepEqual([bench.tells(2), bench.tells(3), bench.tells(9)], [true, false, false]);
  });

  it('is forgotten of a server that is no member any more', () => {
    const bench = new Bench(false);
    for (const sid of [2, 3]) bench.keeper.heard(sid, withRepairTrailer(VOTE));
    bench.membership = members(1, 3);
    bench.keeper.membershipChanged();
    assert.deepEqual([bench.tells(2), bench.tells(3)], [false, true]);
  });
});
