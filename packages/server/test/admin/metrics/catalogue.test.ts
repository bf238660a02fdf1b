import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_BY_NAME, METRICS } from '../../../src/admin/metrics/catalogue.ts';
import { apacheMetrics } from './apache-metrics.ts';

test("every metric of Apache's is in the catalogue, under its type, and says what it tells here", () => {
  const missing: string[] = [];
  for (const [name, type] of apacheMetrics()) {
    if (METRIC_BY_NAME.get(name)?.type !== type) missing.push(`${name}: ${type}`);
  }
  assert.deepEqual(missing, []);
});

test('what the catalogue has beside them is of the process, or ours', () => {
  const theirs = new Set(apacheMetrics().map(([name]) => name));
  const others = [...METRIC_BY_NAME.values()].filter(({ name }) => !theirs.has(name));
  assert.deepEqual(
    others.filter(({ status, place }) => status !== 'ours' && place !== 'Prometheus'),
    [],
  );
});

test('every row has a meaning, and a reason where it is not as on Apache ZooKeeper; no name stands twice', () => {
  const rows = METRICS.flatMap((group) => group.rows);
  assert.equal(rows.length, METRIC_BY_NAME.size);
  for (const { name, meaning, status, why } of rows) {
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.match(meaning, /^[^\\\n]{6,}$/, name);
    assert.equal(why !== '', status === 'different' || status === 'not applicable', name);
  }
});
