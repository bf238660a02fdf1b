import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Finished, headkeeper, vectorFile } from './headkeeper-process.ts';

const LOG = vectorFile('datadir-alltypes/data/version-2/log.100000001');
const SNAPSHOT = vectorFile('datadir-alltypes/data/version-2/snapshot.10000003f');

interface GoldenLog {
  endOfRecords: number;
  records: {
    offset: number;
    length: number;
    header: { zxid: string; clientId: string; cxid: number; typeName: string };
  }[];
}
interface GoldenTree {
  lastProcessedZxid: string;
  sessions: { id: string; timeout: number }[];
  nodes: { path: string; dataBase64: string | null; acl: unknown; stat: Record<string, unknown> }[];
}

const goldenLog = JSON.parse(readFileSync(vectorFile('datadir-alltypes/txnlog.json'), 'utf8')) as GoldenLog;
const goldenTree = JSON.parse(readFileSync(vectorFile('datadir-alltypes/expected-tree.json'), 'utf8')) as GoldenTree;

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-inspect-'));
after(() => rmSync(folder, { recursive: true }));

/** A copy of a file, changed. */
function changed(file: string, name: string, change: (bytes: Buffer) => Uint8Array): string {
  const copy = path.join(folder, name);
  writeFileSync(copy, change(readFileSync(file)));
  return copy;
}

function jsonLines(result: Finished): Record<string, unknown>[] {
  return result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('inspect log', () => {
  it('prints every txn of a log that Apache ZooKeeper wrote', async () => {
    const { code, stdout, stderr } = await headkeeper(['inspect', 'log', LOG]);
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.shift(), 'ZooKeeper Transactional Log File with dbid 0 txnlog format version 2');
    assert.equal(lines.pop(), `EOF reached after ${goldenLog.records.length} txns.`);
    assert.equal(lines.length, goldenLog.records.length);
    goldenLog.records.forEach(({ header }, i) => {
      const { clientId, cxid, zxid, typeName } = header;
      const expected = ` session ${clientId} cxid 0x${(cxid >>> 0).toString(16)} zxid ${zxid} ${typeName} `;
      assert.ok(lines[i]?.includes(expected), `${lines[i]} has no${expected}`);
    });
  });

  it('prints the same as JSON, with positions', async () => {
    const result = await headkeeper(['inspect', 'log', LOG, '--json']);
    assert.equal(result.code, 0);
    const lines = jsonLines(result);
    const end = lines.pop();
    assert.deepEqual(end, {
      end: 'clean',
      offset: goldenLog.endOfRecords,
      records: goldenLog.records.length,
      reason: '',
    });
    assert.deepEqual(
      lines.map(({ offset, zxid, session, cxid, op }) => ({ offset, zxid, session, cxid, op })),
      goldenLog.records.map(({ offset, header }) => ({
        offset,
        zxid: header.zxid,
        session: header.clientId,
        cxid: header.cxid,
        op: header.typeName,
      })),
    );
  });

  it('reports damage with its position and code 21, after what precedes it', async () => {
    const record = goldenLog.records[9]!;
    const file = changed(LOG, 'log.flipped', (bytes) => {
      bytes[record.offset + 30]! ^= 1;
      return bytes;
    });
    const { code, stdout, stderr } = await headkeeper(['inspect', 'log', file]);
    assert.equal(code, 21);
    assert.match(
      stderr,
      new RegExp(`log\\.flipped: damaged at byte ${record.offset}, after 9 txns: the checksum does not match`),
    );
    assert.equal(stdout.trimEnd().split('\n').length, 10);
  });

  it('reports a torn end', async () => {
    const record = goldenLog.records.at(-1)!;
    const file = changed(LOG, 'log.torn', (bytes) => bytes.subarray(0, record.offset + 20));
    const { code, stderr } = await headkeeper(['inspect', 'log', file]);
    assert.equal(code, 21);
    assert.match(stderr, new RegExp(`torn at byte ${record.offset}, after ${goldenLog.records.length - 1} txns`));
    assert.deepEqual(jsonLines(await headkeeper(['inspect', 'log', '--json', file])).at(-1)?.end, 'torn');
  });

  it('knows other files', async () => {
    const { code, stderr } = await headkeeper(['inspect', 'log', SNAPSHOT]);
    assert.equal(code, 21);
    assert.match(stderr, /does not begin like a log/);
    const missing = await headkeeper(['inspect', 'log', path.join(folder, 'none')]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /cannot read .*ENOENT/);
    const directory = await headkeeper(['inspect', 'snapshot', folder]);
    assert.equal(directory.code, 1);
    assert.match(directory.stderr, /EISDIR/);
  });
});

describe('inspect snapshot', () => {
  it('prints every znode and session of a snapshot that Apache ZooKeeper wrote', async () => {
    const result = await headkeeper(['inspect', 'snapshot', '--json', SNAPSHOT]);
    assert.equal(result.code, 0, result.stderr);
    const lines = jsonLines(result);
    const nodes = lines.filter((line) => 'path' in line);
    const seen = new Map(nodes.map((node) => [node.path, node]));
    assert.equal(seen.size, goldenTree.nodes.length);
    for (const expected of goldenTree.nodes) {
      const { path: _path, data, acl, ctime, mtime, ...stat } = seen.get(expected.path) ?? {};
      assert.deepEqual({ data, acl }, { data: expected.dataBase64, acl: expected.acl }, expected.path);
      const times = { ctime: Date.parse(String(ctime)), mtime: Date.parse(String(mtime)) };
      assert.deepEqual({ ...stat, ...times }, expected.stat, expected.path);
    }
    assert.deepEqual(
      lines.filter((line) => 'session' in line).map(({ session, timeoutMs }) => ({ id: session, timeout: timeoutMs })),
      goldenTree.sessions,
    );
    const end = lines.at(-1);
    assert.equal(end?.nodes, goldenTree.nodes.length);
    assert.equal(end?.lastZxid, goldenTree.lastProcessedZxid);
  });

  it('reads compressed ones alike', async () => {
    const [gz, snappy] = await Promise.all(
      ['gz', 'snappy'].map((suffix) =>
        headkeeper(['inspect', 'snapshot', vectorFile(`snapshot-variants/snapshot.10000003f.${suffix}`)]),
      ),
    );
    assert.equal(gz?.code, 0, gz?.stderr);
    assert.match(gz?.stdout ?? '', /^ZNode Details:\n----\n\/\n {2}cZxid = 0x00000000000000\n/);
    assert.match(gz?.stdout ?? '', /\nZnodes: \d+, sessions: 2, .*\nLast zxid: 0x10000003f\n$/);
    assert.deepEqual(snappy, gz);
  });

  it('reports damage with its position, whole or compressed', async () => {
    const flipped = changed(SNAPSHOT, 'snapshot.flipped', (bytes) => {
      bytes[bytes.indexOf('unicode')]! ^= 1;
      return bytes;
    });
    const cut = changed(SNAPSHOT, 'snapshot.cut', (bytes) => bytes.subarray(0, 2000));
    const gz = vectorFile('snapshot-variants/snapshot.10000003f.gz');
    const cutGz = changed(gz, 'snapshot.1.gz', (bytes) => bytes.subarray(0, bytes.length - 100));
    const brokenGz = changed(gz, 'snapshot.2.gz', (bytes) => bytes.fill(0xff, 200, 300));
    for (const file of [flipped, cut, cutGz, brokenGz]) {
      const { code, stderr } = await headkeeper(['inspect', 'snapshot', file]);
      assert.equal(code, 21, `${file}: ${stderr}`);
      assert.match(stderr, /damaged: .*at byte \d+ of the snapshot/);
    }
  });
});
