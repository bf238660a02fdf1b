import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FaultyTarget, MemoryTarget, type Spoiling, spoilObject, targetChecks } from '@headkeeper/testkit';
import { limitBandwidth } from '../../src/backup/bandwidth-limit.ts';
import { createFolderTarget } from '../../src/backup/folder-target.ts';
import { isWorthRetrying, pauseAfter } from '../../src/backup/retry-policy.ts';
import { type BackupTarget, TargetError } from '../../src/backup/target.ts';

const never = new AbortController().signal;

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'headkeeper-target-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function read(target: BackupTarget, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of target.get(name, never)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function names(target: BackupTarget): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of target.list('', never)) found.push(name);
  return found;
}

describe('a folder as a target', () => {
  for (const check of targetChecks)
    it(check.title, () => inFolder((folder) => check.body(createFolderTarget(join(folder, 'made', 'by-put')))));
});

describe('a target in memory', () => {
  for (const check of targetChecks) it(check.title, () => check.body(new MemoryTarget()));
});

describe('a target behind a limit of bandwidth', () => {
  /** Time passes only when somebody waits. */
  function manualClock(): { now(): number; pause(ms: number, signal: AbortSignal): Promise<void> } {
    let now = 1_000_000;
    return {
      now: () => now,
      pause: async (ms, signal) => {
        signal.throwIfAborted();
        now += ms;
      },
    };
  }

  for (const check of targetChecks) {
    // Time stands still only for whoever does not wait: the checks themselves need none.
    it(check.title, () => check.body(limitBandwidth(new MemoryTarget(), 1e9, manualClock())));
  }

  it('takes the time that the bytes need, over several puts and for bodies of any kind', async () => {
    const clock = manualClock();
    const begin = clock.now();
    const memory = new MemoryTarget();
    const target = limitBandwidth(memory, 100_000, clock);
    await target.put('a', new Uint8Array(1_000_000), never);
    const one = clock.now() - begin;
    assert.ok(one > 9_000 && one <= 10_000, `${one} ms for 1,000,000 bytes at 100,000 bytes a second`);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 1000; i += 1) yield new Uint8Array(1000);
    };
    await target.put('b', pieces(), never);
    const two = clock.now() - begin;
    assert.ok(two > 19_000 && two <= 20_000, `${two} ms for twice as much`);
    assert.equal(memory.bytesOf('a')?.length, 1_000_000);
    assert.equal(memory.bytesOf('b')?.length, 1_000_000);
  });

  it('saves up nothing while it is idle', async () => {
    const clock = manualClock();
    const target = limitBandwidth(new MemoryTarget(), 100_000, clock);
    await target.put('a', new Uint8Array(100_000), never);
    await clock.pause(3_600_000, never);
    const begin = clock.now();
    await target.put('b', new Uint8Array(1_000_000), never);
    assert.ok(clock.now() - begin > 9_000);
  });

  it('does not hold up a stop', async () => {
    const stop = new AbortController();
    const reason = new Error('the server stops');
    const clock = { ...manualClock(), pause: (_ms: number, signal: AbortSignal) => untilAborted(signal) };
    const put = limitBandwidth(new MemoryTarget(), 1, clock).put('a', new Uint8Array(1_000_000), stop.signal);
    stop.abort(reason);
    await assert.rejects(put, reason);
  });

  it('refuses limits that are none', () => {
    for (const limit of [0, -1, Number.NaN])
      assert.throws(() => limitBandwidth(new MemoryTarget(), limit, manualClock()), RangeError);
  });
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

describe('trying a target again', () => {
  it('is worth it for what may pass, and not for what stays', () => {
    const worth = (failure: TargetError['failure']): boolean => isWorthRetrying(new TargetError(failure, ''));
    assert.deepEqual((['unreachable', 'full', 'denied', 'other'] as const).map(worth), [true, true, true, true]);
    assert.deepEqual((['missing', 'exists'] as const).map(worth), [false, false]);
    assert.equal(isWorthRetrying(new Error('of the body')), false);
  });

  it('waits twice as long each time, up to the most, spread by a quarter', () => {
    const backOff = { firstMs: 1000, maxMs: 60_000 };
    const middle = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => pauseAfter(failures, 0.5, backOff));
    assert.deepEqual(middle, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    assert.equal(pauseAfter(3, 0, backOff), 3000);
    assert.equal(pauseAfter(3, 0.999999, backOff), 5000);
    assert.equal(pauseAfter(50, 0.999999, backOff), 60_000);
  });
});

describe('a faulty target', () => {
  const failing = async (call: Promise<unknown>): Promise<string> => {
    const error = await call.then(
      () => assert.fail('nothing failed'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof TargetError);
    return error.failure;
  };

  for (const check of targetChecks) {
    it(`without orders: ${check.title}`, () => check.body(new FaultyTarget(new MemoryTarget(), 1)));
  }

  it('fails as ordered, once for each order, and leaves behind what the fault leaves', async () => {
    const memory = new MemoryTarget();
    const target = new FaultyTarget(memory, 1);
    const put = (name: string): Promise<void> => target.put(name, Buffer.from('0123456789'), never);
    target.next('put', { kind: 'fails', failure: 'full' });
    target.next('put', { kind: 'lost-in-the-middle' });
    target.next('put', { kind: 'half-written' });
    target.next('put', { kind: 'answer-lost' });
    assert.equal(await failing(put('a')), 'full');
    assert.equal(await failing(put('b')), 'unreachable');
    assert.equal(await failing(put('c')), 'unreachable');
    assert.equal(await failing(put('d')), 'unreachable');
    assert.deepEqual(memory.names(), ['c', 'd']);
    assert.equal(await read(target, 'c'), '01234');
    assert.equal(await read(target, 'd'), '0123456789');
    target.next('get', { kind: 'lost-in-the-middle' });
    assert.equal(await failing(read(target, 'd')), 'unreachable');
    target.next('list', { kind: 'lost-in-the-middle' });
    assert.equal(await failing(names(target)), 'unreachable');
    assert.deepEqual(await names(target), ['c', 'd']);
    target.next('remove', { kind: 'answer-lost' });
    assert.equal(await failing(target.remove('c', never)), 'unreachable');
    assert.deepEqual(memory.names(), ['d']);
  });

  it('is unreachable, full or slow for as long as it is told to be', async () => {
    const pauses: number[] = [];
    const target = new FaultyTarget(new MemoryTarget(), 1, async (ms) => void pauses.push(ms));
    target.failing('unreachable');
    assert.equal(await failing(target.put('a', Buffer.from('x'), never)), 'unreachable');
    assert.equal(await failing(names(target)), 'unreachable');
    target.failing('full');
    assert.equal(await failing(target.put('a', Buffer.from('x'), never)), 'full');
    assert.deepEqual(await names(target), []);
    target.failing(null);
    target.next('put', { kind: 'slow', ms: 5000 });
    await target.put('a', Buffer.from('x'), never);
    assert.deepEqual(pauses, [5000]);
  });

  it('returns an old listing while it is frozen', async () => {
    const target = new FaultyTarget(new MemoryTarget(), 1);
    await target.put('a', Buffer.from('x'), never);
    await target.freezeListing();
    await target.put('b', Buffer.from('x'), never);
    await target.remove('a', never);
    assert.deepEqual(await names(target), ['a']);
    target.thawListing();
    assert.deepEqual(await names(target), ['b']);
  });

  it('draws the same faults from the same seed', async () => {
    const outcomes = async (seed: number): Promise<string> => {
      const target = new FaultyTarget(new MemoryTarget(), seed);
      target.odds({ fails: 20, lostInTheMiddle: 20, answerLost: 20 });
      let text = '';
      for (let i = 0; i < 100; i += 1) {
        text += await target.put(`object-${i}`, Buffer.from('x'), never).then(
          () => '.',
          () => 'x',
        );
      }
      const kept = target.requests.length;
      return `${text} ${kept}`;
    };
    assert.equal(await outcomes(7), await outcomes(7));
    assert.notEqual(await outcomes(7), await outcomes(8));
    const failed = [...(await outcomes(7))].filter((each) => each === 'x').length;
    assert.ok(failed > 40 && failed < 80, `${failed} of 100 failed`);
  });

  const spoilings: readonly (readonly [Spoiling, string | null])[] = [
    ['lost', null],
    ['halved', 'head'],
    ['emptied', ''],
    ['bit-flipped', `head${String.fromCharCode('k'.charCodeAt(0) ^ 0x10)}eep`],
  ];
  for (const [spoiling, left] of spoilings) {
    it(`spoils an object: ${spoiling}`, () =>
      inFolder(async (folder) => {
        const target = createFolderTarget(folder);
        await target.put('a', Buffer.from('headkeep'), never);
        await spoilObject(target, 'a', spoiling);
        if (left === null) assert.deepEqual(await names(target), []);
        else assert.equal(await read(target, 'a'), left);
      }));
  }
});
