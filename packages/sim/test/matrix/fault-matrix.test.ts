import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultMatrix, reasonAgainst, summarize } from '../../src/matrix/fault-matrix.ts';
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
  const { text, filled, explained, unexplained } = summarize(matrix, ['kill']);
  assert.equal(filled, 1);
  assert.equal(matrix.count('kill', 'looking'), 2);
  assert.equal(filled + explained + unexplained.length, PHASES.length);
  assert.ok(unexplained.includes('kill in leading, idle'));
  assert.match(text, /^\| down \| a \|$/m);
  assert.match(text, /^\| looking \| 2 \|$/m);
  assert.match(text, /^a: a machine that is down/m);
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
