import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readProperties } from '../../src/config/properties.ts';

function pairs(text: string): string[][] {
  return readProperties(text).map(({ key, value }) => [key, value]);
}

describe('the Java properties syntax', () => {
  it('reads the three separators and trims both sides', () => {
    assert.deepEqual(pairs('a=1\n b : 2 \n\tc   3\t\nd = = x\ne'), [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '= x'],
      ['e', ''],
    ]);
  });

  it('leaves out blank lines and both kinds of comment, however indented', () => {
    assert.deepEqual(pairs('# a=1\n  ! b=2\n\n   \nc=3 # not a comment'), [['c', '3 # not a comment']]);
  });

  it('joins continued lines and drops the blanks that the next one begins with', () => {
    assert.deepEqual(pairs('a=1,\\\n    2,\\\r\n\t3\nb=4\\\\\nc=5\\'), [
      ['a', '1,2,3'],
      ['b', '4\\'],
      ['c', '5'],
    ]);
  });

  it('does not continue a comment', () => {
    assert.deepEqual(pairs('# one \\\na=1'), [['a', '1']]);
  });

  it('resolves escapes, also in keys', () => {
    assert.deepEqual(pairs('a\\ b\\=c=\\u0041\\t\\q\nd=C\\:\\\\zk'), [
      ['a b=c', 'A\tq'],
      ['d', 'C:\\zk'],
    ]);
  });

  it('refuses a broken unicode escape and names its line', () => {
    assert.throws(() => readProperties('a=1\nb=\\u00g1'), /line 2/);
  });

  it('counts lines by where an entry begins, whatever ends the lines', () => {
    const lines = readProperties('\uFEFFa=1\r\n#\rb=2\\\n3\nc=4').map(({ key, line }) => `${key}${line}`);
    assert.deepEqual(lines, ['a1', 'b3', 'c5']);
  });
});
