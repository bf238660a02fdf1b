import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard, guardOf } from './guards.ts';
import { Packet } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { isEpochAck, isTxnAck, leaveBehind, leaveBehindInNewEpoch, loneTail } from './setups.ts';

const LEARNING = 'core/roles/learning.js';

function s01(e: Ensemble, count: number): void {
  loneTail(e, count);
  e.until('server 3 looks for followers', () => e.roleName(3) === 'looking');
  let unfinished = 0;
  for (const sid of [1, 2]) {
    e.node(sid).diskSlowness = 1000;
    e.on({ from: 3, to: sid, type: Packet.newLeader }, () =>
      e.later(1, () => (unfinished += e.node(sid).disk.pending > 0 ? 1 : 0)),
    );
  }
  // They must not elect one another.
  e.link(1, 2, 'silent');
  e.link(2, 1, 'silent');
  e.start(1, 2);
  e.until('server 3 leads again', () => e.leader === 3);
  e.reached('a follower was writing when NEWLEADER came', unfinished > 0);
  const established = e.committed;
  for (const sid of [1, 2, 3]) e.crash(sid);
  e.node(1).diskSlowness = 1;
  e.node(2).diskSlowness = 1;
  e.heal();
  e.start(1, 2);
  e.commits();
  e.agree();
  e.expect('what the leader had established is there', e.committed > established);
  e.settles();
}

/** Returns false when the crash came behind the synchronisation. */
function s02(e: Ensemble, nth: number): boolean {
  leaveBehindInNewEpoch(e, 3);
  let crashed = false;
  e.once({ from: 3, to: 1, type: Packet.diff }, () => e.crashAtDisk(1, nth));
  e.start(1);
  e.until('server 1 crashes, or is synchronised', () => {
    crashed = !e.node(1).isUp;
    return crashed || e.serves(1);
  });
  e.crash(1);
  e.crash(3);
  e.start(1, 2);
  e.commits();
  e.agree();
  e.settles();
  return crashed;
}

function s03(e: Ensemble): void {
  leaveBehind(e, 3);
  const order: string[] = [];
  e.on({ from: 1, to: 3, type: Packet.ack, when: isEpochAck }, () => order.push('epoch'));
  e.on({ from: 1, to: 3, type: Packet.ack, when: isTxnAck }, () => order.push('txn'));
  let between = 0;
  e.on(
    { from: 3, to: 1, type: Packet.proposal },
    () => (between += order.length === 0 && e.sent(3, 1, Packet.newLeader) > before ? 1 : 0),
  );
  const before = e.sent(3, 1, Packet.newLeader);
  const client = e.attached(3);
  let writing = true;
  const write = (): void => {
    if (!writing) return;
    client.put();
    e.later(0.5, write);
  };
  write();
  e.node(1).diskSlowness = 30;
  e.start(1);
  e.until('server 1 serves', () => e.serves(1));
  e.run(50);
  writing = false;
  e.reached('proposals came between NEWLEADER and its acknowledgement', between > 0);
  e.expect('NEWLEADER is acknowledged before any proposal', order[0] === 'epoch' && order.includes('txn'));
  e.expect('it was synchronised once', e.sent(3, 1, Packet.newLeader) === before + 1);
  e.agree();
  e.settles();
}

/** A proposal that comes before NEWLEADER, as Apache's leaders may send it, and is committed by its acknowledgement alone. */
function s04(e: Ensemble, releaseAt: 'never' | 'before the acknowledgement' | 'behind it'): void {
  leaveBehind(e, 2);
  const client = e.attached(3);
  const held = e.hold({ from: 2, to: 3, type: Packet.ack, when: isTxnAck });
  const write = client.put();
  e.until('the acknowledgement of server 2 is held', () => held.isReached);
  let swapped = false;
  e.swap({ from: 3, to: 1, type: Packet.newLeader }, () => {
    swapped = true;
  });
  const late = e.hold({ from: 1, to: 3, type: Packet.ack, when: isEpochAck });
  const joins = e.sent(1, 3, Packet.followerInfo);
  e.start(1);
  e.until('NEWLEADER is acknowledged', () => late.isReached);
  e.reached('the proposal has overtaken NEWLEADER', swapped);
  if (releaseAt === 'before the acknowledgement') {
    held.release();
    e.until('the write is committed', () => write.zxid !== null);
  }
  late.release();
  if (releaseAt === 'behind it') held.release();
  e.until('the write is committed', () => write.zxid !== null, 5000);
  e.until('server 1 serves', () => e.serves(1), 5000);
  held.release();
  e.agree();
  e.has([write]);
  e.expect('it was synchronised once', e.sent(1, 3, Packet.followerInfo) === joins + 1);
  e.settles();
}

/** Server 3, which led, is gone: the other two go on with the same history. */
function servesWithoutLeader(e: Ensemble): void {
  e.crash(3);
  e.node(1).diskSlowness = 1;
  e.start(1, 2);
  e.commits();
  e.agree();
  e.settles();
}

function s05(e: Ensemble): void {
  leaveBehindInNewEpoch(e, 4);
  const { committed } = e;
  let acked = false;
  e.node(1).diskSlowness = 1000;
  e.once({ from: 1, to: 3, type: Packet.ack, when: isEpochAck }, () => {
    acked = true;
    e.crashSoon(1);
  });
  e.start(1);
  e.until('server 1 has acknowledged NEWLEADER and lost its power', () => acked && !e.node(1).isUp);
  e.reached('it was synchronised by DIFF', e.sent(3, 1, Packet.diff) > 0);
  e.expect('everything that was synchronised is on its disk', e.watched(1).durable.reaches(committed));
  servesWithoutLeader(e);
}

/** `at`: how many records of the DIFF arrive before the follower goes down; with all of them NEWLEADER arrives too. */
function s06(e: Ensemble, at: number, how: 'stop' | 'kill'): void {
  const count = 4;
  leaveBehindInNewEpoch(e, count);
  const { committed } = e;
  const down = (): void => (how === 'kill' ? e.kill(1) : e.node(1).stopOrderly());
  let seen = 0;
  const held = e.hold({
    from: 3,
    to: 1,
    type: at < count ? Packet.proposal : Packet.upToDate,
    when: () => seen++ >= (at < count ? at : 0),
  });
  e.node(1).diskSlowness = 300;
  let stopped = false;
  if (at === count) {
    e.once({ from: 3, to: 1, type: Packet.newLeader }, () =>
      e.later(1, () => {
        stopped = true;
        down();
      }),
    );
  }
  e.start(1);
  if (at < count) {
    e.until('the DIFF is held', () => held.isReached);
    e.run(2);
    stopped = true;
    down();
  }
  e.until('server 1 is bounced', () => stopped && !e.node(1).isUp);
  const { durable } = e.watched(1);
  e.expect('it entered the epoch only with all of its history', durable.currentEpoch < 2 || durable.reaches(committed));
  held.release();
  servesWithoutLeader(e);
}

const JOIN = ['followerInfo', 'leaderInfo', 'ackEpoch', 'diff', 'newLeader', 'ack', 'upToDate'] as const;

/** Writes `count` txns as a packet of the join leaves, each once the one before is committed, or all at once. */
function s23(e: Ensemble, moment: (typeof JOIN)[number], count: number, inTurn: boolean): void {
  leaveBehind(e, 2);
  const client = e.attached(3);
  const toLeader = moment === 'followerInfo' || moment === 'ackEpoch' || moment === 'ack';
  const rule = { from: toLeader ? 1 : 3, to: toLeader ? 3 : 1, type: Packet[moment] };
  const before = e.sent(1, 3, Packet.followerInfo);
  let isOver = false;
  e.on(rule, () => {
    if (isOver) return;
    isOver = true;
    e.soon(() => client.put());
    for (let i = 1; i < count; i++) inTurn ? e.later(1.5 * i, () => client.put()) : e.soon(() => client.put());
  });
  // The way from the follower to the leader is long: there is room between its packets.
  e.cluster.network.link(e.node(1).host, e.node(3).host).delay = 5000;
  // Acknowledgements take long, too: proposals are outstanding when the join goes on.
  e.cluster.network.link(e.node(2).host, e.node(3).host).delay = 8000;
  e.start(1);
  e.until('server 1 serves', () => e.serves(1));
  e.until(
    'the writes are answered',
    () => client.writes.length >= count && client.writes.every(({ zxid }) => zxid !== null),
  );
  e.reached('the writes came during the join', isOver);
  e.agree();
  e.expect('it joined at the first attempt', e.sent(1, 3, Packet.followerInfo) === before + 1);
}

export const JOINING: readonly Scenario[] = [
  {
    id: 'S01',
    name: 'all lose their power right after a quorum has acknowledged NEWLEADER',
    guard: guardOf(
      'core/roles/learning.ts: #acknowledgeLeader waits for the disk',
      'NEWLEADER acknowledged before the history is durable',
    ),
    run: (tell) => {
      for (let count = 1; count <= 3; count++) withEnsemble({ seed: count, tell }, (e) => s01(e, count));
    },
  },
  {
    id: 'S02',
    name: 'a crash before each disk operation of a DIFF, with a survivor of the epoch before',
    guard: guardOf(
      'core/roles/learning.ts: #acknowledgeLeader enters the epoch last',
      'epoch raised before the history is durable',
    ),
    run: (tell) => {
      let crashes = 0;
      for (let nth = 1, goesOn = true; goesOn; nth++) {
        withEnsemble({ seed: nth, tell }, (e) => {
          goesOn = s02(e, nth);
          if (goesOn) crashes++;
          else e.reached('several places for a crash', crashes >= 5);
        });
      }
    },
  },
  {
    id: 'S03',
    name: 'proposals overtake the disk of a follower that joins',
    guard: guard(
      'core/roles/learning.ts: durable acknowledges txns only behind NEWLEADER',
      LEARNING,
      "        if (this.#phase === 'persisting')\n            this.#acknowledgeLeader();\n        if (this.#phase === 'acknowledged' || this.#phase === 'serving')\n            this.#acknowledgeTxns();",
      "        if (this.#phase !== 'connecting' && this.#phase !== 'discovery')\n            this.#acknowledgeTxns();\n        if (this.#phase === 'persisting')\n            this.#acknowledgeLeader();",
    ),
    run: (tell) => withEnsemble({ tell }, s03),
  },
  {
    id: 'S04',
    name: 'COMMIT for a proposal that came before NEWLEADER',
    guard: guard(
      'core/roles/learning.ts: #newLeader leaves uncommitted txns to be acknowledged one by one',
      LEARNING,
      'this.#ackedZxid = Math.max(this.#initialZxid, this.#committedZxid);',
      'this.#ackedZxid = this.#pipeline.appendedZxid;',
    ),
    run: (tell) => {
      for (const at of ['never', 'before the acknowledgement', 'behind it'] as const)
        withEnsemble({ tell }, (e) => s04(e, at));
    },
  },
  {
    id: 'S05',
    name: 'committed txns of a DIFF survive the power cut behind the acknowledgement',
    guard: guardOf(
      'core/roles/learning.ts: #acknowledgeLeader waits for the disk',
      'NEWLEADER acknowledged before the history is durable',
    ),
    run: (tell) => withEnsemble({ tell }, s05),
  },
  {
    id: 'S06',
    name: 'a follower is bounced at each record of a DIFF',
    guard: guardOf(
      'core/roles/learning.ts: #acknowledgeLeader enters the epoch last',
      'epoch raised before the history is durable',
    ),
    run: (tell) => {
      for (let at = 0; at <= 4; at++) {
        withEnsemble({ seed: at + 1, tell }, (e) => s06(e, at, 'stop'));
        withEnsemble({ seed: at + 1, tell }, (e) => s06(e, at, 'kill'));
      }
    },
  },
  {
    id: 'S23',
    name: 'one proposal at each moment of a join',
    guard: guard(
      'core/zab/learner-handler.ts: isForwarding from NEWLEADER on',
      'core/zab/learner-handler.js',
      "return this.stage === 'newLeader' || this.stage === 'synced'",
      "return this.stage === 'synced'",
    ),
    run: (tell) => {
      for (const moment of JOIN) withEnsemble({ tell }, (e) => s23(e, moment, 1, false));
    },
  },
  {
    id: 'S24',
    name: 'two proposals at each moment of a join, together and one after the other',
    guard: guard(
      'core/roles/leading.ts: #newLeader hands outstanding proposals over',
      'core/roles/leading.js',
      'for (let i = proposals.indexAfter(this.#committed); i < proposals.indexAfter(this.#announced); i++)',
      'for (const i of [])',
    ),
    run: (tell) => {
      for (const moment of JOIN) {
        withEnsemble({ tell }, (e) => s23(e, moment, 2, false));
        withEnsemble({ tell }, (e) => s23(e, moment, 2, true));
      }
    },
  },
];
