import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, it } from 'node:test';
import { type Acl, validatePath, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import fc from 'fast-check';
import { NO_STAT } from '../src/exchange/exported.ts';
import { readExport } from '../src/exchange/import-file.ts';
import { tarExport } from '../src/exchange/tar-export.ts';
import { jsonExport, yamlExport } from '../src/exchange/text-export.ts';
import { MapTree } from '../src/history/map-tree.ts';
import { childPath, walk, type Znode } from '../src/history/znode.ts';
import { type Finished, headkeeper, start } from './headkeeper-process.ts';
import { bytes, ServedFolder } from './served-folder.ts';

const FORMATS = ['json', 'yaml', 'tar'] as const;
const SECRET_ACL: readonly Acl[] = [
  { perms: 31, scheme: 'digest', id: 'user:hash+/=' },
  { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
];

async function write(file: string, chunks: Iterable<string> | AsyncIterable<Uint8Array>): Promise<void> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk as string));
  writeFileSync(file, Buffer.concat(parts));
}

/** Runs `export` with its standard output in a file. */
async function exported(file: string, ...words: string[]): Promise<Finished> {
  const child = start(['export', ...words]);
  const { stdout } = child;
  if (stdout === null) throw new Error('standard output is not piped');
  const written = pipeline(stdout, createWriteStream(file));
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  await written;
  return { code, stdout: '', stderr };
}

describe('export and import', () => {
  let served: ServedFolder;
  before(async () => {
    served = await ServedFolder.start(
      'zookeeper.DigestAuthenticationProvider.superDigest=super:gG7s8t3oDEtIqF6DM9LlI/R+9Ss=',
    );
    const client = await served.connect();
    await client.create('/app', bytes('text: "with", {signs}\n\tand lines'));
    await client.create('/app/binary', Uint8Array.of(0, 1, 254, 255));
    await client.create('/app/empty', new Uint8Array(0));
    await client.create('/app/null', null);
    await client.create('/app/%data', bytes('null'));
    await client.create('/app/%data/%%meta.json', bytes('- 1'));
    await client.create('/app/ümläut näme', bytes('日本語'));
    await client.create('/app/guarded', bytes('s'), {
      acl: [
        { perms: 31, scheme: 'world', id: 'anyone' },
        { perms: 5, scheme: 'digest', id: 'u:dGVzdA==' },
      ],
    });
    await client
      .transaction()
      .create('/app/c', null, { mode: 'container' })
      .create('/app/ttl', null, { ttlMs: 86_400_000 })
      .commit();
    await client.close();
  });
  after(() => served.remove());

  async function valuesBelow(top: string): Promise<unknown[]> {
    const client = await served.connect();
    const values: unknown[] = [];
    const visit = async (at: string): Promise<void> => {
      const { data } = await client.getData(at);
      values.push([at.slice(top.length), data === null ? null : [...data], (await client.getACL(at)).acl]);
      for (const name of [...(await client.getChildren(at)).children].sort()) await visit(childPath(at, name));
    };
    await visit(top);
    await client.close();
    return values;
  }

  for (const format of FORMATS) {
    it(`brings a subtree of a server over in ${format}`, async () => {
      const file = served.file(`app.${format}`);
      const out = await exported(file, '/app', '--format', format, '--server', served.address);
      assert.equal(out.code, 0, out.stderr);
      const top = `/copy-${format}`;
      const imported = await headkeeper(['import', file, top, '--server', served.address]);
      assert.equal(imported.code, 0, imported.stderr);
      assert.match(imported.stdout, /^10 to create, 0 to delete, 0 to change\n10 changes in 1 transaction\n$/m);
      const values = await valuesBelow(top);
      assert.equal(values.length, 10);
      assert.deepEqual(values, await valuesBelow('/app'));
    });

    it(`keeps containers and TTL znodes of the past in ${format}`, async () => {
      const file = served.file(`past.${format}`);
      const out = await exported(file, '/app', '--format', format, '--data-dir', served.dataDir);
      assert.equal(out.code, 0, out.stderr);
      const znodes = await readExport(file, '/there');
      const kinds = new Map(znodes.map((znode) => [znode.path, [znode.kind, znode.ttlMs]]));
      assert.deepEqual(kinds.get('/there/c'), ['container', null]);
      assert.deepEqual(kinds.get('/there/ttl'), ['ttl', 86_400_000]);
      assert.deepEqual(kinds.get('/there'), ['persistent', null]);
    });
  }

  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 8 })
    .filter((text) => !text.includes('/') && validatePath(`/${text}`) === null);
  const entry = fc.record({
    name: fc.oneof(
      name,
      name.map((text) => `%${text}`),
    ),
    data: fc.oneof(
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary' }).map(bytes),
      fc
        .constantFrom('null', '~', 'true', '0x10', '- a', 'a: b', '"', "'", '# x', ' x ', '\n', '', '1e3', '2026-01-01')
        .map(bytes),
    ),
    acl: fc.constantFrom(WORLD_ANYONE_ALL, SECRET_ACL, [{ perms: 0, scheme: 'sasl', id: '' }]),
    kind: fc.constantFrom('persistent', 'container', 'ttl', 'ephemeral'),
    ttl: fc.integer({ min: 1, max: 2 ** 40 - 1 }),
    above: fc.nat(),
  });

  for (const format of FORMATS) {
    it(`reads back what it writes, whatever it is, in ${format}`, async () => {
      const file = served.file(`random.${format}`);
      await fc.assert(
        fc.asyncProperty(
          fc.array(entry, { maxLength: 12 }),
          fc.constantFrom('/', '/top', '/a/b'),
          async (entries, top) => {
            const tree = treeOf(entries, top);
            const znodes = [...walk(tree, top)];
            const head = {
              format: 'headkeeper-export',
              version: 1,
              path: top,
              source: 'x',
              count: znodes.length,
            } as const;
            if (format === 'tar') await write(file, tarExport(head, znodes, top));
            else await write(file, (format === 'json' ? jsonExport : yamlExport)(head, znodes, top));
            for (const into of [top, '/else/where']) {
              const read = (await readExport(file, into)).sort((a, b) => (a.path < b.path ? -1 : 1));
              const expected = [...walk(treeOf(entries, into), into)].sort((a, b) => (a.path < b.path ? -1 : 1));
              assert.deepEqual(read.map(comparable), expected.map(comparable));
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  }

  it('reads a tar file that was unpacked and packed again', async () => {
    const file = served.file('first.tar');
    await exported(file, '/app', '--format', 'tar', '--server', served.address);
    const folder = served.file('unpacked');
    mkdirSync(folder);
    execFileSync('tar', ['xf', file, '-C', folder]);
    assert.equal(readFileSync(path.join(folder, '%data'), 'utf8'), 'text: "with", {signs}\n\tand lines');
    writeFileSync(path.join(folder, 'empty', '%data'), 'edited');
    const again = served.file('again.tar');
    execFileSync('tar', ['cf', again, '-C', folder, '.']);
    const znodes = await readExport(again, '/x');
    assert.equal(znodes.length, 10);
    assert.equal(Buffer.from(znodes.find((znode) => znode.path === '/x/empty')?.data ?? []).toString(), 'edited');
  });

  describe('what exists already', () => {
    const json = (...znodes: object[]): string =>
      JSON.stringify({ format: 'headkeeper-export', version: 1, path: '/', source: 'x', count: znodes.length, znodes });
    const znode = (at: string, data: string) => ({
      path: at,
      kind: 'persistent',
      acl: [{ scheme: 'world', id: 'anyone', perms: 'cdrwa' }],
      data,
    });

    async function run(top: string, ...words: string[]): Promise<Finished & { values: unknown[] }> {
      const file = served.file('exists.json');
      writeFileSync(file, json(znode('/', 'new'), znode('/a', 'new'), znode('/b', 'new')));
      const client = await served.connect();
      await client.create(top, bytes('old'));
      await client.create(`${top}/a`, bytes('old'), { acl: [{ perms: 19, scheme: 'world', id: 'anyone' }] });
      await client.create(`${top}/own`, bytes('old'));
      await client.close();
      const result = await headkeeper(['import', file, top, '--server', served.address, ...words]);
      const values = (await valuesBelow(top)).map((value) => {
        const [at, data, acl] = value as [string, number[], Acl[]];
        return [at, Buffer.from(data).toString(), acl[0]?.perms];
      });
      return { ...result, values };
    }
    const OLD = [
      ['', 'old', 31],
      ['/a', 'old', 19],
      ['/own', 'old', 31],
    ];

    it('is a failure by default, and nothing is written', async () => {
      const { code, stderr, values } = await run('/fail');
      assert.equal(code, 32);
      assert.match(stderr, /\/fail, \/fail\/a exist already; nothing was written/);
      assert.deepEqual(values, OLD);
    });

    it('is left as it is, or replaced, as told', async () => {
      const skipped = await run('/skip', '--if-exists', 'skip');
      assert.equal(skipped.code, 0, skipped.stderr);
      assert.deepEqual(skipped.values, [
        ['', 'old', 31],
        ['/a', 'old', 19],
        ['/b', 'new', 31],
        ['/own', 'old', 31],
      ]);
      const replaced = await run('/replace', '--if-exists', 'replace');
      assert.equal(replaced.code, 0, replaced.stderr);
      assert.deepEqual(replaced.values, [
        ['', 'new', 31],
        ['/a', 'new', 31],
        ['/b', 'new', 31],
        ['/own', 'old', 31],
      ]);
    });

    it('is only shown in a dry run', async () => {
      const { code, stdout, values } = await run('/dry', '--if-exists', 'replace', '--dry-run', '--json');
      assert.equal(code, 0);
      assert.deepEqual(values, OLD);
      const shown = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { change: string });
      assert.deepEqual(
        shown.map(({ change }) => change),
        ['changed', 'changed', 'added'],
      );
    });

    it('must be there above', async () => {
      const file = served.file('above.json');
      writeFileSync(file, json(znode('/', 'new')));
      const { code, stderr } = await headkeeper(['import', file, '/none/below', '--server', served.address]);
      assert.equal(code, 1);
      assert.match(stderr, /\/none does not exist on the server: create it first/);
    });
  });

  it('refuses files that are no whole export, and says why', async () => {
    const good = {
      format: 'headkeeper-export',
      version: 1,
      count: 1,
      znodes: [{ path: '/', kind: 'persistent', acl: [{ scheme: 'world', id: 'anyone', perms: 'r' }], data: 'x' }],
    };
    const [only] = good.znodes;
    const cases: [unknown, RegExp][] = [
      [{ ...good, format: 'other' }, /it is no export/],
      [{ ...good, version: 2 }, /written in version 2 of the format and this release reads up to 1/],
      [{ ...good, count: 2 }, /says that it holds 2 znodes, and holds 1: it is not whole/],
      [{ ...good, znodes: 7 }, /it has no list of znodes/],
      [{ ...good, znodes: [{ ...only, path: 'x' }] }, /znode 1, x: its path is no path/],
      [{ ...good, znodes: [{ ...only, path: '/a/../b' }] }, /its path is no path/],
      [{ ...good, znodes: [{ ...only, path: '/a/b' }] }, /\/x\/a\/b is in it before its parent, or without it/],
      [{ ...good, count: 2, znodes: [only, only] }, /\/x is in it twice/],
      [{ ...good, znodes: [{ ...only, kind: 'strange' }] }, /its kind is none of/],
      [{ ...good, znodes: [{ ...only, kind: 'ttl' }] }, /a TTL znode without a ttlMs/],
      [{ ...good, znodes: [{ ...only, data: 7 }] }, /neither data \(a text or null\) nor dataBase64/],
      [{ ...good, znodes: [{ ...only, dataBase64: 'eA==' }] }, /both data and dataBase64/],
      [{ ...good, znodes: [{ ...only, data: undefined, dataBase64: '!' }] }, /its dataBase64 is no Base64/],
      [
        { ...good, znodes: [{ ...only, acl: [{ scheme: 'world', id: 'anyone', perms: 'x' }] }] },
        /the perms of its acl/,
      ],
      [{ ...good, znodes: [{ ...only, acl: null }] }, /it has no acl/],
      ['{ "format": ', /it cannot be read/],
      ['a: &x [*x, *x]', /it cannot be read/],
      ['', /an object is expected/],
    ];
    const file = served.file('bad');
    for (const [content, message] of cases) {
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      await assert.rejects(readExport(file, '/x'), message);
    }
    const whole = served.file('whole.tar');
    await exported(whole, '/app', '--format', 'tar', '--server', served.address);
    const tar = readFileSync(whole);
    for (const length of [512, 600, 1536, 4096, tar.length - 3000]) {
      writeFileSync(file, tar.subarray(0, length));
      await assert.rejects(readExport(file, '/x'), /bad: /, `cut to ${length}`);
    }
    const { code, stderr } = await headkeeper(['import', file, '/x', '--server', served.address]);
    assert.equal(code, 21);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it('says that a server hides digests', async () => {
    const client = await served.connect();
    await client.create('/hidden', null, {
      acl: [
        { perms: 1, scheme: 'world', id: 'anyone' },
        { perms: 31, scheme: 'digest', id: 'u:aGFzaA==' },
      ],
    });
    await client.close();
    const { code, stdout, stderr } = await headkeeper(['export', '/hidden', '--server', served.address]);
    assert.equal(code, 0);
    assert.match(stdout, /"id":"u:x"/);
    assert.match(stderr, /the server hides the digests in the access control lists of 1 znodes/);
  });
});

interface Entry {
  readonly name: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly kind: string;
  readonly ttl: number;
  readonly above: number;
}

function treeOf(entries: readonly Entry[], top: string): MapTree {
  const tree = new MapTree();
  const paths: string[] = [top];
  const add = (at: string, { data, acl, kind, ttl }: Entry): void => {
    const stat = { ...NO_STAT, mtime: 1_700_000_000_000 };
    tree.add({ path: at, data, acl, stat, kind: kind as Znode['kind'], ttlMs: kind === 'ttl' ? ttl : null });
  };
  add(top, { name: '', data: null, acl: WORLD_ANYONE_ALL, kind: 'persistent', ttl: 0, above: 0 });
  for (const entry of entries) {
    const at = childPath(paths[entry.above % paths.length] as string, entry.name);
    if (tree.get(at) !== null || at === '/zookeeper') continue;
    paths.push(at);
    add(at, entry);
  }
  return tree;
}

function comparable({ path: at, data, acl, kind, ttlMs }: Znode): unknown {
  return { at, data: data === null ? null : Buffer.from(data).toString('hex'), acl, kind, ttlMs };
}
