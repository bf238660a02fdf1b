import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Metric } from '../../../src/admin/metrics/metric.ts';
import { expositionText, familiesOf, QuantileWindow } from '../../../src/admin/metrics/prometheus.ts';
import { observed } from '../sample-status.ts';

const MINUTE = 60_000;

function textOf(...metrics: readonly Metric[]): string {
  return expositionText(familiesOf(metrics, new QuantileWindow(() => 0)));
}

test('a gauge, a counter and two kinds of summary, as the Java client library 0.9 writes them', () => {
  assert.equal(
    textOf(
      { kind: 'gauge', name: 'watch_count', value: 3 },
      { kind: 'counter', name: 'snap_count', value: 2 },
      { kind: 'summary', name: 'fsynctime', of: observed(1, 2, 9) },
      { kind: 'advanced', name: 'readlatency', of: observed(0, 0, 4) },
    ),
    [
      ...['# HELP watch_count Registered watches', '# TYPE watch_count gauge', 'watch_count 3'],
      ...[
        '# HELP snap_count Learners brought up to date by the whole state',
        '# TYPE snap_count counter',
        'snap_count 2',
      ],
      ...['# HELP fsynctime Syncs of the log, ms', '# TYPE fsynctime summary', 'fsynctime{quantile="0.5"} 2'],
      ...['fsynctime_count 3', 'fsynctime_sum 12'],
      '# HELP readlatency Reads, and pings: from arrival to answer, ms',
      ...['# TYPE readlatency summary', 'readlatency{quantile="0.5"} 0', 'readlatency{quantile="0.9"} 4'],
      ...['readlatency{quantile="0.99"} 4', 'readlatency_count 3', 'readlatency_sum 4', ''],
    ].join('\n'),
  );
});

test('keys are labels of one family, escaped; what was never observed has no quantile', () => {
  const text = textOf(
    { kind: 'summary', name: 'read_per_namespace', key: 'a"\\b', of: observed(70) },
    { kind: 'summary', name: 'read_per_namespace', key: 'c', of: observed() },
    { kind: 'gauge', name: 'unknown_to_the_catalogue', key: 'x\ny', value: 0.5 },
  );
  assert.equal(text.match(/# TYPE read_per_namespace/g)?.length, 1);
  assert.match(text, /^read_per_namespace\{key="a\\"\\\\b",quantile="0\.5"\} 70$/m);
  assert.match(text, /^read_per_namespace\{key="c",quantile="0\.5"\} NaN$/m);
  assert.match(text, /^read_per_namespace_count\{key="c"\} 0$/m);
  assert.match(text, /^unknown_to_the_catalogue\{key="x\\ny"\} 0\.5$/m);
});

test('quantiles tell of the last ten minutes; counts and sums of all time', () => {
  let nowMs = 0;
  const window = new QuantileWindow(() => nowMs);
  const of = observed(100, 100, 100);
  const median = (): number => {
    const [family] = familiesOf([{ kind: 'summary', name: 'fsynctime', of }], window);
    assert.deepEqual(
      family?.samples.map(({ suffix }) => suffix),
      ['', '_count', '_sum'],
    );
    assert.equal(family?.samples[1]?.value, of.count);
    return family?.samples[0]?.value as number;
  };
  assert.ok(Math.abs(median() - 100) <= 3);
  // For ten minutes nothing is forgotten.
  for (; nowMs < 8 * MINUTE; nowMs += MINUTE) assert.ok(Math.abs(median() - 100) <= 3);
  of.add(5);
  assert.ok(Math.abs(median() - 100) <= 3);
  nowMs = 11 * MINUTE;
  assert.equal(median(), 5);
  for (; nowMs < 30 * MINUTE; nowMs += MINUTE) median();
  assert.ok(Number.isNaN(median()));
  of.add(7);
  assert.equal(median(), 7);
});
