import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeRepairRequest, type RepairAnswer, type RepairRequest } from '@headkeeper/protocol';
import { SimDisk } from '@headkeeper/testkit';
import { RepairDonor } from '../../src/adapters/peer/repair-donor.ts';
import { RepairQuestion } from '../../src/adapters/peer/repair-question.ts';
import { foldersOn, putLog, putSnapshot, zxids } from '../disk/history-folder.ts';
import { makeFolders } from '../disk/model-server.ts';

const LIMIT = 1 << 20;
const EPOCH = 4294967296;
/** The link of the server that asks. */
const ASKING = 1;

interface Donation {
  readonly donor: RepairDonor;
  /** What the asking server has heard. */
  readonly heard: RepairAnswer[];
  readonly over: (string | null)[];
  /** Links of others that were closed. */
  readonly closed: number[];
  /** Bytes that wait for the network; set by the test. */
  unsent: number;
  /** Turns of the loop until nothing more happens. */
  run(): number;
  ask(request: RepairRequest, chunk?: number): void;
}

function donation(disk: SimDisk, refuses: (sid: number) => string | null = () => null): Donation {
  const turns: (() => void)[] = [];
  const heard: RepairAnswer[] = [];
  const over: (string | null)[] = [];
  const closed: number[] = [];
  let question: RepairQuestion | null = null;
  const donor = new RepairDonor({
    links: {
      send: (link, bytes, start, end) => {
        if (link === ASKING) question?.data(bytes.slice(start, end));
      },
      unsent: () => made.unsent,
      close: (link) => {
        if (link === ASKING) question?.end('closed');
        else closed.push(link);
      },
    },
    folders: () => foldersOn(disk),
    maxRecordBytes: LIMIT,
    refuses,
    defer: (fn) => turns.push(fn),
    note: () => {},
  });
  const made: Donation = {
    donor,
    heard,
    over,
    closed,
    unsent: 0,
    run() {
      let count = 0;
      for (let fn = turns.shift(); fn !== undefined; fn = turns.shift(), count++) fn();
      return count;
    },
    ask(request, chunk = 7) {
      question = new RepairQuestion(request, LIMIT, {
        answer: (answer) => heard.push(structuredClone(answer)),
        over: (why) => over.push(why),
      });
      const bytes = encodeRepairRequest(request);
      donor.open(ASKING);
      for (let at = 0; at < bytes.length; at += chunk) donor.data(ASKING, bytes.subarray(at, at + chunk));
    },
  };
  return made;
}

function disk(): SimDisk {
  const made = new SimDisk(1);
  makeFolders(made);
  putSnapshot(made, 6 * EPOCH);
  putLog(made, zxids(6, 1, 9));
  return made;
}

describe('a server gives what is intact', () => {
  it('the records that were asked for', () => {
    const { heard, over, run, ask } = donation(disk());
    const ranges = [
      { from: 6 * EPOCH + 2, to: 6 * EPOCH + 3 },
      { from: 6 * EPOCH + 8, to: 7 * EPOCH },
    ];
    ask({ kind: 'records', sid: 2, ranges });
    run();
    assert.deepEqual(
      heard.map((answer) => (answer.kind === 'record' ? answer.zxid - 6 * EPOCH : 0)),
      [2, 3, 8, 9],
    );
    assert.deepEqual(over, [null]);
  });

  it('the newest snapshot that is not beyond', () => {
    const at = disk();
    putSnapshot(at, 6 * EPOCH + 5);
    const { heard, over, run, ask } = donation(at);
    ask({ kind: 'snapshot', sid: 2, upTo: 6 * EPOCH + 4 });
    run();
    assert.deepEqual(heard[0], { kind: 'head', name: 'snapshot.600000000' });
    assert.equal(heard[1]?.kind, 'piece');
    assert.deepEqual(over, [null]);
  });

  it('to nobody whom it does not know, and nothing that it does not understand', () => {
    const { over, run, ask, heard, donor } = donation(disk(), (sid) => (sid === 2 ? null : 'unknown'));
    ask({ kind: 'snapshot', sid: 9, upTo: 0 });
    run();
    ask({ kind: 'records', sid: 2, ranges: [] });
    donor.closed(ASKING);
    assert.deepEqual([over, heard], [['unknown'], []]);
    assert.equal(donor.isBusy, false);
  });

  it('to who asks, however many others say nothing or take nothing', () => {
    const made = donation(disk());
    const { donor, closed } = made;
    const request = encodeRepairRequest({ kind: 'snapshot', sid: 2, upTo: 7 * EPOCH });
    for (let link = 100; link < 2000; link++) donor.open(link);
    assert.ok(closed.length >= 1890, `${closed.length} are closed`);
    made.unsent = 2 << 20;
    for (let link = 2000; link < 2020; link++) {
      donor.open(link);
      donor.data(link, request);
      made.run();
    }
    made.unsent = 0;
    made.ask({ kind: 'snapshot', sid: 2, upTo: 7 * EPOCH });
    made.run();
    assert.deepEqual([made.heard[0]?.kind, made.over], ['head', [null]]);
  });

  it('no faster than it is taken', () => {
    const at = new SimDisk(1);
    makeFolders(at);
    putLog(at, zxids(6, 1, 40), 60_000);
    const made = donation(at);
    made.unsent = 2 << 20;
    made.ask({ kind: 'records', sid: 2, ranges: [{ from: 1, to: 7 * EPOCH }] });
    assert.equal(made.run(), 1);
    assert.ok(made.heard.length < 40);
    made.unsent = 0;
    made.donor.drained(ASKING);
    made.run();
    assert.deepEqual([made.heard.length, made.over], [40, [null]]);
  });
});

describe('a question to another server', () => {
  it('ends over what makes no sense, and over too much at once', () => {
    for (const [at, value] of [
      [12, LIMIT + 1],
      [12, -1],
      [0, 5],
    ] as const) {
      const over: (string | null)[] = [];
      const asked: RepairRequest = { kind: 'snapshot', sid: 1, upTo: 0 };
      const question = new RepairQuestion(asked, LIMIT, { answer: () => {}, over: (why) => over.push(why) });
      const bytes = new Uint8Array(20);
      new DataView(bytes.buffer).setInt32(at, value);
      question.data(bytes);
      question.data(bytes);
      assert.equal(over.length, 1);
      assert.match(over[0] ?? '', /makes no sense/);
    }
  });
});
