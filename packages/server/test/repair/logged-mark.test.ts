import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimDisk } from '@headkeeper/testkit';
import { LOGGED_NAME, MOST_EPOCH_ENDS, readLogged, writeLoggedMark } from '../../src/adapters/disk/logged-mark.ts';
import { Database } from '../../src/core/database.ts';
import { type Recovery, recover } from '../../src/core/log/recovery.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import type { RepairPlan } from '../../src/repair/changes.ts';
import { planCutTail } from '../../src/repair/cut-tail.ts';
import { type Examination, examine } from '../../src/repair/examine.ts';
import { carryOut, planUndo } from '../../src/repair/keeping.ts';
import { planMendEpochs } from '../../src/repair/mend-epochs.ts';
import { planRebuildSnapshot } from '../../src/repair/rebuild-snapshot.ts';
import { repairSettings } from '../../src/repair/repair-settings.ts';
import { openOn, put } from '../disk/files.ts';
import { EPOCH, edit, FOLDER, filesIn, type SampleHistory, sampleHistory } from './sample-history.ts';

const JUTE_MAX_BUFFER = 1_048_575;
const CAREFUL = { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: false };
const LOSSY = { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: true };
const LAST = 2 * EPOCH + 30;

/** Forty txns of epoch 1 and thirty of epoch 2, twenty in a log at most; and what their server has noted of the log. */
function notedHistory(epochs: readonly number[] = [40, 30]): SampleHistory {
  const history = sampleHistory(5, epochs);
  for (const name of history.disk.listSync(FOLDER)) {
    if (/^snapshot\.[1-9]/.test(name)) history.disk.removeSync(`${FOLDER}/${name}`);
  }
  writeLoggedMark(history.disk, FOLDER, 0, history.zxids);
  return history;
}

/** Takes the last `count` records out of a log, so that it ends exactly behind one. */
function cutRecords({ disk, offsets }: SampleHistory, name: string, count: number): void {
  const end = offsets.get(name)?.at(-1 - count) as number;
  edit(disk, name, (bytes) => bytes.subarray(0, end));
}

function logOf({ offsets }: SampleHistory, index: number): string {
  return [...offsets.keys()][index] as string;
}

function examined({ folders }: SampleHistory): Examination {
  return examine(folders, { juteMaxBuffer: JUTE_MAX_BUFFER, progress: () => {} });
}

/** What a server does, with its own door to the directory. Throws RecoveryRefused. */
function start(disk: SimDisk): Recovery<RecoveredState> {
  const dir = openOn(disk, '/data');
  const settings = repairSettings();
  const recovery = recover(dir.source, () => new RecoveredState(new Database(settings)), {
    trustEmptySnapshot: false,
    maxRecordBytes: settings.juteMaxBuffer + settings.juteMaxBufferExtra,
    ...dir.logged(),
  });
  dir.requireLogged(recovery.lastZxid);
  return recovery;
}

/** Does what a plan says on a copy, where a server must start then. */
function startAfter({ disk, folders }: SampleHistory, plan: RepairPlan): Recovery<RecoveredState> {
  const copy = disk.fork();
  carryOut({ ...folders, disk: copy }, plan, { command: 'test', wallMs: 1 });
  return start(copy);
}

describe('what a server has noted of its log', () => {
  it('counts for an examination as it does for a start', () => {
    const whole = notedHistory();
    assert.equal(examined(whole).state, 'whole');
    assert.equal(start(whole.disk).lastZxid, LAST);
    for (const [log, why] of [
      [3, /ends with 0x20000001b, but it was durable up to 0x20000001e/],
      [1, /follows 0x100000025, but the log was durable up to 0x100000028/],
    ] as const) {
      const history = notedHistory();
      cutRecords(history, logOf(history, log), 3);
      assert.throws(() => start(history.disk), { message: why });
      const { state, headkeeper, problems } = examined(history);
      assert.equal(state, 'damaged');
      assert.match(headkeeper.refusal?.message ?? '', why);
      assert.match(problems.join('; '), why);
      assert.throws(() => planMendEpochs(history.folders, JUTE_MAX_BUFFER), { message: why });
      history.disk.removeSync(`${FOLDER}/${LOGGED_NAME}`);
      assert.equal(examined(history).headkeeper.refusal, null);
      start(history.disk);
    }
  });

  it('tells an unfinished record before another epoch from one that was durable', () => {
    for (const noted of [true, false]) {
      const history = notedHistory();
      const end = history.offsets.get(logOf(history, 1))?.at(-1) as number;
      edit(history.disk, logOf(history, 1), (bytes) => bytes.subarray(0, end - 5));
      history.disk.removeSync(`${FOLDER}/${LOGGED_NAME}`);
      if (noted) writeLoggedMark(history.disk, FOLDER, EPOCH + 40, []);
      assert.equal(examined(history).headkeeper.refusal?.reason, noted ? 'log-damaged' : undefined);
      if (noted) assert.throws(() => start(history.disk));
      else start(history.disk);
    }
  });

  it('does not count behind a state of a leader that was being taken over', () => {
    const history = notedHistory();
    const { disk } = history;
    disk.removeSync(`${FOLDER}/${LOGGED_NAME}`);
    writeLoggedMark(disk, FOLDER, 9 * EPOCH, [9 * EPOCH + 1]);
    assert.equal(examined(history).headkeeper.refusal?.reason, 'log-cut');
    put(disk, '/data/headkeeper.install', 'snapshot.0\nnone\n');
    assert.equal(examined(history).headkeeper.refusal, null);
    assert.equal(start(disk).lastZxid, 0);
  });

  it('is set back with a log that is cut, so that a server starts on what is left, and put back with it', () => {
    const history = notedHistory();
    const { disk, folders } = history;
    const before = filesIn(disk);
    const name = logOf(history, 3);
    const plan = planCutTail(folders, name, { zxid: LAST - 4 }, LOSSY);
    assert.match(plan.steps.join('; '), /sets headkeeper\.logged,.* back to txn 0x20000001a/);
    assert.match(plan.losses.join('; '), /the txns from 0x20000001b to 0x20000001e, which the log held/);
    assert.match(plan.notes.join('; '), /A start then .* ends at txn 0x20000001a/);
    const home = carryOut(folders, plan, { command: 'test', wallMs: 1 });
    assert.equal(start(disk).lastZxid, LAST - 4);
    assert.deepEqual(readLogged(disk, FOLDER), { provenZxid: LAST - 4, epochEnds: [EPOCH + 40] });
    for (const half of [0, 512]) {
      const decayed = disk.fork();
      decayed.rot(`${FOLDER}/${LOGGED_NAME}`, half, half + 512, 'zeros', 1);
      assert.equal(readLogged(decayed, FOLDER).provenZxid, LAST - 4, 'whichever half has decayed');
    }
    carryOut(folders, planUndo(folders, home.slice('/data/'.length)), { command: 'undo', wallMs: 2 });
    assert.deepEqual(filesIn(disk), before);
  });

  it('is set back with an epoch whose end is cut, and the ones behind it', () => {
    const history = notedHistory();
    const name = logOf(history, 1);
    const place = { zxid: EPOCH + 35 };
    const plan = planCutTail(history.folders, name, place, LOSSY);
    assert.match(plan.steps.join('; '), /every later log/);
    assert.equal(startAfter(history, plan).lastZxid, EPOCH + 35);
    assert.ok(MOST_EPOCH_ENDS > 1);
    assert.deepEqual(readLogged(history.disk, FOLDER).epochEnds, [EPOCH + 40], 'a plan changes nothing');
  });

  it('is set back where the log ends before it, when that loss is accepted', () => {
    const history = notedHistory();
    const { folders } = history;
    const name = logOf(history, 3);
    cutRecords(history, name, 3);
    const careful = planCutTail(folders, name, 'last-good', CAREFUL);
    assert.deepEqual(careful.changes, []);
    const cut = planCutTail(folders, name, 'last-good', LOSSY);
    assert.equal(startAfter(history, cut).lastZxid, LAST - 3);
    assert.throws(() => planRebuildSnapshot(folders, null, CAREFUL), {
      message: /lead only to 0x20000001b: the txns from 0x20000001c to 0x20000001e, which the log held,.*would be lost/,
    });
    assert.equal(startAfter(history, planRebuildSnapshot(folders, null, LOSSY)).snapshotZxid, LAST - 3);
    const at = planRebuildSnapshot(folders, LAST - 3, CAREFUL);
    assert.deepEqual(at.losses, []);
  });

  it('forgets the end of an epoch that the log has lost, when that is accepted, and the later epochs stay', () => {
    for (const isTorn of [false, true]) {
      const history = notedHistory();
      const { disk, folders } = history;
      const name = logOf(history, 1);
      cutRecords(history, name, 3);
      if (isTorn) edit(disk, name, (bytes) => Buffer.concat([bytes, new Uint8Array([1, 2, 3])]));
      const before = filesIn(disk);
      assert.throws(() => start(disk));
      assert.deepEqual(
        planCutTail(folders, name, 'last-good', isTorn ? LOSSY : CAREFUL).changes.length,
        isTorn ? 2 : 0,
        'without the loss accepted nothing is done',
      );
      const plan = planCutTail(folders, name, 'last-good', LOSSY);
      assert.match(
        plan.steps.join('; '),
        /lets headkeeper\.logged forget the txns from 0x100000026 to 0x100000028; the later/,
      );
      assert.match(plan.losses.join('; '), /^the txns from 0x100000026 to 0x100000028, which the log held/);
      assert.match(plan.notes.join('; '), /If other members .* ends at txn 0x20000001e/);
      const home = carryOut(folders, plan, { command: 'test', wallMs: 1 });
      assert.equal(start(disk).lastZxid, LAST);
      assert.deepEqual(readLogged(disk, FOLDER), { provenZxid: LAST, epochEnds: [EPOCH + 37] });
      for (const half of [0, 512]) {
        const decayed = disk.fork();
        decayed.rot(`${FOLDER}/${LOGGED_NAME}`, half, half + 512, 'zeros', 1);
        assert.deepEqual(readLogged(decayed, FOLDER).epochEnds, [EPOCH + 37], 'whichever half has decayed');
      }
      carryOut(folders, planUndo(folders, home.slice('/data/'.length)), { command: 'undo', wallMs: 2 });
      assert.deepEqual(filesIn(disk), before);
    }
  });

  it('forgets what it can where something else is wrong, too', () => {
    const history = notedHistory();
    const { folders } = history;
    cutRecords(history, logOf(history, 1), 3);
    cutRecords(history, logOf(history, 2), 3);
    const plan = planCutTail(folders, logOf(history, 1), 'last-good', LOSSY);
    const lost = 'the txns from 0x100000026 to 0x100000028';
    assert.deepEqual(plan.steps, [`lets headkeeper.logged forget ${lost}; the later logs stay`]);
    assert.deepEqual(plan.losses, [`${lost}, which the log held, as headkeeper.logged says`]);
    assert.match(plan.notes.join('; '), /A start still refuses then: .*0x200000012/);
    carryOut(folders, plan, { command: 'test', wallMs: 1 });
    assert.equal(planCutTail(folders, logOf(history, 1), 'last-good', LOSSY).changes.length, 0);
  });

  it('forgets an epoch of which nothing is left, and the empty file goes', () => {
    for (const tail of [0, 4096]) {
      const history = notedHistory([40, 5, 30]);
      const { disk, folders } = history;
      const [first, second] = [logOf(history, 1), 'log.200000001'];
      edit(disk, second, (bytes) => Buffer.concat([bytes.subarray(0, 16), new Uint8Array(tail)]));
      assert.throws(() => start(disk));
      const plan = planCutTail(folders, first, 'last-good', LOSSY);
      assert.match(plan.steps.join('; '), /moves out what holds none of them any more: log\.200000001$/);
      carryOut(folders, plan, { command: 'test', wallMs: 1 });
      assert.equal(start(disk).lastZxid, 3 * EPOCH + 30);
      assert.deepEqual(readLogged(disk, FOLDER).epochEnds, [EPOCH + 40]);
    }
  });
});
