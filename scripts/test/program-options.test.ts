import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../../..');

function limits(...words: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ['bench/dist/limits.js', ...words], { cwd: ROOT, encoding: 'utf8' });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

describe('programs that are started by hand', () => {
  it('print their usage with --help, and do nothing', () => {
    const { code, out, err } = limits('--storms', '--help');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^Limits and overload:/);
    assert.match(out, /^ {2}node bench\/dist\/limits\.js \[--idle\]/m);
  });

  for (const [words, why] of [
    [['--no-such-thing'], /^Unknown option '--no-such-thing'/],
    [['word'], /^Unexpected argument 'word'/],
    [['--connections', 'many'], /^--connections wants a number from 1 on, not 'many'/],
  ] as const) {
    it(`say what is wrong with ${words.join(' ')}, and how it is to be`, () => {
      const { code, out, err } = limits(...words);
      assert.deepEqual([code, out], [64, '']);
      assert.match(err, why);
      assert.match(err, /node bench\/dist\/limits\.js/);
      assert.doesNotMatch(err, /^ {4}at /m);
    });
  }
});
