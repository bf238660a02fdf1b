import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reader, Writer } from '@headkeeper/protocol';
import { PathSampler } from '../../src/core/statistics/path-sampler.ts';

function at(path: string): Reader {
  const out = new Writer(256);
  out.string(path);
  return new Reader(out.toBytes());
}

const sampler = (changes: Partial<ConstructorParameters<typeof PathSampler>[0]> = {}): PathSampler =>
  new PathSampler({ slots: 3, slotMs: 1000, maxDepth: 2, every: 1, ...changes });

describe('a sample of the paths that are asked for', () => {
  it('counts reads and writes by the beginning of the path, most first', () => {
    const paths = sampler();
    for (let i = 0; i < 3; i++) paths.seen(false, at(`/a/b/c${i}`), 0);
    paths.seen(true, at('/a/b'), 0);
    paths.seen(false, at('/x'), 0);
    assert.deepEqual(paths.top(10, 0).paths, [
      { path: '/a/b', reads: 3, writes: 1 },
      { path: '/x', reads: 1, writes: 0 },
    ]);
    assert.equal(paths.top(1, 0).paths.length, 1);
  });

  it('looks at one request in so many', () => {
    const paths = sampler({ every: 10 });
    for (let i = 0; i < 100; i++) paths.seen(false, at('/a'), 0);
    assert.deepEqual(paths.top(10, 0).paths, [{ path: '/a', reads: 10, writes: 0 }]);
  });

  it('forgets what is older than its slots', () => {
    const paths = sampler();
    paths.seen(false, at('/old'), 0);
    paths.seen(false, at('/new'), 3500);
    assert.deepEqual(
      paths.top(10, 3500).paths.map(({ path }) => path),
      ['/old', '/new'],
    );
    assert.deepEqual(
      paths.top(10, 4500).paths.map(({ path }) => path),
      ['/new'],
    );
    assert.deepEqual(paths.top(10, 9000).paths, []);
  });

  it('holds so many paths and no more', () => {
    const paths = sampler();
    for (let i = 0; i < 1500; i++) paths.seen(false, at(`/n${i}`), 0);
    const { paths: found, others } = paths.top(10_000, 0);
    assert.deepEqual([found.length, others], [1000, 500]);
  });

  it('takes no notice of what is no path, however it lies', () => {
    const paths = sampler();
    for (const bytes of [[], [0, 0], [127, 255, 255, 255, 47], [255, 255, 255, 255], [0, 0, 0, 1, 65]]) {
      paths.seen(false, new Reader(Uint8Array.from(bytes)), 0);
    }
    assert.deepEqual(paths.top(10, 0), { paths: [], others: 0 });
  });
});
