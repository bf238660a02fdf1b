import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommittedLog } from '../../src/core/zab/committed-log.ts';
import { planSync, type SyncPlan } from '../../src/core/zab/sync-plan.ts';

const TWO_32 = 4294967296;
const EPOCHS = 3;
const MOST_TXNS = 3;

function zxid(epoch: number, counter: number): number {
  return epoch * TWO_32 + counter;
}

function epochOf(of: number): number {
  return Math.floor(of / TWO_32);
}

function text(of: number): string {
  return `(${epochOf(of)},${of % TWO_32})`;
}

/** Histories with up to three txns in each of three epochs; an epoch without any leaves no trace. */
function* histories(): Iterable<number[]> {
  for (let shape = 0; shape < (MOST_TXNS + 1) ** EPOCHS; shape++) {
    const history: number[] = [];
    for (let epoch = 1, rest = shape; epoch <= EPOCHS; epoch++, rest = Math.floor(rest / (MOST_TXNS + 1))) {
      for (let counter = 1; counter <= rest % (MOST_TXNS + 1); counter++) history.push(zxid(epoch, counter));
    }
    yield history;
  }
}

/** The leader's memory: its history from some place on. */
function windowOf(base: number, txns: readonly number[]): CommittedLog {
  const window = new CommittedLog(500, 1 << 20, base);
  for (const txn of txns) window.add(txn, new Uint8Array(1), 0, 1);
  return window;
}

/** Windows over a history: behind any txn, behind nothing, and behind a state taken when an epoch began. */
function* windowsOf(history: readonly number[]): Iterable<CommittedLog> {
  for (let from = 0; from <= history.length; from++) {
    yield windowOf(from === 0 ? 0 : (history[from - 1] as number), history.slice(from));
  }
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const from = history.findIndex((txn) => epochOf(txn) >= epoch);
    const behind = from < 0 ? [] : history.slice(from);
    // Nothing but (epoch, 1) follows on (epoch, 0).
    if (behind.length === 0 || epochOf(behind[0] as number) === epoch) yield windowOf(zxid(epoch, 0), behind);
  }
}

/**
 * The log of a learner whose last zxid is `peer`. Who has a txn of an epoch has had that epoch's initial history on its disk
 * first, and a quorum had, since it is proposed only then: so it is that of every later leader. The txns of the epoch itself may
 * be more than the leader has, or fewer.
 */
function logOf(peer: number, history: readonly number[]): number[] {
  const log = history.filter((txn) => epochOf(txn) < epochOf(peer));
  for (let counter = 1; counter <= peer % TWO_32; counter++) log.push(zxid(epochOf(peer), counter));
  return log;
}

/** The learner's log after the plan was carried out; null when it cannot be. */
function outcome(plan: SyncPlan, log: readonly number[], history: readonly number[]): readonly number[] | null {
  switch (plan.kind) {
    case 'snap':
      return history;
    case 'diff':
    case 'disk':
      return [...log, ...history.filter((txn) => txn > plan.from)];
    case 'trunc': {
      if (plan.to % TWO_32 !== 0 && !log.includes(plan.to)) return null;
      return [...log.filter((txn) => txn <= plan.to), ...history.filter((txn) => txn > plan.to)];
    }
  }
}

/** Whether the window shows how the learner's log and ours part: what they share ends inside it, or right before it. */
function isInReach(peer: number, log: readonly number[], window: CommittedLog, history: readonly number[]): boolean {
  const shared = log.filter((txn) => history.includes(txn)).at(-1) ?? 0;
  return shared >= window.base && (peer === shared || peer % TWO_32 === 0);
}

test('every plan makes the learner’s history ours, over all small histories, windows and learners (S18)', () => {
  const seen: Record<SyncPlan['kind'], number> = { diff: 0, trunc: 0, disk: 0, snap: 0 };
  for (const history of histories()) {
    for (const window of windowsOf(history)) {
      for (let epoch = 0; epoch <= EPOCHS + 1; epoch++) {
        for (let counter = 0; counter <= (epoch === 0 ? 0 : MOST_TXNS + 2); counter++) {
          const peer = zxid(epoch, counter);
          const log = logOf(peer, history);
          for (const hasDisk of [false, true]) {
            const plan = planSync(peer, window, (of) => hasDisk && (of % TWO_32 === 0 || history.includes(of)));
            const what = `${text(peer)} before [${text(window.base)}; ${history.map(text).join(' ')}]: ${plan.kind}`;
            assert.deepEqual(outcome(plan, log, history), history, what);
            if (isInReach(peer, log, window, history)) assert.equal(plan.kind, 'diff', what);
            seen[plan.kind]++;
          }
        }
      }
    }
  }
  for (const [kind, count] of Object.entries(seen)) assert.ok(count > 500, `${kind} is planned ${count} times`);
});

test('who has a txn inside the numbers of the window that is not in the history gets no plain DIFF (E10)', () => {
  const window = windowOf(zxid(7, 72), [zxid(7, 73), zxid(8, 1)]);
  assert.deepEqual(
    planSync(zxid(7, 74), window, () => true),
    { kind: 'trunc', to: zxid(7, 73) },
  );
});

test('an empty learner gets everything, or the whole state, when the window begins later (S17, S19)', () => {
  assert.deepEqual(
    planSync(0, windowOf(0, [zxid(1, 1)]), () => false),
    { kind: 'diff', from: 0 },
  );
  // A leader that has begun from a snapshot has no txns in memory: that is no reason to take its window for complete.
  assert.deepEqual(
    planSync(0, windowOf(zxid(1, 5), []), () => true),
    { kind: 'snap' },
  );
});

test('a learner that is as far as the leader keeps its log, whatever the window (S18)', () => {
  for (const base of [0, zxid(1, 0), zxid(1, 4), zxid(2, 0)]) {
    assert.deepEqual(
      planSync(base, windowOf(base, []), () => false),
      { kind: 'diff', from: base },
    );
  }
});

test('a former leader with more than the present one is cut back, also across epochs', () => {
  assert.deepEqual(
    planSync(zxid(7, 255), windowOf(0, [zxid(1, 1), zxid(1, 2), zxid(1, 3)]), () => true),
    { kind: 'trunc', to: zxid(1, 3) },
  );
});

test('the disk is asked only about what lies before the window', () => {
  const window = windowOf(zxid(2, 3), [zxid(2, 4)]);
  const asked: string[] = [];
  const ask = (of: number): boolean => {
    asked.push(text(of));
    return true;
  };
  assert.deepEqual(planSync(zxid(2, 1), window, ask), { kind: 'disk', from: zxid(2, 1) });
  assert.deepEqual(planSync(zxid(2, 3), window, ask), { kind: 'diff', from: zxid(2, 3) });
  assert.deepEqual(planSync(zxid(2, 9), window, ask), { kind: 'trunc', to: zxid(2, 4) });
  assert.deepEqual(asked, ['(2,1)']);
});
