import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import type { StateSink } from '../../src/core/log/state-sink.ts';
import { SessionTable } from '../../src/core/session/sessions.ts';
import { WorkStatistics } from '../../src/core/statistics/work-statistics.ts';
import { PendingChanges } from '../../src/core/tree/pending.ts';
import { SnapshotWriter } from '../../src/core/tree/snapshot-writer.ts';
import { DataTree } from '../../src/core/tree/tree.ts';

const SETTINGS = { hashSeed: 11, extendedTypesEnabled: true, emulate353TTLNodes: false, digestEnabled: true };
/** More than are checked while they are loaded. */
const MANY = 70_000;
const OPEN = -1;
let snapshots = 0;

function create(tree: DataTree, path: string, zxid: number): void {
  const bytes = encodeUtf8(path);
  assert.equal(tree.create(bytes, 0, bytes.length, 0, 4, OPEN, 0, 0, -1, zxid, 1_700_000_000_000), 0);
}

/** The same changes for a tree that was loaded and for one that was never away. */
function change(tree: DataTree): void {
  const changed = encodeUtf8('/p/n17new data');
  assert.equal(tree.setData(changed, 0, 6, 6, 8, 1, 80_001, 1_700_000_000_001), 0);
  const gone = encodeUtf8('/p/n18');
  assert.equal(tree.delete(gone, 0, gone.length, 80_002), 0);
  const guarded = encodeUtf8('/p/n19');
  assert.equal(tree.setAcl(guarded, 0, guarded.length, OPEN, 1), 0);
  create(tree, '/p/n20/child', 80_003);
}

function original(): DataTree {
  const tree = new DataTree(SETTINGS);
  tree.addSystemNodes();
  create(tree, '/p', 1);
  for (let i = 0; i < MANY; i++) create(tree, `/p/n${i}`, i + 2);
  return tree;
}

/** Writes the tree and loads it again, with what the snapshot says of its digest. */
function reload(tree: DataTree): { loaded: DataTree; high: number; low: number } {
  const loaded = new DataTree(SETTINGS);
  const sink: StateSink = {
    loadSession() {},
    loadAcl: (_id, list) => loaded.acls.intern(list),
    loadNode: (bytes, view, pathStart, pathEnd, dataStart, dataLength, aclId, statAt) =>
      loaded.load(bytes, view, pathStart, pathEnd, dataStart, dataLength, aclId, statAt),
    loaded() {},
    applyTxn() {},
  };
  snapshots++;
  const writer = new SnapshotWriter(tree, new SessionTable(), 80_000, snapshots, {
    digest: true,
    lastProcessedZxid: true,
    forLearner: false,
  });
  const decoder = new SnapshotDecoder(sink, 1 << 20);
  for (let more = true; more; ) {
    more = writer.advance(10_000);
    for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) decoder.push(chunk);
  }
  const { digest } = decoder.finish();
  assert.ok(digest !== null);
  return { loaded, high: digest.high, low: digest.low };
}

describe('digests put off while a large snapshot is loaded', () => {
  const tree = original();
  const { high, low } = tree.digest;

  it('give the same tree digest after the same changes, before and after they are checked', () => {
    const { loaded, ...expected } = reload(tree);
    loaded.endLoading(expected);
    assert.equal(loaded.isChecked, false, 'so many are not checked at once');
    assert.deepEqual([loaded.digest.high, loaded.digest.low], [high, low]);
    const twin = reload(tree).loaded;
    twin.endLoading(null);
    twin.settleDigest();
    assert.equal(twin.isChecked, true);
    assert.deepEqual([twin.digest.high, twin.digest.low], [high, low]);
    change(loaded);
    change(twin);
    assert.deepEqual([loaded.digest.high, loaded.digest.low], [twin.digest.high, twin.digest.low]);
    loaded.checkLoaded(1000);
    assert.equal(loaded.isChecked, false);
    loaded.checkLoaded(Number.POSITIVE_INFINITY);
    assert.equal(loaded.isChecked, true);
    assert.equal(loaded.loadedWrongly, false);
    assert.deepEqual([loaded.digest.high, loaded.digest.low], [twin.digest.high, twin.digest.low]);
  });

  it('leave the tree digest open where the snapshot gives none, until all are known', () => {
    const { loaded } = reload(tree);
    loaded.endLoading(null);
    assert.equal(loaded.isDigestKnown, false);
    loaded.checkLoaded(1000);
    change(loaded);
    const twin = original();
    change(twin);
    assert.equal(loaded.isDigestKnown, false);
    loaded.checkLoaded(Number.POSITIVE_INFINITY);
    assert.equal(loaded.isDigestKnown, true);
    assert.deepEqual([loaded.digest.high, loaded.digest.low], [twin.digest.high, twin.digest.low]);
  });

  it('are settled before a snapshot or a txn gives the tree digest', () => {
    const { loaded } = reload(tree);
    loaded.endLoading(null);
    const again = reload(loaded);
    assert.equal(loaded.isDigestKnown, true);
    assert.deepEqual([again.high, again.low], [tree.digest.high, tree.digest.low]);
    const proposing = reload(tree).loaded;
    proposing.endLoading(null);
    const pending = new PendingChanges(proposing, true, new WorkStatistics());
    pending.follow();
    assert.deepEqual([pending.digest.high, pending.digest.low], [tree.digest.high, tree.digest.low]);
  });

  it('tell of a path that a snapshot gives twice', () => {
    const loaded = new DataTree(SETTINGS);
    const bytes = encodeUtf8('/a');
    const view = new DataView(new ArrayBuffer(60));
    for (let time = 0; time < 2; time++) assert.equal(loaded.load(bytes, view, 0, 2, 2, -1, OPEN, 0), null);
    assert.equal(loaded.fileLoaded(), 'the same znode twice');
    const child = encodeUtf8('/a/b');
    assert.equal(loaded.load(child, view, 0, 4, 4, -1, OPEN, 0), 'the same znode twice', 'also when it is looked for');
  });

  it('tell of a snapshot whose digest is another', () => {
    const { loaded, high: wrongHigh, low: rightLow } = reload(tree);
    loaded.endLoading({ high: wrongHigh, low: rightLow ^ 1 });
    change(loaded);
    assert.equal(loaded.loadedWrongly, false, 'not known yet');
    loaded.checkLoaded(Number.POSITIVE_INFINITY);
    assert.equal(loaded.loadedWrongly, true);
  });
});
