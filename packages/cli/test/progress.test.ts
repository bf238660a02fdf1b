import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesText, countText, durationText, startProgress } from '../src/progress.ts';

/** A clock that stands still until it is moved, and what was written. */
function bench(isTTY: boolean): { clock: { ms: number }; text: () => string; options: object } {
  const clock = { ms: 1000 };
  let text = '';
  const stream = {
    isTTY,
    columns: 120,
    write(piece: string) {
      text += piece;
      return true;
    },
  };
  return { clock, text: () => text, options: { stream, now: () => clock.ms } };
}

describe('progress', () => {
  it('says nothing of work that takes less than a second', () => {
    for (const isTTY of [true, false]) {
      const { clock, text, options } = bench(isTTY);
      const progress = startProgress('reading', 'bytes', 100, options);
      clock.ms += 999;
      progress.at(99);
      progress.end();
      assert.equal(text(), '');
    }
  });

  it('writes a line every five seconds where there is no terminal, with rate and remaining time', () => {
    const { clock, text, options } = bench(false);
    const progress = startProgress('reading', 'bytes', 100_000_000, options);
    for (let step = 1; step <= 80; step++) {
      clock.ms += 100;
      progress.at(step * 1_000_000);
    }
    progress.end();
    assert.deepEqual(text().trimEnd().split('\n'), [
      'reading: 10% of 100 MB, 10.0 MB/s, 9.0 s left',
      'reading: 60% of 100 MB, 10.0 MB/s, 4.0 s left',
    ]);
  });

  it('shows the rate of late, not of all the time', () => {
    const { clock, text, options } = bench(false);
    const progress = startProgress('reading', 'znodes', null, options);
    let done = 0;
    for (let second = 1; second <= 21; second++) {
      clock.ms += 1000;
      done += second <= 5 ? 100_000 : 1000;
      progress.at(done);
    }
    progress.end();
    const last = text().trimEnd().split('\n').at(-1) ?? '';
    assert.match(last, /^reading: 5\d\d,000 znodes, 1,000 znodes\/s$/);
  });

  it('draws a bar on a terminal', () => {
    const { clock, text, options } = bench(true);
    const progress = startProgress('reading', 'txns', 10, options);
    clock.ms += 2000;
    progress.at(4);
    progress.end();
    assert.match(text(), /reading \[=+ +\] 40% of 10 txns, 2 txns\/s, 3\.0 s left/);
  });
});

describe('amounts for people', () => {
  it('have units', () => {
    assert.deepEqual([0, 999, 1000, 1_449_000, 99_960_000, 999_960_000, 5e13].map(bytesText), [
      '0 B',
      '999 B',
      '1.0 kB',
      '1.4 MB',
      '100 MB',
      '1.0 GB',
      '50.0 TB',
    ]);
    assert.deepEqual([0, 999, 1000, 1234567].map(countText), ['0', '999', '1,000', '1,234,567']);
    assert.deepEqual([400, 9940, 12_000, 200_000, 18_120_000, 273_600_000].map(durationText), [
      '0.4 s',
      '9.9 s',
      '12 s',
      '3 min 20 s',
      '5 h 02 min',
      '3 d 4 h',
    ]);
  });
});
