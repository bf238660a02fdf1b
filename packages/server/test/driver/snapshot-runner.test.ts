import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SnapshotWork } from '../../src/core/ready.ts';
import { SnapshotRunner } from '../../src/driver/snapshot-runner.ts';
import type { SnapshotSink, SnapshotStore } from '../../src/ports.ts';

type Done = (error: Error | null) => void;

/** A store whose files are complete when the test says so. */
class SlowStore implements SnapshotStore {
  readonly files: { zxid: number; bytes: number[]; finish: Done | null; aborted: boolean }[] = [];

  begin(zxid: number): SnapshotSink {
    const last = this.files.at(-1);
    assert.ok(last === undefined || last.finish === null, 'one file at a time');
    const file = { zxid, bytes: [] as number[], finish: null as Done | null, aborted: false };
    this.files.push(file);
    return {
      write(bytes) {
        file.bytes.push(...bytes);
        return true;
      },
      finish(done) {
        file.finish = done;
      },
      abort() {
        file.aborted = true;
      },
    };
  }

  complete(error: Error | null = null): void {
    const file = this.files.at(-1);
    const done = file?.finish;
    assert.ok(file !== undefined && done !== null && done !== undefined, 'nothing is being completed');
    file.finish = null;
    done(error);
  }
}

function work(parts: { begin?: number; bytes?: number[]; end?: boolean }): SnapshotWork {
  const chunks = parts.bytes === undefined ? [] : [Uint8Array.from(parts.bytes)];
  return { abandon: false, begin: parts.begin ?? null, chunks, end: parts.end ?? false };
}

function runner(store: SlowStore): { runner: SnapshotRunner; deferred: (() => void)[]; slices: number[] } {
  const deferred: (() => void)[] = [];
  const slices: number[] = [];
  const port = {
    slice: (generation: number) => slices.push(generation),
    isServing: () => true,
    isRunning: () => true,
    drained: () => {},
    giveBack: () => {},
    written: () => {},
  };
  return { runner: new SnapshotRunner(store, (fn) => deferred.push(fn), port), deferred, slices };
}

test('a snapshot that begins while the file before is being completed waits, and loses nothing', () => {
  const store = new SlowStore();
  const { runner: run, deferred, slices } = runner(store);
  run.run(work({ begin: 5, bytes: [1] }), 1);
  run.run(work({ bytes: [2], end: true }), 1);
  deferred.splice(0).forEach((fn) => void fn());
  run.run(work({ begin: 9, bytes: [3] }), 1);
  run.run(work({ bytes: [4] }), 1);
  assert.deepEqual(deferred, [], 'the one that waits gets no slices');
  assert.equal(store.files.length, 1);
  store.complete();
  run.run(work({ bytes: [5], end: true }), 1);
  assert.deepEqual(
    store.files.map(({ zxid, bytes }) => ({ zxid, bytes })),
    [
      { zxid: 5, bytes: [1, 2] },
      { zxid: 9, bytes: [3, 4, 5] },
    ],
  );
  assert.deepEqual(slices, []);
});

test('a snapshot that waits is not begun after a failure or an end', () => {
  for (const end of [(store: SlowStore) => store.complete(new Error('full')), null]) {
    const store = new SlowStore();
    const { runner: run } = runner(store);
    run.run(work({ begin: 5, end: true }), 1);
    run.run(work({ begin: 9, bytes: [1] }), 1);
    if (end === null) {
      run.abort();
      store.complete();
    } else end(store);
    assert.equal(store.files.length, 1);
  }
});

test('a disk that is behind is known, and told when it has caught up', () => {
  let drained = (): void => {};
  const told: string[] = [];
  const store: SnapshotStore = {
    begin: (_zxid, whenDrained) => {
      drained = whenDrained;
      return { write: () => false, finish: () => {}, abort: () => {} };
    },
  };
  const run = new SnapshotRunner(store, () => {}, {
    slice: () => {},
    isServing: () => true,
    isRunning: () => false,
    drained: () => void told.push('drained'),
    giveBack: () => {},
    written: () => {},
  });
  run.run(work({ begin: 5 }), 1);
  assert.equal(run.isBehind, false);
  run.run(work({ bytes: [1] }), 1);
  assert.equal(run.isBehind, true);
  drained();
  assert.equal(run.isBehind, false);
  assert.deepEqual(told, ['drained']);
});
