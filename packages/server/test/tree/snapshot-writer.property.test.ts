import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CORE_SETTINGS } from '@headkeeper/testkit';
import fc from 'fast-check';
import { Database } from '../../src/core/database.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { SessionTable } from '../../src/core/session/sessions.ts';
import { SnapshotWriter } from '../../src/core/tree/snapshot-writer.ts';
import { DataTree } from '../../src/core/tree/tree.ts';
import { type DumpedNode, nodesOf } from '../core/tree-dump.ts';
import { MapState } from '../log/map-state.ts';
import { anyChange, type Change, changeTree } from './random-changes.ts';

const SETTINGS = { hashSeed: 7, extendedTypesEnabled: true, emulate353TTLNodes: false, digestEnabled: true };

/** A change, or a slice of the snapshot, or a session that comes or goes. */
type Step = { change: Change } | { slice: number } | { session: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ change: anyChange }) },
  { weight: 2, arbitrary: fc.record({ slice: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ session: fc.integer({ min: 1, max: 5 }) }) },
);

function sensible(tree: DataTree, { do: action, path }: Change): boolean {
  const bytes = new TextEncoder().encode(path);
  const slot = tree.find(bytes, 0, bytes.length);
  return action !== 'delete' || slot === -1 || tree.store.get(slot, 23) === 0;
}

function decode(chunks: readonly Uint8Array[]): { state: MapState; summary: ReturnType<SnapshotDecoder['finish']> } {
  const state = new MapState();
  const decoder = new SnapshotDecoder(state, 1 << 21);
  for (const chunk of chunks) decoder.push(chunk);
  return { state, summary: decoder.finish() };
}

/** The znodes of a snapshot; MapState has refused any whose parent came later. */
function nodesIn(state: MapState): DumpedNode[] {
  const lists = new Map(state.acls.map(({ id, list }) => [id, list]));
  const open = [{ perms: 31, scheme: 'world', id: 'anyone' }];
  return [...state.nodes]
    .map(([path, node]) => {
      const acl = node.aclId === -1 ? open : lists.get(node.aclId);
      assert.ok(acl !== undefined, `list ${node.aclId} of ${path} is in the file`);
      return {
        path,
        data: node.data === null ? null : new TextDecoder().decode(node.data),
        acl,
        stat: [...node.stat],
      };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function sessionsOf(sessions: SessionTable): string[] {
  const all: string[] = [];
  sessions.forEach((session) => {
    all.push(`${session.idHigh}:${session.idLow}:${session.timeoutMs}`);
  });
  return all.sort();
}

function toggleSession(sessions: SessionTable, low: number): void {
  const known = sessions.find(1, low);
  if (known === null) sessions.add(1, low, 4000 + low);
  else sessions.remove(known);
}

test('a snapshot is the tree at its beginning, whatever happens while it is written', () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 80, size: 'max' }),
      fc.array(fc.array(anyStep, { maxLength: 80, size: 'max' }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 800 }),
      (before, snapshots, filler) => {
        const tree = new DataTree(SETTINGS);
        tree.addSystemNodes();
        const sessions = new SessionTable();
        tree.keepEphemerals(sessions);
        let zxid = 0;
        const run = (step: Step): void => {
          if ('change' in step && sensible(tree, step.change)) changeTree(tree, step.change, ++zxid, 1000 + zxid);
          else if ('session' in step) toggleSession(sessions, step.session);
        };
        for (let n = 0; n < filler; n++) {
          run({ change: { do: 'create', path: `/f${n}`, data: `${n}`, acl: [], owner: 0n } });
        }
        for (const step of before) run(step);
        for (const [number, steps] of snapshots.entries()) {
          const nodes = nodesOf(tree);
          const owners = sessionsOf(sessions);
          const digest = { zxid, high: tree.digest.high, low: tree.digest.low };
          const options = { digest: true, lastProcessedZxid: true, forLearner: false };
          const writer = new SnapshotWriter(tree, sessions, zxid, number + 1, options);
          const chunks: Uint8Array[] = [];
          const drain = (): void => {
            for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) chunks.push(chunk);
          };
          for (const step of steps) {
            if ('slice' in step) writer.advance(step.slice);
            else run(step);
            drain();
          }
          while (writer.advance(512)) drain();
          drain();
          assert.equal(writer.advance(1), false);
          const { state, summary } = decode(chunks);
          assert.deepEqual(nodesIn(state), nodes);
          assert.deepEqual(state.sessions.map((one) => `${one.high}:${one.low}:${one.timeoutMs}`).sort(), owners);
          assert.deepEqual(summary.digest, digest);
          assert.equal(summary.lastProcessedZxid, digest.zxid);
          loads(chunks, nodes);
        }
      },
    ),
    { numRuns: 40 },
  );
});

/** The file loaded by the server's own recovery gives the same tree and the digest that the file names. */
function loads(chunks: readonly Uint8Array[], nodes: readonly DumpedNode[]): void {
  const database = new Database({ ...CORE_SETTINGS, ...SETTINGS });
  const state = new RecoveredState(database);
  const decoder = new SnapshotDecoder(state, 1 << 21);
  for (const chunk of chunks) decoder.push(chunk);
  const summary = decoder.finish();
  state.loaded(summary.digest?.zxid ?? 0, summary.digest);
  assert.deepEqual(nodesOf(database.tree), nodes);
  assert.deepEqual(state.digestMismatches, []);
}

test('an abandoned snapshot leaves nothing behind', () => {
  const tree = new DataTree(SETTINGS);
  tree.addSystemNodes();
  const create = (path: string): Change => ({
    do: 'create',
    path,
    data: '',
    acl: [{ perms: 1, scheme: 'ip', id: '1.2.3.4' }],
    owner: 0n,
  });
  changeTree(tree, create('/a'), 1, 1);
  const writer = new SnapshotWriter(tree, new SessionTable(), 1, 1, {
    digest: true,
    lastProcessedZxid: false,
    forLearner: false,
  });
  changeTree(tree, { ...create('/a'), do: 'delete' }, 2, 2);
  writer.abandon();
  const limit = tree.store.slotLimit;
  changeTree(tree, create('/b'), 3, 3);
  assert.equal(tree.store.slotLimit, limit, 'the slot of /a is free again');
  assert.equal(tree.acls.size, 2, 'the lists of /b and of /zookeeper/config');
});
