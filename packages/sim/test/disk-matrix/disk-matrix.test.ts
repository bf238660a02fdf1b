import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, FAULTS, kindOf, nameOf, ROLES, reasonUnwritten } from '../../src/disk-matrix/cell.ts';
import { allCells, sliceOf } from '../../src/disk-matrix/command.ts';
import { Report } from '../../src/disk-matrix/report.ts';
import { stagedFiles, tryCell } from '../../src/disk-matrix/trial.ts';

const cells = allCells();

const BESIDE = [
  'acceptedEpoch',
  'currentEpoch',
  'headkeeper.epochs',
  'headkeeper.origin',
  'headkeeper.session-key',
  'myid',
];
const HISTORY = ['headkeeper.logged', 'log', 'log', 'log', 'snapshot', 'snapshot', 'snapshot'];
const KINDS = {
  leader: [...BESIDE, ...HISTORY, 'zoo.cfg', 'zoo.cfg.bak', 'zoo.cfg.dynamic'],
  follower: [...BESIDE, ...HISTORY, 'zoo.cfg', 'zoo.cfg.bak', 'zoo.cfg.dynamic'],
  mending: [...BESIDE, 'headkeeper.install', 'headkeeper.rebuilding', 'set aside', 'snapshot', 'snapshot'],
} as const;

test('every used block of every file has every fault, for all roles', () => {
  for (const role of ROLES) {
    const files = stagedFiles(role);
    for (const file of files) {
      for (let block = 0; block * BLOCK_BYTES < file.usedBytes; block++) {
        const found = cells.filter(
          (cell) => cell.role === role && cell.file.path === file.path && cell.block === block,
        );
        assert.deepEqual([...new Set(found.map(({ fault }) => fault))], [...FAULTS], `${role} ${file.path} ${block}`);
      }
    }
    const kinds = files.map(({ path }) => kindOf(path));
    for (const kind of KINDS[role]) {
      const at = kinds.indexOf(kind);
      assert.notEqual(at, -1, `${role} ${kind}`);
      kinds.splice(at, 1);
    }
  }
  assert.equal(new Set(cells.map(nameOf)).size, cells.length);
});

test('slices have every cell once', () => {
  const slices = [1, 2, 3].flatMap((i) => sliceOf(cells, `${i}/3`) ?? []);
  assert.deepEqual(slices.map(nameOf).sort(), cells.map(nameOf).sort());
  assert.equal(sliceOf(cells, '4/3'), null);
  assert.equal(sliceOf(cells, 'x'), null);
});

test('files are known by the names that they have while they are written, too', () => {
  assert.equal(kindOf('/log/version-2/spare-log'), 'log');
  assert.equal(kindOf('/log/version-2/log.100000001'), 'log');
  assert.equal(kindOf('/data/version-2/tmp-snapshot-20000003-0'), 'snapshot');
  assert.equal(kindOf('/data/version-2/acceptedEpoch.tmp'), 'acceptedEpoch');
  assert.equal(kindOf('/conf/zoo.cfg.dynamic.next.tmp'), 'zoo.cfg.dynamic');
  assert.equal(reasonUnwritten('/log/version-2/log.1'), null);
  assert.notEqual(reasonUnwritten('/data/myid'), null);
});

test('cells have their outcomes', () => {
  const outcome = (role: string, kind: string, fault: string, moment: string): string => {
    const cell = cells.find(
      (each) => each.role === role && kindOf(each.file.path) === kind && each.fault === fault && each.moment === moment,
    );
    assert.ok(cell);
    const result = tryCell(cell);
    const report = new Report();
    report.add(cell, result);
    assert.equal(report.wrong, 0, result.words);
    return result.outcome;
  };
  assert.equal(outcome('leader', 'log', 'zeros', 'behind'), 'recovered');
  assert.equal(outcome('follower', 'snapshot', 'EIO', 'running'), 'recovered');
  assert.equal(outcome('leader', 'log', 'ENOSPC', 'running'), 'stopped safely');
  assert.equal(outcome('follower', 'myid', 'junk', 'together'), 'stopped safely');
  assert.equal(outcome('leader', 'headkeeper.origin', 'ENOSPC', 'running'), 'unreached');
  assert.equal(outcome('mending', 'headkeeper.rebuilding', 'junk', 'together'), 'recovered');
});

test('a cell is the same each time', () => {
  const [cell] = cells;
  assert.ok(cell);
  const [first, second] = [1, 2].map(() => {
    const lines: string[] = [];
    tryCell(cell, (line) => lines.push(line));
    return lines;
  });
  assert.deepEqual(first, second);
  assert.ok((first?.length ?? 0) > 100);
});
