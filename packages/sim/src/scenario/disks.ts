import { encodeUtf8 } from '@headkeeper/protocol';
import { Field } from '@headkeeper/server/internal';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard } from './guards.ts';
import type { Scenario } from './scenario.ts';
import { led } from './setups.ts';

/** Each operation of such a disk takes five seconds, while the others take a tenth of a millisecond. */
const STALLED = 50_000;
const COMMIT_BOUND_MS = 1000;

/** The disk of one server comes nearly to a stop. */
function d25(e: Ensemble, victim: number): void {
  led(e);
  const client = e.attached(victim === 1 ? 2 : 1);
  e.write(client, 2);
  e.node(victim).diskSlowness = STALLED;
  const before = e.watched(victim).durable.last;
  for (let i = 0; i < 10; i++) {
    // Of one write alone the simulated disk is done at once.
    const writes = [client.put(), client.put(), client.put()];
    const took = e.until('writes are answered', () => writes.every(({ zxid }) => zxid !== null), 30_000);
    e.expect(`nobody waits for the disk of one server (${took} ms)`, took < COMMIT_BOUND_MS);
  }
  e.reached('the disk has not taken what was committed', e.watched(victim).durable.last < e.committed);
  e.reached('it worked before', before > 0);
  e.run(60_000);
  e.commits();
  e.node(victim).diskSlowness = 1;
  e.agree();
  e.settles();
}

const MARK = '/log/version-2/headkeeper.logged';

/** The log's sectors of a second are never written, though every sync says so; then the power is lost. */
function d02(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client, 3);
  // Server 2 lacks what server 1 acknowledges and does not write.
  e.isolate([2]);
  e.node(1).disk.writeFault = (path) => (path === MARK ? null : 'lost');
  const written = e.write(client, 5);
  e.run(1000);
  e.node(1).disk.writeFault = null;
  e.cluster.mayFail.add(1);
  e.crash(3);
  e.crash(1);
  e.watched(1).durable.distrust();
  e.node(1).disk.admit();
  e.reached('server 1 has lost what it had acknowledged', e.watched(1).durable.last < (written[0].zxid ?? 0));
  e.heal();
  e.start(1);
  e.reached('server 2 has never had it', e.watched(2).durable.last < (written[0].zxid ?? 0));
  e.run(60_000);
  e.expect('nobody leads without what is lost', e.leader === 0 && !e.serves(1) && !e.serves(2));
  e.start(3);
  e.commits(30_000);
  e.watched(1).durable.trust();
  e.agree();
  e.has(written);
  e.settles();
}

/** Flips one bit of a znode's stat in the memory of one server. */
function flip(e: Ensemble, sid: number, path: string): void {
  const { server } = e.node(sid);
  if (server === null) throw new Error(`server ${sid} is down`);
  const { tree } = server.replica.serving;
  const bytes = encodeUtf8(path);
  const slot = tree.find(bytes, 0, bytes.length);
  tree.store.set(slot, Field.ctime + 1, tree.store.get(slot, Field.ctime + 1) ^ 1);
}

/** One bit of one znode differs in the memory of a follower, or an observer; `dies`: its leader is gone before it gives it another. */
function d24(e: Ensemble, victim: number, dies: boolean): void {
  led(e);
  const client = e.attached(3);
  const [write] = e.write(client, 3);
  flip(e, victim, write.path);
  // Digests are kept up to date: what is not touched is not looked at.
  e.write(client, 2);
  e.reached('nobody has noticed', e.serves(victim));
  e.cluster.mayFail.add(victim);
  const isOver = client.change(write.path);
  e.until('the znode is written', () => isOver());
  e.until('the server stops serving', () => !e.serves(victim), 1000);
  if (dies) e.crash(3);
  e.until('it serves again', () => e.serves(victim));
  e.commits();
  e.agree();
  e.settles();
}

/** One bit of one znode differs in the memory of the leader: its followers, whose disks have it right, must not take its tree for theirs. */
function d24OfLeader(e: Ensemble, dies: boolean): void {
  led(e);
  // What the leader itself answers may be wrong.
  const client = e.attached(1);
  const [write] = e.write(client, 3);
  flip(e, 3, write.path);
  e.cluster.forged.add(3);
  for (const sid of e.sids) e.cluster.mayFail.add(sid);
  client.change(write.path);
  e.until('the followers give up', () => !e.serves(1) && !e.serves(2), 1000);
  if (dies) e.crash(3);
  e.until('they serve again', () => e.serves(1) && e.serves(2));
  e.commits();
  if (!dies) e.crash(3);
  e.commits();
  e.start(3);
  e.agree();
  e.settles();
  e.expect(
    'nobody has ended by itself',
    e.cluster.ends.every(({ how }) => how !== 'fatal'),
  );
}

export const DISKS: readonly Scenario[] = [
  {
    id: 'D02',
    name: 'a disk says that it has synced and has not; it comes back with less than it has acknowledged, and does not vote',
    guard: guard(
      'adapters/disk/logged-mark.ts: requireLogged refuses a log that ends before the mark',
      'adapters/disk/logged-mark.js',
      'if (marked <= lastZxid)',
      'if (true)',
    ),
    run: (tell) => withEnsemble({ tell }, d02),
  },
  {
    id: 'D24',
    name: 'a follower, or an observer, has another tree than its leader; it gives it up, and is given the whole state',
    guard: guard(
      'core/member.ts: a learner in doubt gives its state up',
      'core/member.js',
      'if (reason !== null)',
      'if (reason === 0)',
    ),
    run: (tell) => {
      for (const [victim, dies] of [
        [1, false],
        [1, true],
        [4, false],
      ] as const) {
        withEnsemble({ tell, observers: 1 }, (e) => d24(e, victim, dies));
      }
      for (const dies of [false, true]) withEnsemble({ tell }, (e) => d24OfLeader(e, dies));
    },
  },
  {
    id: 'D25',
    name: 'the disk of the leader, or of a follower, takes seconds for each operation',
    guard: guard(
      'core/zab/commit-rule.ts: quorumZxid asks for a quorum, whoever it is',
      'core/zab/commit-rule.js',
      'if (membership.isQuorum(this.#has))',
      'if (membership.isQuorum(this.#has) && candidates.every((zxid) => zxid >= this.#wanted))',
    ),
    run: (tell) => {
      for (const victim of [3, 1, 2]) withEnsemble({ tell }, (e) => d25(e, victim));
    },
  },
];
