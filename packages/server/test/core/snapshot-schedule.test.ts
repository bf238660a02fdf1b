import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoreHarness } from '@headkeeper/testkit';
import type { SnapshotSchedule } from '../../src/core/snapshot-schedule.ts';

/** Gives the running snapshot slices until its file is complete; returns its zxid and what became of it. */
function complete(snapshots: SnapshotSchedule): { began: number | null; bytes: number } {
  let began: number | null = null;
  let bytes = 0;
  for (;;) {
    const work = snapshots.takeWork();
    began ??= work.begin;
    for (const chunk of work.chunks) bytes += chunk.length;
    if (work.end) return { began, bytes };
    snapshots.advance(1000);
  }
}

describe('a snapshot that is running when a learner needs the whole state', () => {
  it('gives way and begins again behind the feed', () => {
    const { snapshots } = new CoreHarness().replica.pipeline;
    snapshots.begin();
    assert.equal(snapshots.takeWork().begin, snapshots.runningZxid);
    assert.notEqual(snapshots.beginFeed(), null);
    assert.equal(snapshots.running, false);
    assert.equal(snapshots.isDue, true);
    assert.equal(snapshots.takeWork().abandon, true, 'its file is given up');
    snapshots.endFeed();
    assert.equal(snapshots.running, true);
    assert.equal(snapshots.isDue, false);
    const { began, bytes } = complete(snapshots);
    assert.notEqual(began, null);
    assert.ok(bytes > 0);
  });

  it('gives way only once, so that it comes to its end whatever learners do', () => {
    const { snapshots } = new CoreHarness().replica.pipeline;
    snapshots.begin();
    assert.notEqual(snapshots.beginFeed(), null);
    snapshots.endFeed();
    assert.equal(snapshots.beginFeed(), null, 'the next learner waits');
    assert.equal(snapshots.running, true);
    complete(snapshots);
    snapshots.begin();
    assert.notEqual(snapshots.beginFeed(), null, 'another snapshot gives way again');
  });
});
