import { CommittedLog, planSync } from '@headkeeper/server/internal';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard, guardOf } from './guards.ts';
import { Packet } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { leaveBehind, led } from './setups.ts';

const TWO_32 = 4294967296;
const LEARNING = 'core/roles/learning.js';
/** Learners that are more than this behind need the log on the disk, or the whole state. */
const SMALL_WINDOW = { commitLogCount: 3 };

/** The window of every server that serves is a piece of the one history, without a hole. */
function windowsAreWhole(e: Ensemble): void {
  for (const sid of e.sids) {
    const recent = e.node(sid).server?.replica.serving.database.recent;
    if (recent === undefined || !e.serves(sid)) continue;
    let before = recent.base;
    for (let i = 0; i < recent.size; i++) {
      const zxid = recent.zxidAt(i);
      const follows =
        zxid === before + 1 || (zxid % TWO_32 === 1 && Math.floor(zxid / TWO_32) > Math.floor(before / TWO_32));
      e.expect(`the window of server ${sid} has no hole`, follows);
      before = zxid;
    }
  }
}

/** Each leader has just been synchronised by the one before. */
function s07(e: Ensemble): void {
  led(e);
  let client = e.attached(3);
  e.write(client, 2);
  e.kill(2);
  e.write(client, 5);
  e.start(2);
  for (let i = 0; i < 10; i++) e.later(0.5 * i, () => client.put());
  e.until('server 2 serves', () => e.serves(2));
  e.until('all writes are answered', () => client.writes.every(({ zxid }) => zxid !== null));
  e.reached('server 2 was synchronised by DIFF', e.sent(3, 2, Packet.diff) > 0);
  windowsAreWhole(e);
  e.crash(1);
  e.write(client, 3);
  e.kill(3);
  e.start(1);
  e.until('server 2 leads', () => e.leader === 2);
  e.until('server 1 serves', () => e.serves(1));
  e.reached('server 1 was synchronised by DIFF', e.sent(2, 1, Packet.diff) > 0);
  windowsAreWhole(e);
  client = e.attached(2);
  e.write(client, 3);
  e.kill(2);
  e.start(3);
  e.until('server 1 leads', () => e.leader === 1);
  e.until('server 3 serves', () => e.serves(3));
  e.reached('server 3 was synchronised by DIFF', e.sent(1, 3, Packet.diff) > 0);
  windowsAreWhole(e);
  e.commits();
  e.agree();
  e.settles();
}

/** The leader dies behind so many bytes of a state, or as that is on its way to the disk; false when all had left before. */
function s10(e: Ensemble, bytes: number): boolean {
  leaveBehind(e, 12);
  let cut = false;
  if (bytes === Number.POSITIVE_INFINITY) {
    e.once({ from: 3, to: 1, type: Packet.newLeader }, () =>
      e.later(2, () => {
        e.reached('the state is on its way to the disk', e.node(1).disk.pending > 0);
        cut = true;
        e.kill(3);
      }),
    );
  }
  let isSent = false;
  e.once({ from: 3, to: 1, type: Packet.snap }, () => {
    isSent = true;
  });
  e.cut({ from: 3, to: 1, type: Packet.snap }, bytes, () => {
    cut = true;
    e.kill(3);
  });
  e.node(1).diskSlowness = 300;
  e.start(1);
  e.until('the leader dies, or server 1 serves', () => cut || e.serves(1));
  e.reached('the state was being sent', isSent);
  if (!cut) return false;
  e.until('server 2 leads', () => e.leader === 2, 30_000);
  e.node(1).diskSlowness = 1;
  e.until('server 1 serves', () => e.serves(1), 30_000);
  e.write(e.attached(2), 2);
  e.agree(1, 2);
  e.powerCycle(1);
  e.agree(1, 2);
  e.crash(2);
  e.start(3);
  e.commits();
  e.agree();
  return true;
}

/** Many znodes: a state takes many steps. */
function grow(e: Ensemble, txns: number, bytes: number): void {
  led(e);
  const client = e.attached(3);
  for (let i = 0; i < txns; i++) {
    const write = client.putMany(1000, bytes);
    e.until('many znodes are there', () => write.zxid !== null);
  }
  e.agree();
  e.crash(1);
  e.write(client, 5);
}

function s11(e: Ensemble): void {
  grow(e, 5, 500);
  const client = e.attached(3);
  let during = 0;
  let isOver = false;
  const write = (): void => {
    if (isOver) return;
    client.put();
    during++;
    e.later(0.05, write);
  };
  const joins = e.sent(1, 3, Packet.followerInfo);
  e.once({ from: 3, to: 1, type: Packet.snap }, write);
  e.once({ from: 3, to: 1, type: Packet.newLeader }, () => {
    isOver = true;
  });
  e.start(1);
  e.until('server 1 serves', () => e.serves(1));
  e.reached('writes came while the state was sent', during >= 10);
  e.until('the writes are answered', () => client.writes.every(({ zxid }) => zxid !== null));
  e.agree();
  e.expect('one state was enough', e.sent(1, 3, Packet.followerInfo) === joins + 1);
  e.powerCycle(1);
  e.agree();
}

type LogState = 'whole' | 'rolled' | 'purged';

/** A learner is brought up to date from the leader's log on the disk. */
function s17(e: Ensemble, state: LogState, behind: number): void {
  leaveBehind(e, behind);
  if (state === 'purged') {
    const { disk } = e.node(3);
    const logs = disk.listSync('/log/version-2').filter((name) => name.startsWith('log.'));
    logs.sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16));
    e.reached('the leader has several log files', logs.length > 1);
    for (const name of logs.slice(0, -1)) disk.removeSync(`/log/version-2/${name}`);
  }
  const joins = e.sent(1, 3, Packet.followerInfo);
  e.start(1);
  e.until('server 1 serves', () => e.serves(1), 20_000);
  const recent = e.node(3).server?.replica.serving.database.recent;
  e.reached('the window begins behind the learner', recent !== undefined && recent.base > e.committed - 5);
  if (state === 'whole') e.reached('it was sent a DIFF', e.sent(3, 1, Packet.snap) === 0);
  if (state === 'purged') e.expect('it was sent the whole state', e.sent(3, 1, Packet.snap) === 1);
  e.expect('at the first attempt', e.sent(1, 3, Packet.followerInfo) === joins + 1);
  e.agree();
  e.powerCycle(1);
  e.agree();
}

// The decision alone, over all small histories.

const z = (epoch: number, counter: number): number => epoch * TWO_32 + counter;

/** Every history of up to `epochs` epochs with up to two txns in each. */
function histories(epochs: number): number[][] {
  let all: number[][] = [[]];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    all = all.flatMap((history) =>
      [0, 1, 2].map((count) => [...history, ...Array.from({ length: count }, (_, i) => z(epoch, i + 1))]),
    );
  }
  return all;
}

/** What a learner may have: a piece of the history from its beginning, and behind it what nobody else has. */
function* learners(history: readonly number[]): Generator<{ log: number[]; said: number }> {
  for (let kept = 0; kept <= history.length; kept++) {
    const log = history.slice(0, kept);
    const last = log.at(-1) ?? 0;
    yield { log, said: last };
    const epoch = Math.floor(last / TWO_32);
    const tails = [last + 1, ...[1, 2, 3, 4, 5].filter((next) => next > epoch).map((next) => z(next, 1))];
    for (const first of tails) {
      for (const length of [1, 2]) {
        const tail = Array.from({ length }, (_, i) => first + i);
        // Whoever leads in an epoch has everything that counts of the epochs before.
        const isPossible = history.filter((zxid) => zxid < first).length === kept && first > 1;
        if (isPossible && tail.every((zxid) => !history.includes(zxid)))
          yield { log: [...log, ...tail], said: tail.at(-1) as number };
      }
    }
    // It led, and logged nothing: all that is committed before its epoch it has.
    for (const led of [1, 2, 3, 4, 5]) {
      if (led > epoch && history.filter((zxid) => zxid < z(led, 0)).length === kept) yield { log, said: z(led, 0) };
    }
  }
}

function s18(): void {
  const byKind = { diff: 0, trunc: 0, disk: 0, snap: 0 };
  const fail = (what: string, history: readonly number[], said: number): never => {
    throw new Error(
      `${what}: history ${history.map((zxid) => zxid.toString(16)).join(' ')}, learner ${said.toString(16)}`,
    );
  };
  for (const history of histories(4)) {
    for (let dropped = 0; dropped <= history.length; dropped++) {
      const window = new CommittedLog(10, 1 << 16, history[dropped - 1] ?? 0);
      for (const zxid of history.slice(dropped)) window.add(zxid, new Uint8Array(4), 0, 4);
      for (const { log, said } of learners(history)) {
        // The disk leads on from a zxid only if the log has it, which is looked up.
        const plan = planSync(said, window, (zxid) => history.includes(zxid));
        byKind[plan.kind]++;
        let result: readonly number[] = history;
        if (plan.kind === 'diff') result = [...log, ...history.filter((zxid) => zxid > plan.from)];
        else if (plan.kind === 'trunc') {
          if (plan.to % TWO_32 !== 0 && !log.includes(plan.to))
            fail('it is to cut its log where it has nothing', history, said);
          result = [...log.filter((zxid) => zxid <= plan.to), ...history.filter((zxid) => zxid > plan.to)];
        } else if (plan.kind === 'disk') result = [...log, ...history.filter((zxid) => zxid > plan.from)];
        const isSame = result.length === history.length && result.every((zxid, i) => zxid === history[i]);
        if (!isSame) fail(`${plan.kind} gives ${result.map((zxid) => zxid.toString(16)).join(' ')}`, history, said);
      }
    }
  }
  if (byKind.diff < 100 || byKind.trunc < 100 || byKind.disk < 10 || byKind.snap < 100)
    throw new Error(`not reached: ${JSON.stringify(byKind)}`);
}

/** Newcomers without anything, while the window of the leader begins with a snapshot, and leaders change in between. */
function s19(e: Ensemble): void {
  led(e);
  e.write(e.attached(3), 9);
  for (const sid of e.sids) e.stop(sid);
  for (const newcomer of [1, 2]) {
    e.wipe(newcomer);
    e.start(...e.sids.filter((sid) => sid !== newcomer));
    e.until('there is a leader', () => e.leader !== 0);
    const { leader } = e;
    e.reached('it began with a snapshot', e.watched(leader).durable.snapshot > 0);
    e.start(newcomer);
    e.until('the newcomer serves', () => e.serves(newcomer));
    e.agree();
    e.kill(leader);
    e.commits();
    e.start(leader);
    e.agree();
    for (const sid of e.sids) e.stop(sid);
  }
  e.settles();
}

/** What was logged and not yet committed belongs to the leader's history: who serves has applied it. */
function s22(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client);
  const holds = [1, 2].map((to) => e.hold({ from: 3, to, type: Packet.commit }));
  for (let i = 0; i < 5; i++) client.put();
  e.until('the leader has committed', () => client.writes.every(({ zxid }) => zxid !== null));
  e.reached(
    'the followers do not know',
    holds.every((hold) => hold.isReached) && e.applied(1) < e.committed && e.applied(2) < e.committed,
  );
  const { committed } = e;
  e.kill(3);
  e.until('another leads', () => e.leader === 2);
  e.until('server 1 serves', () => e.serves(1));
  e.expect('it has applied what the leader had committed', e.applied(1) >= committed);
  e.start(3);
  e.commits();
  e.agree();
}

/** A stream of writes goes on while a follower with a slow disk is synchronised. */
function s22Behind(e: Ensemble): void {
  leaveBehind(e, 5);
  const client = e.attached(3);
  let isOver = false;
  const write = (): void => {
    if (isOver) return;
    client.put();
    e.later(0.2, write);
  };
  write();
  e.run(20);
  e.node(1).diskSlowness = 100;
  e.start(1);
  e.until('server 1 serves', () => e.serves(1));
  const behind = e.committed - e.applied(1);
  isOver = true;
  e.reached('writes went on', client.writes.length > 100);
  e.expect(`what it serves first is no older than its way from the leader (${behind} txns behind)`, behind <= 50);
  e.agree();
}

/** A learner stops reading in the middle of a state. */
function s25(e: Ensemble): void {
  grow(e, 8, 500);
  const client = e.attached(3);
  e.once({ from: 3, to: 1, type: Packet.snap }, () => e.later(0.3, () => e.node(1).pause()));
  e.start(1);
  e.until('server 1 stands still', () => e.node(1).isPaused);
  const leader = e.node(3);
  const other = e.node(1).host.name;
  let most = 0;
  for (let i = 0; i < 50; i++) {
    const write = client.put();
    const took = e.until('writes go on', () => write.zxid !== null, 1000);
    e.expect(`at their pace (${took} ms)`, took <= 20);
    for (const stream of leader.host.streams)
      if (stream.remote.host === other) most = Math.max(most, stream.unsentBytes);
  }
  e.reached('the learner takes nothing more', most > 500_000);
  e.expect(`no more waits for it than a slice behind the limit (${most} bytes)`, most < 2_600_000);
  e.expect('the leader is the same', e.leader === 3);
  e.node(1).resume();
  e.agree();
}

/** A follower connects again, and what it said on its first connection comes late. */
function s26(e: Ensemble): void {
  e.start();
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
  e.write(e.attached(), 2);
  e.run(50);
  for (const sid of e.sids) e.crash(sid);
  e.start(4, 5);
  e.run(50);
  const never = e.hold({ from: 3, to: 5, type: Packet.ack });
  const first = e.hold({ from: 4, to: 5, type: Packet.ack });
  e.start(3, 6);
  e.until('two followers have acknowledged NEWLEADER', () => never.isReached && first.isReached);
  e.reached('server 5 is about to lead', e.roleName(5) === 'leading' && e.leader === 0);
  // Server 4 gives its connection up, which the leader cannot know.
  const { host } = e.node(4);
  for (const stream of [...host.streams]) {
    if (stream.remote.host === e.node(5).host.name && stream.remote.port === 2888)
      host.dispatch(() => stream.closedBy('ECONNRESET'));
  }
  const joins = e.sent(4, 5, Packet.followerInfo);
  e.until('server 4 has connected again', () => e.sent(4, 5, Packet.followerInfo) > joins || e.leader !== 0, 5000);
  first.release();
  e.run(200);
  e.expect('server 4 counts once, and the observer not at all', e.leader === 0);
  never.release();
  e.until('with the acknowledgement of server 3 there is a quorum', () => e.leader === 5, 30_000);
  e.start(1, 2);
  e.commits();
  e.agree();
}

export const WINDOWS: readonly Scenario[] = [
  {
    id: 'S07',
    name: 'three leaders in a chain, each synchronised by the one before',
    guard: {
      where: 'core/pipeline.ts: #apply adds every txn; core/zab/committed-log.ts: add refuses a hole',
      edits: [
        {
          file: 'core/pipeline.js',
          find: ' recent.add(zxid, writer.bytes, start, end);',
          put: ' if (this.clients.areServed) recent.add(zxid, writer.bytes, start, end);',
        },
        { file: 'core/zab/committed-log.js', find: 'if (!follows) {', put: 'if (false) {' },
      ],
      why: null,
    },
    run: (tell) => withEnsemble({ tell }, s07),
  },
  {
    id: 'S10',
    name: 'the leader dies at many bytes of a SNAP, and behind it',
    guard: guardOf(
      'core/roles/learning.ts: leave forgets a state that is not on the disk',
      'state received and not installed',
    ),
    run: (tell) => {
      withEnsemble({ tell, plan: SMALL_WINDOW }, (e) => s10(e, Number.POSITIVE_INFINITY));
      let cuts = 0;
      for (let bytes = 0, goesOn = true; goesOn; bytes += bytes < 20 ? 10 : 160) {
        withEnsemble({ seed: bytes + 1, tell, plan: SMALL_WINDOW }, (e) => {
          goesOn = s10(e, bytes);
          if (goesOn) cuts++;
          else e.reached('cuts at many bytes', cuts >= 8);
        });
      }
    },
  },
  {
    id: 'S11',
    name: 'writes are committed while a state is being sent',
    guard: guard(
      'core/zab/learner-handler.ts: commit keeps them for the learner',
      'core/zab/learner-handler.js',
      'this.committed(this.queue, zxid, bytes, start, end);',
      '',
    ),
    run: (tell) => withEnsemble({ tell, plan: SMALL_WINDOW }, s11),
  },
  {
    id: 'S17',
    name: 'a DIFF out of log files: whole, rolled, and purged at their beginning',
    guard: guard(
      'core/roles/learner-sync.ts: logChunk goes on until the window is met',
      'core/roles/learner-sync.js',
      'if (recent.knows(handler.diskZxid)) {',
      'if (true) {',
    ),
    run: (tell) => {
      const settings = ['snapshotSizeFactor=100000'];
      for (const behind of [4, 12])
        withEnsemble({ tell, plan: { ...SMALL_WINDOW, settings } }, (e) => s17(e, 'whole', behind));
      // More than is read from the log at a time.
      for (const state of ['rolled', 'purged'] as const) {
        withEnsemble({ tell, plan: { ...SMALL_WINDOW, settings, snapCount: 4 } }, (e) => s17(e, state, 12));
      }
    },
  },
  {
    id: 'S18',
    name: 'the decision between DIFF, TRUNC and SNAP over all small histories, windows and learners',
    guard: guardOf('core/zab/sync-plan.ts: planSync asks whether the zxid is in the history', 'DIFF by number'),
    run: () => s18(),
  },
  {
    id: 'S19',
    name: 'newcomers without anything join leaders whose window begins with a snapshot',
    guard: guard(
      'core/database.ts: a window begins with the state that was loaded',
      'core/database.js',
      'limits.committedLogBytes, zxid)',
      'limits.committedLogBytes, 0)',
    ),
    run: (tell) => withEnsemble({ tell, plan: { snapCount: 4 } }, s19),
  },
  {
    id: 'S22',
    name: 'a follower that begins to serve has what was committed',
    guard: guard(
      'core/roles/learning.ts: #upToDate applies the initial history first',
      LEARNING,
      'this.#pipeline.applyUpTo(Math.max(this.#initialZxid, this.#committedZxid));',
      '',
    ),
    run: (tell) => {
      withEnsemble({ tell }, s22);
      withEnsemble({ tell }, s22Behind);
    },
  },
  {
    id: 'S25',
    name: 'a learner stops reading in the middle of a SNAP',
    guard: guard(
      'driver/peer-runner.ts: #scheduleFeed waits for the link',
      'driver/peer-runner.js',
      'if (this.#feeding.some((link) => quorum.unsent(link) > FEED_HIGH_WATER))\n                return;',
      '',
    ),
    run: (tell) => withEnsemble({ tell, plan: SMALL_WINDOW }, s25),
  },
  {
    id: 'S26',
    name: 'a follower acknowledges NEWLEADER on two connections, and an observer does',
    guard: {
      where:
        'core/roles/leading.ts: #synced is a set of server ids; core/membership/quorum-rule.ts counts voters alone',
      edits: null,
      why: 'nothing counts messages: whoever has acknowledged is looked up for each voter of the membership',
    },
    run: (tell) => withEnsemble({ voters: 5, observers: 1, tell }, s26),
  },
];
