import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compare } from '../src/history/compare.ts';
import { DatabaseTree } from '../src/history/database-tree.ts';
import { stateAt } from '../src/history/history-source.ts';
import { readLiveTree } from '../src/history/live-tree.ts';
import { zxidText } from '../src/history/moment.ts';
import { withHistory } from '../src/history/with-history.ts';
import { headkeeper } from './headkeeper-process.ts';
import { content, RecordedHistory, TOP } from './recorded-history.ts';
import { lines, ServedFolder } from './served-folder.ts';

interface Line {
  readonly change: string;
  readonly path: string;
}

describe('the past', () => {
  let served: ServedFolder;
  let history: RecordedHistory;

  async function backUp(): Promise<void> {
    const words = ['backup', 'now', '--data-dir', served.dataDir, '--target', served.file('backup')];
    const { code, stderr } = await headkeeper(words);
    assert.equal(code, 0, stderr);
  }

  before(async () => {
    // Several snapshots and log files, so that the past is put together from more than one.
    served = await ServedFolder.start('snapCount=60');
    history = new RecordedHistory(served, 20260131);
    await history.begin();
    await history.client.create('/elsewhere');
    await history.goOn(4, 40);
    await backUp();
    cpSync(served.file('backup'), served.file('early'), { recursive: true });
    const shipped = history.seen.at(-1)?.zxid ?? 0;
    await history.goOn(4, 40);
    await backUp();
    purgedCopy(shipped);
  });

  /** The data directory as it is when all has been purged that the backup `early` holds: its snapshot and what logs go on. */
  function purgedCopy(shipped: number): void {
    cpSync(served.dataDir, served.file('late'), { recursive: true });
    const folder = path.join(served.file('late'), 'version-2');
    const zxids = (kind: string): number[] =>
      readdirSync(folder)
        .filter((name) => name.startsWith(`${kind}.`))
        .map((name) => Number.parseInt(name.slice(kind.length + 1), 16))
        .sort((a, b) => a - b);
    const first = zxids('log').findLast((zxid) => zxid <= shipped + 1) ?? 0;
    for (const zxid of zxids('log')) if (zxid < first) rmSync(path.join(folder, `log.${zxid.toString(16)}`));
    for (const zxid of zxids('snapshot').slice(0, -1)) rmSync(path.join(folder, `snapshot.${zxid.toString(16)}`));
  }
  after(async () => {
    await history.end();
    await served.remove();
  });

  const sources = (): [string, string[]][] => [
    ['a data directory', ['--data-dir', served.dataDir]],
    ['a backup', ['--target', served.file('backup')]],
    ['both', ['--target', served.file('early'), '--data-dir', served.file('late')]],
  ];
  const optionsOf = (words: readonly string[]) => ({
    ...(words.includes('--target') ? { target: words[words.indexOf('--target') + 1] as string } : {}),
    ...(words.includes('--data-dir') ? { dataDir: words[words.indexOf('--data-dir') + 1] as string } : {}),
  });

  it('is exactly what was, with every stat, by zxid and by time', async () => {
    for (const [name, words] of sources()) {
      await withHistory(optionsOf(words), async (source) => {
        for (const { zxid, timeMs, tree } of history.seen) {
          const at = await source.zxidAt({ kind: 'zxid', zxid });
          const state = new DatabaseTree(await stateAt(source, at));
          assert.deepEqual(content(state, '/'), content(tree, '/'), `${zxidText(zxid)} in ${name}`);
          const byTime = await source.zxidAt({ kind: 'time', ms: timeMs });
          // Other txns can have the same millisecond; none of them is later.
          assert.ok(byTime >= zxid, `${timeMs} in ${name}`);
          const next = history.seen.find((other) => other.timeMs > timeMs);
          assert.ok(next === undefined || byTime < next.zxid);
        }
      });
    }
  });

  it('is compared by diff, from any state to any other', async () => {
    for (const [name, words] of sources()) {
      for (const [from, to] of [
        [0, 7],
        [2, 5],
        [6, 1],
        [3, 3],
      ] as const) {
        const [before, later] = [history.seen[from], history.seen[to]];
        if (before === undefined || later === undefined) throw new Error('not seen');
        const expected = [...compare(before.tree, later.tree, TOP)].map(({ kind, path }) => ({ change: kind, path }));
        const points = [zxidText(before.zxid), zxidText(later.zxid)];
        const { code, stdout, stderr } = await headkeeper(['diff', ...points, TOP, ...words, '--json']);
        assert.equal(code, expected.length === 0 ? 0 : 30, stderr);
        const told = lines<Line>(stdout).map(({ change, path }) => ({ change, path }));
        assert.deepEqual(told, expected, `${points.join(' ')} in ${name}`);
        assert.equal(from === to, expected.length === 0);
      }
    }
  });

  it('is compared with now on a server', async () => {
    const newest = history.seen.at(-1);
    const words = [zxidText(newest?.zxid ?? 0), 'now', '--server', served.address, '--data-dir', served.dataDir];
    const same = await headkeeper(['diff', ...words]);
    assert.equal(same.code, 0, same.stderr);
    assert.match(same.stdout, /^to {3}now on 127\.0\.0\.1:\d+\n0 added, 0 removed, 0 changed\n/m);
    const none = await headkeeper(['diff', 'now', 'now', '/none', '--server', served.address]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /\/none exists in neither of the two states/);
  });

  it('is told by log as one story: each change begins where the last one ended', async () => {
    const stories = new Map<string, string>();
    for (const [name, words] of sources()) {
      const { code, stdout, stderr } = await headkeeper(['log', '/', '--recursive', '--json', ...words]);
      assert.equal(code, 0, stderr);
      const state = new Map<string, string>();
      for (const { path, before: was, after: is } of lines<{ path: string; before: unknown; after: unknown }>(stdout)) {
        assert.equal(JSON.stringify(was), state.get(path) ?? 'null', `${path} in ${name}`);
        if (is === null) state.delete(path);
        else state.set(path, JSON.stringify(is));
      }
      const live = await readLiveTree(history.client, '/');
      const expected = content(live, '/').map((znode) => (znode as [string])[0]);
      assert.deepEqual([...state.keys(), '/'].sort(), expected.sort(), name);
      stories.set(name, stdout);
    }
    assert.equal(stories.get('a backup'), stories.get('a data directory'));
  });

  it('is found by another way when part of a backup is damaged, and that is said', async () => {
    const folder = path.join(served.file('backup'), 'full');
    const fulls = readdirSync(folder)
      .filter((name) => name.includes('.snapshot'))
      .sort();
    const middle = fulls.at(-2);
    assert.ok(fulls.length >= 3 && middle !== undefined, `${fulls}`);
    const file = path.join(folder, middle);
    const whole = readFileSync(file);
    const [, from] = history.seen.slice(-4);
    const words = [
      'log',
      TOP,
      '--recursive',
      '--json',
      '--from',
      zxidText(from?.zxid ?? 0),
      '--target',
      served.file('backup'),
    ];
    const expected = await headkeeper(words);
    try {
      writeFileSync(file, whole.subarray(0, whole.length - 30));
      const damaged = await headkeeper(words);
      assert.equal(damaged.code, 0, damaged.stderr);
      assert.match(damaged.stderr, new RegExp(`${middle.replaceAll('.', '\\.')} is damaged`));
      assert.equal(damaged.stdout, expected.stdout);
      assert.notEqual(damaged.stdout, '');
    } finally {
      writeFileSync(file, whole);
    }
  });

  it('begins where it begins, and log says so when more is asked for', async () => {
    for (const [name, words] of sources()) {
      const all = await headkeeper(['log', ...words, '--json']);
      const { code, stdout, stderr } = await headkeeper(['log', '--from', '2001-01-01', ...words, '--json']);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, all.stdout, name);
      if (name === 'a backup') assert.match(stderr, / begins at 0x0, later than asked for/);
      const early = await headkeeper(['diff', '2001-01-01', 'now', ...words]);
      assert.equal(early.code, name === 'a data directory' ? 30 : 42, early.stderr);
    }
  });

  it('ends where it ends', async () => {
    for (const [, words] of sources()) {
      const { code, stderr } = await headkeeper(['diff', '0xffffff', 'now', ...words]);
      assert.equal(code, 42, stderr);
      assert.match(stderr, /0xffffff/);
    }
  });

  it('is told as one story by a backup and the directory that goes on behind it', async () => {
    const told = async (words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await headkeeper(['log', '--json', ...words]);
      assert.deepEqual([code, stderr], [0, '']);
      return stdout;
    };
    const [, , [, both]] = sources() as [unknown, unknown, [string, string[]]];
    assert.equal(await told(both), await told(['--target', served.file('backup')]));
    // Neither of them has it all.
    const last = zxidText(history.seen.at(-1)?.zxid ?? 0);
    const first = zxidText(history.seen[0]?.zxid ?? 0);
    for (const words of [both.slice(0, 2), both.slice(2)]) {
      assert.equal((await headkeeper(['diff', first, last, ...words])).code, 42, words.join(' '));
    }
  });

  it('is not put together of two histories, nor over a hole', async () => {
    const other = await ServedFolder.start();
    const client = await other.connect();
    const needed = history.seen.at(-1)?.zxid ?? 0;
    for (let i = 0; i < needed; i++) await client.create(`/other-${i}`, null);
    await client.close();
    const words = ['--target', served.file('early'), '--data-dir'];
    const foreign = await headkeeper(['log', ...words, other.dataDir]);
    await other.remove();
    assert.equal(foreign.code, 2, foreign.stderr);
    assert.match(foreign.stderr, /hold different histories: under zxid 0x\w+ each has another transaction/);

    const holed = served.file('holed');
    cpSync(served.file('late'), holed, { recursive: true });
    const logs = readdirSync(path.join(holed, 'version-2')).filter((name) => name.startsWith('log.'));
    logs.sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16));
    assert.ok(logs.length > 1);
    rmSync(path.join(holed, 'version-2', logs[0] as string));
    const behind = Number.parseInt((logs[1] as string).slice(4), 16);
    const inside = await headkeeper(['diff', '0x2', zxidText(behind - 1), ...words, holed]);
    assert.equal(inside.code, 42, inside.stderr);
    const gap = await headkeeper(['diff', '0x2', zxidText(behind), ...words, holed]);
    assert.equal(gap.code, 21, gap.stderr);
    assert.match(gap.stderr, /are missing/);
  });

  it('is found by a configuration: the backup that it names, else the data directory', async () => {
    const plain = served.file('plain.cfg');
    writeFileSync(plain, `dataDir=${served.dataDir}\nclientPort=2181\n`);
    const backedUp = served.file('backed-up.cfg');
    writeFileSync(
      backedUp,
      `dataDir=${served.file('gone')}\nclientPort=2181\nbackup.target=${served.file('backup')}\n`,
    );
    for (const config of [plain, backedUp]) {
      const { code, stdout, stderr } = await headkeeper(['log', TOP, '--config', config]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, / create \/t$/m);
    }
  });
});
