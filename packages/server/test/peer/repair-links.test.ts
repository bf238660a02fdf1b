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

interface Donation {
  readonly donor: RepairDonor;
  /** What the asking server has heard. */
  readonly heard: RepairAnswer[];
  readonly over: (string | null)[];
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
  let question: RepairQuestion | null = null;
  const donor = new RepairDonor({
    links: {
      send: (_link, bytes, start, end) => question?.data(bytes.slice(start, end)),
      unsent: () => made.unsent,
      close: () => question?.end('closed'),
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
      donor.open(1);
      for (let at = 0; at < bytes.length; at += chunk) donor.data(1, bytes.subarray(at, at + chunk));
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
    donor.closed(1);
    assert.deepEqual([over, heard], [['unknown'], []]);
    assert.equal(donor.isBusy, false);
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
    made.donor.drained(1);
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
