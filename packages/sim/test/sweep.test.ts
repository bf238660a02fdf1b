import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addCounts, noCounts } from '../src/counts.ts';
import { runSeed } from '../src/run.ts';
import { rangeOf, sweep } from '../src/sweep.ts';

const OPTIONS = { seed: 0, minutes: 0.2, voters: 3 };

it('a range of seeds on two threads adds up to what its seeds come to one by one', async () => {
  const lines: string[] = [];
  const code = await sweep({ first: 5, last: 8, jobs: 2, forMs: 0, options: OPTIONS }, (line) => lines.push(line));
  assert.equal(code, 0, lines.join('\n'));
  const sum = noCounts();
  for (let seed = 5; seed <= 8; seed++) addCounts(sum, runSeed({ ...OPTIONS, seed }).counts);
  assert.match(lines[0] ?? '', /^seeds 5 to 8: 4 seeds of 4 .* 0 failed$/);
  for (const [key, value] of Object.entries(sum)) {
    if (key !== 'simulatedMicros')
      assert.ok(lines.includes(`  ${key} ${value}`), `${key} ${value}: ${lines.join('\n')}`);
  }
});

it('a range that takes too long is ended between two seeds', async () => {
  const lines: string[] = [];
  const code = await sweep({ first: 5, last: 1000, jobs: 1, forMs: 1, options: OPTIONS }, (line) => lines.push(line));
  assert.equal(code, 0);
  assert.match(lines[0] ?? '', /^seeds 5 to [45]: [01] seeds of 996 /);
});

it('a range is two numbers that grow', () => {
  assert.deepEqual(rangeOf('7:20'), { first: 7, last: 20 });
  for (const text of ['20:7', '7', '7:', 'a:b']) assert.equal(rangeOf(text), null);
});
