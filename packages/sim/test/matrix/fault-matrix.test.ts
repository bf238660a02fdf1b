import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultMatrix, summarize } from '../../src/matrix/fault-matrix.ts';
import { IMPOSSIBLE, reasonAgainst } from '../../src/matrix/impossible.ts';
import { PASSING_PHASES, PHASES } from '../../src/matrix/phase.ts';
import { INJECTED_FAULTS } from '../../src/plan/fault-injector.ts';
import { runSeed } from '../../src/run.ts';

test('the matrix has at least 300 cells, most of which a fault can strike', () => {
  const open = PHASES.flatMap((phase) => INJECTED_FAULTS.filter((fault) => reasonAgainst(fault, phase) === null));
  assert.ok(PHASES.length * INJECTED_FAULTS.length >= 300);
  assert.ok(open.length >= 300, `${open.length} cells`);
});

test('a cell that is empty without a reason is named, one with a reason is explained', () => {
  const matrix = new FaultMatrix();
  matrix.struck('kill', 'looking');
  const other = new FaultMatrix();
  other.struck('kill', 'looking');
  matrix.add(other);
  const { text, filled, explained, unexplained, contradicted } = summarize(matrix, ['kill']);
  assert.equal(filled, 1);
  assert.equal(matrix.count('kill', 'looking'), 2);
  assert.equal(filled + explained + unexplained.length, PHASES.length);
  assert.ok(unexplained.some(({ fault, phase }) => fault === 'kill' && phase === 'leading, idle'));
  assert.deepEqual(contradicted, []);
  assert.match(text, /^\| down \| a \|$/m);
  assert.match(text, /^\| looking \| 2 \|$/m);
  assert.match(text, /^a: a machine that is down/m);
});

test('a cell that is struck though it has a reason for being empty contradicts that reason', () => {
  const matrix = new FaultMatrix();
  matrix.struck('kill', 'down');
  matrix.struck('kill', 'looking');
  assert.deepEqual(summarize(matrix, ['kill']).contradicted, [{ fault: 'kill', phase: 'down' }]);
});

test('each reason is one for at least one cell, of faults that there are', () => {
  for (const { faults, phases, reason } of IMPOSSIBLE) {
    for (const fault of faults ?? []) assert.ok(INJECTED_FAULTS.includes(fault), fault);
    const some = faults ?? INJECTED_FAULTS;
    assert.ok(
      PHASES.some((phase) => phases.test(phase) && some.some((fault) => reasonAgainst(fault, phase) === reason)),
      reason,
    );
  }
});

test('faults that are aimed at a phase strike there', () => {
  const aim = 'following, DIFF';
  assert.ok(PASSING_PHASES.includes(aim));
  let struck = 0;
  for (let seed = 1; seed <= 3; seed++) {
    const { faults, failure } = runSeed({ seed, minutes: 1, voters: 3, observers: 0, profile: 'sync', aim });
    assert.equal(failure, null);
    for (const fault of INJECTED_FAULTS) struck += faults.matrix.count(fault, aim);
  }
  assert.ok(struck >= 3, `${struck}`);
});

test('what is aimed can be one fault alone', () => {
  const aim = 'following, epoch accepted';
  const { faults } = runSeed({
    seed: 1,
    minutes: 1,
    voters: 3,
    observers: 0,
    profile: 'sync',
    aim,
    strike: 'clockStep',
  });
  assert.ok(faults.matrix.count('clockStep', aim) > 0);
});
