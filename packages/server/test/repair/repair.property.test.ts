import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SeededRandom, type SimDisk } from '@headkeeper/testkit';
import fc from 'fast-check';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import type { RepairPlan } from '../../src/repair/changes.ts';
import { planCutTail } from '../../src/repair/cut-tail.ts';
import { type Examination, examine } from '../../src/repair/examine.ts';
import { carryOut, planUndo } from '../../src/repair/keeping.ts';
import { examineRecord, planDrop, planFix } from '../../src/repair/mend-record.ts';
import { planRebuildSnapshot } from '../../src/repair/rebuild-snapshot.ts';
import { RepairRefused } from '../../src/repair/repair-refused.ts';
import { repairSettings } from '../../src/repair/repair-settings.ts';
import { plannedFiles, tryStart } from '../../src/repair/trial-start.ts';
import { nodesOf } from '../core/tree-dump.ts';
import { put } from '../disk/files.ts';
import { edit, FOLDER, filesIn, type SampleHistory, sampleHistory } from './sample-history.ts';

const JUTE_MAX_BUFFER = 1_048_575;
const LOSSY = { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: true };
const KINDS = ['flip', 'cut', 'zero', 'double', 'lose'] as const;

/** Damages a file in one of the ways of KINDS; says what it did. */
function damage(history: SampleHistory, random: SeededRandom, among: RegExp): string {
  const { disk } = history;
  const names = disk
    .listSync(FOLDER)
    .filter((name) => among.test(name))
    .sort();
  const name = names[random.below(names.length)];
  if (name === undefined) return 'nothing';
  const kind = KINDS[random.below(KINDS.length)] as (typeof KINDS)[number];
  const size = readWhole(disk, `${FOLDER}/${name}`).length;
  const at = random.below(Math.max(1, size));
  if (kind === 'lose') disk.removeSync(`${FOLDER}/${name}`);
  else if (kind === 'double') {
    const [prefix, hex] = name.split('.') as [string, string];
    const other = `${prefix}.${(Number.parseInt(hex, 16) + 1 + random.below(30)).toString(16)}`;
    put(disk, `${FOLDER}/${other}`, readWhole(disk, `${FOLDER}/${name}`));
  } else {
    edit(disk, name, (bytes) => {
      if (kind === 'cut') return bytes.subarray(0, at);
      if (kind === 'zero') bytes.fill(0, at, Math.min(size, at + 1 + random.below(600)));
      else if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    });
  }
  return `${kind} ${name} at ${at} of ${size}`;
}

/** Leaves the first snapshot only, so that every txn is needed. */
function loseSnapshots({ disk }: SampleHistory): void {
  for (const name of disk.listSync(FOLDER)) if (/^snapshot\.[1-9]/.test(name)) disk.removeSync(`${FOLDER}/${name}`);
}

function examined(history: SampleHistory): Examination {
  return examine(history.folders, { juteMaxBuffer: JUTE_MAX_BUFFER, progress: () => {} });
}

function start(disk: SimDisk): ReturnType<typeof tryStart> {
  const folders = { disk, dataDir: '/data', dataLogDir: '/data', snapshotFolder: FOLDER, logFolder: FOLDER };
  return tryStart(plannedFiles(folders, []), repairSettings());
}

/** What the files of `name` had before the damage and the damaged one still has, up to the first difference. */
function commonBytes(before: string, after: string): number {
  let at = 0;
  while (at < before.length && at < after.length && before[at] === after[at]) at++;
  return at >> 1;
}

const seeds = fc.noShrink(fc.integer({ min: 1, max: 0x7fffffff }));

describe('a directory with random damage', () => {
  it('is called damaged whenever a start refuses it or loads a wrong tree, and whole only when it is what was written', () => {
    const outcomes = { whole: 0, serves: 0, damaged: 0 };
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = sampleHistory(seed % 7);
        const random = new SeededRandom(seed);
        if (random.chance()) loseSnapshots(history);
        const original = filesIn(history.disk);
        const done = Array.from({ length: 1 + random.below(2) }, () => damage(history, random, /^(log|snapshot)\./));
        const before = filesIn(history.disk);
        const found = examined(history);
        assert.deepEqual(filesIn(history.disk), before, 'examine changed something');
        outcomes[found.state]++;
        const outcome = start(history.disk);
        const label = done.join('; ');
        const { recovery } = outcome;
        const tree = recovery === null ? null : nodesOf(recovery.state.database.tree);
        if (recovery === null) assert.equal(found.state, 'damaged', label);
        else if (found.state !== 'damaged') assert.deepEqual(tree, history.trees.get(recovery.lastZxid), label);
        else assert.match(found.problems.join('; '), /digest|name is wrong/, label);
        if (found.state !== 'whole') return assert.ok(found.problems.length > 0, label);
        // Only what was cut off at the end of a record, or removed, can go unnoticed.
        for (const [name, bytes] of before) {
          const was = original.get(name) as string;
          assert.ok(was !== undefined, `${label}: ${name} was not there`);
          const same = commonBytes(was.slice(32), bytes.slice(32)) + 16;
          assert.ok(same >= bytes.length / 2 || /^00*$/.test(bytes.slice(2 * same)), `${label}: ${name}`);
        }
      }),
      { numRuns: 80, includeErrorInReport: true },
    );
    assert.ok(outcomes.damaged > 5 && outcomes.serves > 5, JSON.stringify(outcomes));
  });

  it('names the place of a damaged record', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = sampleHistory(seed % 7);
        const random = new SeededRandom(seed);
        const names = [...history.offsets.keys()];
        const name = names[random.below(names.length)] as string;
        const offsets = history.offsets.get(name) as readonly number[];
        const record = random.below(offsets.length - 1);
        const from = offsets[record] as number;
        const at = from + random.below((offsets[record + 1] as number) - from);
        edit(history.disk, name, (bytes) => {
          bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
          return bytes;
        });
        const log = examined(history).logs.find((found) => found.name === name);
        assert.deepEqual(
          log?.breaks.map(({ offset }) => offset),
          [from],
          `${name} at ${at}`,
        );
        const isLast = record === offsets.length - 2;
        assert.equal(log?.breaks[0]?.resumesAt, isLast ? null : offsets[record + 1], `${name} at ${at}`);
        const { diagnosis } = examineRecord(history.folders, name, from, JUTE_MAX_BUFFER);
        const field = at - from;
        const length = (offsets[record + 1] as number) - from - 13;
        if (field < 4) assert.equal(diagnosis.fault, 'checksum-padding');
        else if (field >= 8 && field < 12) assert.equal(diagnosis.fault, 'length');
        else if (field === length + 12) assert.equal(diagnosis.fault, 'end-mark');
        else assert.equal(diagnosis.fault, 'body-or-checksum');
      }),
      { numRuns: 80, includeErrorInReport: true },
    );
  });
});

describe('repair', () => {
  it('keeps every whole record, and everything can be put back byte for byte', () => {
    let repairs = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = sampleHistory(seed % 7);
        const random = new SeededRandom(seed);
        const done = damage(history, random, /^log\./);
        const before = filesIn(history.disk);
        const whole = wholeRecords(history, examined(history));
        const names: string[] = [];
        for (const { name, breaks } of examined(history).logs) {
          const first = breaks[0];
          if (first === undefined) continue;
          const plan = mend(history, name, first.offset);
          if (plan === null || plan.changes.length === 0) continue;
          names.push(carryOut(history.folders, plan, { command: 'test', wallMs: seed + names.length }));
          repairs++;
        }
        const kept = wholeRecords(history, examined(history));
        const moved = names.some((home) => history.disk.listSync(home).length > 2);
        if (!moved) for (const record of whole) assert.ok(kept.has(record), `${done}: a whole record is gone`);
        for (const home of names.reverse()) {
          const undo = planUndo(history.folders, home.slice('/data/'.length));
          carryOut(history.folders, undo, { command: 'undo', wallMs: seed + 100 });
        }
        assert.deepEqual(filesIn(history.disk), before, done);
      }),
      { numRuns: 50, includeErrorInReport: true },
    );
    assert.ok(repairs > 15, `${repairs} repairs`);
  });

  it('mends a length, an end mark, half a checksum and a header so that not a byte differs', () => {
    const history = sampleHistory(3);
    const original = filesIn(history.disk);
    let wallMs = 1;
    for (const [name, offsets] of history.offsets) {
      for (const [i, from] of offsets.slice(0, -1).entries()) {
        const end = (offsets[i + 1] as number) - 1;
        for (const at of [from + 1, from + 9, from + 11, end, 2]) {
          edit(history.disk, name, (bytes) => {
            bytes[at] = (bytes[at] as number) ^ 0x21;
            return bytes;
          });
          const record = examineRecord(history.folders, name, at === 2 ? 0 : from, JUTE_MAX_BUFFER);
          const plan = planFix(history.folders, record, { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: false });
          assert.ok(plan !== null, `${name} at ${at}: ${record.diagnosis.fault}`);
          carryOut(history.folders, plan, { command: 'test', wallMs: wallMs++ });
          assert.equal(filesIn(history.disk).get(name), original.get(name), `${name} at ${at}`);
        }
      }
    }
  });

  it('drops a record so that all the others stay and a start accepts them', () => {
    const history = sampleHistory(5);
    const [name, offsets] = [...history.offsets][0] as [string, readonly number[]];
    const { disk, folders } = history;
    loseSnapshots(history);
    const from = offsets[4] as number;
    edit(disk, name, (bytes) => bytes.fill(0xee, from + 20, from + 60));
    assert.notEqual(start(disk).refusal, null);
    const record = examineRecord(folders, name, from, JUTE_MAX_BUFFER);
    const plan = planDrop(folders, record, { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: false });
    assert.deepEqual(plan.losses, [`txn 0x${(history.zxids[4] as number).toString(16)}`]);
    carryOut(folders, plan, { command: 'test', wallMs: 1 });
    const { recovery } = start(disk);
    assert.equal(recovery?.lastZxid, history.zxids.at(-1));
    assert.equal(recovery?.replayed, history.zxids.length);
  });

  it('refuses to cut off whole records, or to leave a gap, unless the loss is accepted', () => {
    const history = sampleHistory(5);
    const [[first, offsets], [second]] = [...history.offsets] as [
      [string, readonly number[]],
      [string, readonly number[]],
    ];
    const { disk, folders } = history;
    const careful = { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: false };
    const at = { offset: offsets[9] as number };
    assert.throws(() => planCutTail(folders, first, at, careful), RepairRefused);
    loseSnapshots(history);
    const plan = planCutTail(folders, first, at, LOSSY);
    assert.ok(
      plan.steps.some((step) => step.includes(second)),
      plan.steps.join('; '),
    );
    carryOut(folders, plan, { command: 'test', wallMs: 1 });
    assert.equal(start(disk).recovery?.lastZxid, history.zxids[8]);
  });

  it('survives a crash at any moment with the old file or the new one, and the way back', () => {
    const history = sampleHistory(6, [25]);
    const [name, offsets] = [...history.offsets][0] as [string, readonly number[]];
    const { disk, folders } = history;
    const from = offsets[3] as number;
    edit(disk, name, (bytes) => bytes.fill(0xee, from + 20, from + 60));
    const before = filesIn(disk);
    const plan = planDrop(folders, examineRecord(folders, name, from, JUTE_MAX_BUFFER), LOSSY);
    let undone = 0;
    let finished = '';
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => {
        carryOut(folders, plan, { command: 'test', wallMs: 1 });
        finished = filesIn(disk).get(name) as string;
      },
      ({ disk: after, label }) => {
        const files = filesIn(after);
        const mine = { ...folders, disk: after };
        if (finished === '' && files.get(name) === before.get(name)) return;
        const home = after.listSync('/data').find((file) => file.startsWith('repair-')) as string;
        carryOut(mine, planUndo(mine, home), { command: 'undo', wallMs: 9 });
        assert.equal(filesIn(after).get(name), before.get(name), label);
        undone++;
      },
    );
    assert.ok(crashes > 20 && undone > 4, `${crashes} crashes, ${undone} undone`);
  });

  it('rebuilds a snapshot exactly at any txn', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = sampleHistory(seed % 7);
        const at = history.zxids[seed % history.zxids.length] as number;
        const plan = planRebuildSnapshot(history.folders, at, LOSSY);
        const home = plan.changes.length > 0;
        if (home) carryOut(history.folders, plan, { command: 'test', wallMs: seed });
        const { disk } = history;
        for (const name of disk.listSync(FOLDER)) {
          if (/^log\./.test(name) || (/^snapshot\./.test(name) && name !== `snapshot.${at.toString(16)}`)) {
            disk.removeSync(`${FOLDER}/${name}`);
          }
        }
        const { recovery } = start(disk);
        assert.equal(recovery?.lastZxid, at);
        assert.deepEqual(nodesOf(recovery?.state.database.tree as never), history.trees.get(at));
        assert.equal(recovery?.state.mismatchCount, 0);
      }),
      { numRuns: 50, includeErrorInReport: true },
    );
  });

  it('rebuilds a snapshot without any other when the digests prove that the logs are complete', () => {
    const history = sampleHistory(2);
    const { disk, folders } = history;
    for (const name of disk.listSync(FOLDER))
      if (/^snapshot\./.test(name)) edit(disk, name, (bytes) => bytes.fill(7, 30));
    const plan = planRebuildSnapshot(folders, null, { juteMaxBuffer: JUTE_MAX_BUFFER, acceptLoss: false });
    carryOut(folders, plan, { command: 'test', wallMs: 1 });
    const last = history.zxids.at(-1) as number;
    assert.deepEqual(nodesOf(start(disk).recovery?.state.database.tree as never), history.trees.get(last));
  });
});

/** The bytes of each whole record in the logs. */
function wholeRecords({ disk }: SampleHistory, found: Examination): Set<string> {
  const records = new Set<string>();
  for (const { name, stretches } of found.logs) {
    const bytes = Buffer.from(readWhole(disk, `${FOLDER}/${name}`));
    for (const { offset, end } of stretches) {
      for (let at = offset; at < end; ) {
        const next = at + 13 + bytes.readInt32BE(at + 8);
        records.add(bytes.subarray(at, next).toString('hex'));
        at = next;
      }
    }
  }
  return records;
}

/** What an operator would do about a damaged place; null when nothing is possible. */
function mend({ folders }: SampleHistory, name: string, offset: number): RepairPlan | null {
  for (const attempt of [
    () => planFix(folders, examineRecord(folders, name, offset, JUTE_MAX_BUFFER), LOSSY),
    () => planDrop(folders, examineRecord(folders, name, offset, JUTE_MAX_BUFFER), LOSSY),
    () => planCutTail(folders, name, 'last-good', LOSSY),
  ]) {
    try {
      const plan = attempt();
      if (plan !== null) return plan;
    } catch (error) {
      if (!(error instanceof RepairRefused)) throw error;
    }
  }
  return null;
}
