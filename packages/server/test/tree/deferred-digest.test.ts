import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import type { StateSink } from '../../src/core/log/state-sink.ts';
import { SessionTable } from '../../src/core/session/sessions.ts';
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
    assert.equal(twin.isChecked, true, 'without an expectation all are computed');
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

  it('tell of a snapshot whose digest is another', () => {
    const { loaded, high: wrongHigh, low: rightLow } = reload(tree);
    loaded.endLoading({ high: wrongHigh, low: rightLow ^ 1 });
    change(loaded);
    assert.equal(loaded.loadedWrongly, false, 'not known yet');
    loaded.checkLoaded(Number.POSITIVE_INFINITY);
    assert.equal(loaded.loadedWrongly, true);
  });
});
