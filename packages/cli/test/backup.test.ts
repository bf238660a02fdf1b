import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Finished, finished, headkeeper, start, vectorFile } from './headkeeper-process.ts';

const APACHE_DIR = path.dirname(path.dirname(vectorFile('datadir-alltypes/data/version-2/snapshot.0')));
const LAST = '0x10000003f';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-backup-'));
const dataDir = path.join(folder, 'data');
const target = path.join(folder, 'backup');
let made: Finished;

before(async () => {
  cpSync(APACHE_DIR, dataDir, { recursive: true });
  made = await headkeeper(['backup', 'now', '--data-dir', dataDir, '--target', target, '--json']);
});
after(() => rmSync(folder, { recursive: true }));

function jsonOf(result: Finished): Record<string, unknown> {
  assert.equal(result.stderr, '');
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

/** A copy of the backup, to be spoilt. */
function copied(name: string): string {
  const copy = path.join(folder, name);
  cpSync(target, copy, { recursive: true });
  return copy;
}

function objects(backup: string, kind: 'full' | 'log', ending: string): string[] {
  return readdirSync(path.join(backup, kind))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => path.join(backup, kind, name));
}

async function refused(words: readonly string[], code: number, message: RegExp): Promise<void> {
  const result = await headkeeper(words);
  assert.match(result.stderr, message);
  assert.equal(result.code, code, result.stderr);
  assert.doesNotMatch(result.stderr, /\n {4}at /);
}

describe('backup now', () => {
  it('backs up a data directory with all of its log', () => {
    assert.equal(made.code, 0, made.stderr);
    const { zxid, historyFrom, txns, full } = jsonOf(made);
    assert.deepEqual([zxid, historyFrom, txns], [LAST, '0x0', 63]);
    assert.deepEqual((full as { znodes: number }).znodes, 34);
  });

  it('says what is missing', async () => {
    await refused(['backup', 'now', '--data-dir', dataDir], 2, /say which backup: --config zoo\.cfg, or --target/);
    await refused(['backup', 'now', '--target', target], 2, /say what to back up: --data-dir, or --server/);
    await refused(
      ['backup', 'now', '--data-dir', folder, '--target', target],
      3,
      /is no data directory: it has no folder version-2/,
    );
    await refused(
      ['backup', 'now', '--data-dir', dataDir, '--target', 'ftp://x'],
      40,
      /of the kind "ftp:" is not known/,
    );
  });

  it('takes target, directories and key from the configuration of a server', async () => {
    const keyFile = path.join(folder, 'key');
    writeFileSync(keyFile, 'ab'.repeat(32));
    const config = path.join(folder, 'zoo.cfg');
    const url = path.join(folder, 'configured');
    writeFileSync(
      config,
      `dataDir=${dataDir}\nclientPort=2181\nbackup.target=file://${url}\nbackup.keyFile=${keyFile}\nbackup.compression=none\n`,
    );
    assert.equal(jsonOf(await headkeeper(['backup', 'now', '--config', config, '--json'])).zxid, LAST);
    assert.equal(jsonOf(await headkeeper(['backup', 'list', '--config', config, '--json'])).encrypted, true);
    await refused(['backup', 'list', '--target', url], 41, /is encrypted/);
    writeFileSync(keyFile, 'cd'.repeat(32));
    await refused(['restore', '--config', config, '--data-dir', path.join(folder, 'r')], 41, /key/);
    const without = path.join(folder, 'without.cfg');
    writeFileSync(without, `dataDir=${dataDir}\nclientPort=2181\n`);
    await refused(['backup', 'list', '--config', without], 2, /names no backup: set backup\.target/);
  });
});

describe('backup list, verify, status and prune', () => {
  it('list what there is and what can be restored', async () => {
    const listed = jsonOf(await headkeeper(['backup', 'list', '--target', target, '--json']));
    assert.deepEqual(
      (listed.fulls as { zxid: string }[]).map(({ zxid }) => zxid),
      ['0x0', LAST],
    );
    const [range] = listed.restorable as { from: string; to: string }[];
    assert.deepEqual([range?.from, range?.to, listed.gaps], ['0x0', LAST, []]);
    const text = await headkeeper(['backup', 'list', '--target', target]);
    assert.match(text.stdout, /2 full backups, 1 piece of log/);
    assert.match(text.stdout, /0x0 +0x10000003f/);
  });

  it('verify everything, and name what is damaged', async () => {
    const { sound, txns, newestRestorable } = jsonOf(
      await headkeeper(['backup', 'verify', '--target', target, '--json']),
    );
    assert.deepEqual([sound, txns, newestRestorable], [true, 63, LAST]);
    const spoilt = copied('spoilt');
    const [log] = objects(spoilt, 'log', '.log.gz');
    const bytes = readFileSync(log!);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(log!, bytes);
    const result = await headkeeper(['backup', 'verify', '--target', spoilt]);
    assert.equal(result.code, 41);
    assert.ok(result.stdout.includes(path.basename(log!)), result.stdout);
    assert.match(result.stderr, /problems? found in/);
  });

  it('show a gap', async () => {
    const holed = copied('holed');
    for (const file of objects(holed, 'log', '')) unlinkSync(file);
    const listed = await headkeeper(['backup', 'list', '--target', holed, '--json']);
    const ranges = (jsonOf(listed).restorable as { from: string; to: string }[]).map(({ from, to }) => [from, to]);
    assert.deepEqual(
      ranges.sort(),
      [
        ['0x0', '0x0'],
        [LAST, LAST],
      ].sort(),
    );
    await refused(
      ['restore', '--target', holed, '--data-dir', path.join(folder, 'r'), '--to-zxid', '0x100000005'],
      42,
      /does not hold zxid 0x100000005[\s\S]*What can be restored:\n {2}0x/,
    );
  });

  it('tell how far the backup is', async () => {
    const status = await headkeeper(['backup', 'status', '--target', target, '--json']);
    const { ok, target: seen } = jsonOf(status) as { ok: boolean; target: { zxid: string; fulls: number } };
    assert.deepEqual([ok, seen.zxid, seen.fulls], [true, LAST, 2]);
    await refused(['backup', 'status', '--target', path.join(folder, 'nowhere')], 41, /There is no backup in/);
  });

  it('prune what need not be kept, after asking', async () => {
    const pruned = copied('pruned');
    await refused(['backup', 'prune', '--target', pruned], 2, /say what to keep/);
    await refused(
      ['backup', 'prune', '--target', pruned, '--keep-count', '1'],
      2,
      /there is no terminal to ask on: say --yes/,
    );
    const looked = await headkeeper(['backup', 'prune', '--target', pruned, '--keep-count', '1', '--dry-run']);
    assert.match(looked.stdout, /1 full backup, 1 piece of log .* can go/);
    assert.equal(objects(pruned, 'full', '.json').length, 2);
    const done = await headkeeper(['backup', 'prune', '--target', pruned, '--keep-count', '1', '--yes', '--json']);
    assert.equal(jsonOf(done).removed, true);
    assert.deepEqual([objects(pruned, 'full', '.json').length, objects(pruned, 'log', '').length], [1, 0]);
  });
});

describe('restore', () => {
  it('puts the latest state into an empty directory, and nothing over anything', async () => {
    const into = path.join(folder, 'latest');
    const dry = jsonOf(await headkeeper(['restore', '--target', target, '--data-dir', into, '--dry-run', '--json']));
    assert.deepEqual([dry.zxid, dry.znodes, dry.sessions, dry.written], [LAST, 34, 2, null]);
    assert.throws(() => readdirSync(into), /ENOENT/);
    const { written } = jsonOf(await headkeeper(['restore', '--target', target, '--data-dir', into, '--json']));
    const files = readdirSync(path.join(into, 'version-2')).map((name) => name.replace(/\..*/, ''));
    assert.equal((written as { epoch: number }).epoch, 257);
    assert.deepEqual(files.sort(), ['acceptedEpoch', 'currentEpoch', 'headkeeper', 'log', 'snapshot']);
    await refused(
      ['restore', '--target', target, '--data-dir', into],
      3,
      /is not empty: it holds version-2\/acceptedEpoch/,
    );
  });

  it('serves a whole ensemble, each with its number and the same history', async () => {
    const into = path.join(folder, 'ensemble');
    await headkeeper(['restore', '--target', target, '--data-dir', into, '--servers', '1,2,3']);
    const contents = [1, 2, 3].map((sid) => {
      assert.equal(readFileSync(path.join(into, String(sid), 'myid'), 'utf8'), `${sid}\n`);
      const version = path.join(into, String(sid), 'version-2');
      return readdirSync(version)
        .sort()
        .map((name) => [name, readFileSync(path.join(version, name), 'hex')]);
    });
    assert.deepEqual(contents[1], contents[0]);
    assert.deepEqual(contents[2], contents[0]);
  });

  it('goes to a zxid, a time, and before a change', async () => {
    const into = path.join(folder, 'points');
    const dry = async (...words: string[]): Promise<Record<string, unknown>> =>
      jsonOf(await headkeeper(['restore', '--target', target, '--data-dir', into, '--dry-run', '--json', ...words]));
    assert.equal((await dry('--to-zxid', '0x100000005')).zxid, '0x100000005');
    assert.equal((await dry('--to', '0x100000005')).zxid, '0x100000005');
    const log = await headkeeper(['inspect', 'log', path.join(dataDir, 'version-2/log.100000001'), '--json']);
    const txns = log.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { zxid: string; time: string; op: string; body: { path: string } });
    const deleted = txns.findIndex(({ op }) => op === 'delete');
    const { zxid } = await dry('--before', `path=${txns[deleted]!.body.path} op=delete`);
    assert.equal(zxid, txns[deleted - 1]!.zxid);
    const later = txns.findIndex(({ time }) => time > txns[9]!.time);
    assert.equal((await dry('--to-time', txns[9]!.time)).zxid, txns[later - 1]!.zxid);
    await refused(
      ['restore', '--target', target, '--data-dir', into, '--before', 'path=/none op=delete'],
      42,
      /holds no delete of \/none/,
    );
  });

  it('can go on at the very zxid', async () => {
    const into = path.join(folder, 'same');
    const { written } = jsonOf(
      await headkeeper(['restore', '--target', target, '--data-dir', into, '--no-bump-epoch', '--json']),
    ) as { written: Record<string, unknown> };
    assert.deepEqual([written.snapshotZxid, written.lastZxid, written.sessionsEnded], [LAST, LAST, 0]);
  });

  it('refuses what makes no sense', async () => {
    const to = ['restore', '--target', target, '--data-dir', path.join(folder, 'x')];
    await refused(['restore', '--target', target], 2, /say where the data goes: --data-dir/);
    await refused(
      [...to, '--to-zxid', '0x1', '--to', 'latest'],
      2,
      /give one of --to, --to-zxid, --to-time and --before/,
    );
    await refused([...to, '--to-zxid', '12:00'], 2, /is no point in time|expected a zxid/);
    await refused([...to, '--before', 'op=delete'], 2, /expected path=/);
    await refused([...to, '--servers', '1,1'], 2, /Expected different server ids/);
    await refused([...to, '--bump-epoch', '2097151'], 2, /the greatest that zxids can hold/);
    await refused(['restore', '--path', '/config', '--target', target], 2, /--path needs --server/);
  });

  it('refuses a backup of a newer format, and one with a hole, before it writes anything', async () => {
    const newer = copied('newer');
    const head = path.join(newer, 'headkeeper-backup.json');
    writeFileSync(head, readFileSync(head, 'utf8').replace(/"format": ?1/, '"format":99'));
    const into = path.join(folder, 'never');
    await refused(['restore', '--target', newer, '--data-dir', into], 41, /format/);
    const damaged = copied('damaged');
    for (const full of objects(damaged, 'full', '.snapshot.gz')) writeFileSync(full, 'nothing');
    await refused(['restore', '--target', damaged, '--data-dir', into], 41, /snapshot/);
    assert.throws(() => readdirSync(into), /ENOENT/);
  });

  it('removes what an interrupted restore has left', async () => {
    const into = path.join(folder, 'again');
    mkdirSync(path.join(into, 'version-2.restoring'), { recursive: true });
    writeFileSync(path.join(into, 'version-2.restoring', 'snapshot.1'), 'half of it');
    assert.equal((await headkeeper(['restore', '--target', target, '--data-dir', into])).code, 0);
    assert.deepEqual(readdirSync(into).sort(), ['headkeeper.origin', 'version-2']);
  });
});

describe('how far a backup is behind', () => {
  let server: Server;
  let address = '';
  let backup: object = {};
  let zxid = 0;

  before(async () => {
    server = createServer((request, response) => {
      const isStats = request.url?.startsWith('/commands/server_stats') === true;
      response.end(JSON.stringify(isStats ? { server_stats: { last_processed_zxid: zxid } } : backup));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const status = (...words: string[]): Promise<Finished> =>
    headkeeper(['backup', 'status', '--server', address, ...words]);
  const ships = (lagMs: number): object => ({ target, duty: 'shipping', lag_ms: lagMs, failures_in_a_row: 0 });

  it('is a failure from a limit on, as the server that ships tells it', async () => {
    zxid = Number(LAST);
    backup = ships(4000);
    assert.equal((await status()).code, 0);
    const good = await status('--max-lag', '4s', '--json');
    assert.deepEqual([good.code, (jsonOf(good) as { lagMs: number }).lagMs], [0, 4000]);
    for (const words of [[], ['--target', target]]) {
      const late = await status('--max-lag', '3999ms', ...words);
      assert.equal(late.code, 43);
      assert.match(late.stderr, /is behind by 4\.0 s, more than 4\.0 s/);
    }
  });

  it('is told by the target when another server ships, or an Apache server is asked', async () => {
    for (const other of [{ target, duty: 'standby', lag_ms: 0 }, { command: 'backup' }]) {
      backup = other;
      zxid = Number(LAST);
      assert.equal((await status('--target', target, '--max-lag', '0s')).code, 0);
      zxid = Number(LAST) + 1;
      const late = await status('--target', target, '--max-lag', '0s');
      assert.deepEqual([late.code, /is behind by .*, more than 0\.0 s/.test(late.stderr)], [43, true], late.stderr);
      assert.equal((await status('--target', target, '--max-lag', '1h')).code, 0);
      // An epoch in which nothing has happened.
      zxid = 0x200000000;
      assert.equal((await status('--target', target, '--max-lag', '0s')).code, 0);
    }
  });

  it('is a failure when nobody can tell, and a mistake without a server or a unit', async () => {
    backup = { target, duty: 'standby', lag_ms: 0, failures_in_a_row: 0 };
    const nobody = await status('--max-lag', '1h');
    assert.equal(nobody.code, 43);
    assert.match(
      nobody.stderr,
      /nobody tells how far the backup is behind: .* does not ship itself\. Ask the server that/,
    );
    await refused(['backup', 'status', '--target', target, '--max-lag', '1s'], 2, /--max-lag needs --server/);
    await refused(['backup', 'status', '--target', target, '--max-lag', '10'], 2, /Expected a time such as 500ms, 30s/);
  });

  it('ends a watch', async () => {
    backup = ships(10);
    const watch = start(['backup', 'watch', '--server', address, '--max-lag', '1s']);
    const end = finished(watch);
    await new Promise<void>((resolve) => {
      watch.stdout?.on('data', () => {
        backup = ships(1001);
        resolve();
      });
    });
    const { code, stdout, stderr } = await end;
    assert.equal(code, 43, stderr);
    assert.match(stderr, /is behind by 1\.0 s, more than 1\.0 s/);
    assert.match(
      stdout,
      /^\S+ {2}server \S+ {2}lag 0\.0 s {2}ok\n\S+ {2}server \S+ {2}lag 1\.0 s {2}the backup of http\S+ is behind .*\n$/,
    );
  });
});

describe('backup now of a running server', () => {
  let server: Server;
  let address = '';
  let answer: (auth: string | undefined) => { status: number; headers: Record<string, string>; body: Buffer | string };

  before(async () => {
    server = createServer((request, response) => {
      const { status, headers, body } = answer(request.headers.authorization);
      response.writeHead(status, headers);
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  it('keeps the snapshot that its AdminServer sends', async () => {
    const file = vectorFile('datadir-alltypes/data/version-2/snapshot.10000003f');
    let seen: string | undefined;
    answer = (auth) => {
      seen = auth;
      return { status: 200, headers: { last_zxid: LAST }, body: readFileSync(file) };
    };
    const kept = path.join(folder, 'streamed');
    const words = ['backup', 'now', '--server', address, '--auth', 'digest:root:secret', '--target', kept];
    const report = jsonOf(await headkeeper([...words, '--json']));
    assert.deepEqual([report.zxid, seen], [LAST, 'digest root:secret']);
    const { sound } = jsonOf(await headkeeper(['backup', 'verify', '--target', kept, '--json']));
    assert.equal(sound, true);
  });

  it('is exported with its containers and TTL znodes', async () => {
    const file = vectorFile('datadir-alltypes/data/version-2/snapshot.10000003f');
    answer = () => ({ status: 200, headers: { last_zxid: LAST }, body: readFileSync(file) });
    const live = await headkeeper(['export', '/', '--server', address, '--auth', 'digest:root:secret']);
    const past = await headkeeper(['export', '/', '--data-dir', dataDir]);
    assert.deepEqual([live.code, live.stderr], [0, '']);
    const znodes = (result: Finished): { kind: string }[] =>
      (JSON.parse(result.stdout) as { znodes: { kind: string }[] }).znodes;
    assert.deepEqual(znodes(live), znodes(past));
    const kinds = new Set(znodes(live).map(({ kind }) => kind));
    assert.ok(kinds.has('container') && kinds.has('ttl'), [...kinds].join());
    answer = () => ({ status: 200, headers: { last_zxid: '0x10000003e' }, body: readFileSync(file) });
    const mixed = await headkeeper(['export', '/', '--server', address]);
    assert.match(mixed.stderr, /the tree changed while the server sent it/);
    answer = () => ({ status: 200, headers: { last_zxid: LAST }, body: readFileSync(file).subarray(0, 3000) });
    await refused(['export', '/', '--server', address], 20, /is no whole snapshot/);
    answer = () => ({ status: 401, headers: {}, body: '' });
    await refused(['export', '/', '--server', address], 20, /with 401: give --auth/);
  });

  it('refuses a snapshot that is of no one zxid', async () => {
    const file = vectorFile('datadir-alltypes/data/version-2/snapshot.10000003f');
    const cut = readFileSync(file).subarray(0, 3000);
    const kept = path.join(folder, 'fuzzy');
    const words = ['backup', 'now', '--server', address, '--target', kept];
    answer = () => ({ status: 200, headers: { last_zxid: LAST }, body: cut });
    await refused(words, 3, /is no whole snapshot/);
  });

  it("tells the server's reasons, and no password", async () => {
    const words = [
      'backup',
      'now',
      '--server',
      address,
      '--auth',
      'digest:root:secret',
      '--target',
      path.join(folder, 'no'),
    ];
    for (const [status, body, message] of [
      [401, '', /with 401: give --auth digest:user:password/],
      [403, JSON.stringify({ error: 'not root' }), /refuses \/commands\/snapshot with 403: not root \(these/],
      [429, '', /asked too recently/],
    ] as const) {
      answer = () => ({ status, headers: {}, body });
      const result = await headkeeper(words);
      assert.equal(result.code, 20);
      assert.match(result.stderr, message);
      assert.doesNotMatch(result.stderr, /secret/);
    }
  });

  it('asks a server to make one itself', async () => {
    answer = () => ({ status: 202, headers: {}, body: '{}' });
    const result = await headkeeper(['backup', 'now', '--server', address]);
    assert.match(result.stdout, /makes a full backup now/);
    assert.equal(result.code, 0);
  });
});
