import { SimulatedDiskError } from '@headkeeper/testkit';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard, guardOf } from './guards.ts';
import { Packet } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { isEpochAck, led, loneTail } from './setups.ts';

const RUNNER = 'driver/peer-runner.js';
const TRUNCATES = guardOf('core/roles/learning.ts: #truncate', 'skipped TRUNC');

/** Server 3 has a tail of its own; the others go on without it in a new epoch, led by server 2. */
function others(e: Ensemble, tail: number, more: number): void {
  loneTail(e, tail);
  e.isolate([3]);
  e.crash(3);
  e.start(1, 2);
  e.until('server 2 leads', () => e.leader === 2);
  const client = e.attached(2);
  e.write(client, more);
  e.heal();
}

function s09(e: Ensemble, index: number): boolean {
  others(e, 2, 3);
  let seen = -1;
  let cut = false;
  e.once({ from: 2, to: 3, type: Packet.trunc }, () => {
    seen = 0;
  });
  e.cut({ from: 2, to: 3, type: Packet.any, when: () => seen >= 0 && seen++ === index }, 0, () => {
    cut = true;
    e.reset(2, 3);
  });
  e.start(3);
  e.until('server 3 follows', () => e.serves(3));
  e.run(20);
  e.reached('it was told to cut its log', e.sent(2, 3, Packet.trunc) > 0);
  const client = e.attached(2);
  e.write(client, 2);
  e.until('server 3 has it all', () => e.applied(3) === e.committed);
  e.powerCycle(3);
  e.agree();
  e.crash(2);
  e.commits();
  e.settles();
  return cut;
}

/** The tail is in the tree: its server has read it back from its log, and looked for a leader with it. */
function s12(e: Ensemble, restarts: boolean): void {
  loneTail(e, 1);
  const tail = e.watched(3).durable.last;
  e.isolate([3]);
  if (restarts) {
    e.kill(3);
    e.start(3);
    e.until('its state has the tail', () => e.applied(3) === tail);
  } else {
    e.until('it looks', () => e.roleName(3) === 'looking');
  }
  e.start(1, 2);
  e.until('server 2 leads', () => e.leader === 2);
  e.commits();
  e.heal();
  e.until('server 3 follows', () => e.serves(3));
  e.reached('its log was cut', e.sent(2, 3, Packet.trunc) > 0);
  e.agree();
  e.expect(
    'the tail is gone from its disk',
    e.watched(3).durable.holds(tail, 0) === false && !e.watched(3).durable.reaches(tail),
  );
  e.settles();
}

/** Fails the nth operation behind TRUNC; false when the server was done before that. */
function s14(e: Ensemble, nth: number, code: string): boolean {
  others(e, 3, 2);
  e.cluster.mayFail.add(3);
  let left = 0;
  let failed = false;
  e.once({ from: 2, to: 3, type: Packet.trunc }, () => {
    left = nth;
  });
  const held = e.hold({ from: 2, to: 3, type: Packet.newLeader });
  e.onDisk(3, (operation, path) => {
    if (left === 0 || --left > 0) return;
    failed = true;
    throw new SimulatedDiskError(code, operation, path);
  });
  e.start(3);
  e.until('server 3 ends, or has cut its log', () => !e.node(3).isUp || held.isReached);
  e.run(20);
  left = 0;
  if (failed && e.node(3).isUp) e.expect('a failed cut does not lead to a synchronisation', held.isReached === false);
  held.release();
  if (!failed) return false;
  e.expect(
    'the server has ended',
    e.cluster.ends.some(({ sid, how }) => sid === 3 && how === 'fatal'),
  );
  e.expect('it has not acknowledged the new leader', e.sent(3, 2, Packet.ack) === 0);
  e.start(3);
  e.until('server 3 follows', () => e.serves(3));
  e.agree();
  return true;
}

function s15(e: Ensemble, before: number, tail: number): void {
  led(e);
  const client = e.attached(3);
  e.write(client, before);
  loneTail(e, tail, true);
  const base = e.committed;
  e.isolate([3]);
  e.crash(3);
  e.start(1, 2);
  e.until('server 2 leads', () => e.leader === 2);
  e.commits();
  e.heal();
  let ended = 0;
  e.on({ from: 3, to: 2, type: Packet.ack, when: isEpochAck }, () => {
    ended = Math.max(ended, e.watched(3).durable.reaches(base) ? 1 : -1);
  });
  e.start(3);
  e.until('server 3 follows', () => e.serves(3));
  e.reached('its log was cut', e.sent(2, 3, Packet.trunc) > 0);
  e.expect('what was committed was not cut off', ended === 1);
  e.agree();
  e.powerCycle(3);
  e.agree();
}

/** Which of three servers is up in which phase: two at a time, each pair making an epoch, a write in it or a tail. */
function s16(e: Ensemble, phases: readonly number[]): void {
  const pairs = [
    [1, 2],
    [1, 3],
    [2, 3],
  ];
  led(e);
  e.write(e.attached(3), 1);
  for (const sid of e.sids) e.crash(sid);
  for (const [i, phase] of phases.entries()) {
    const pair = pairs[phase] as number[];
    e.start(...pair);
    e.until('the pair has a leader', () => pair.includes(e.leader));
    const { leader } = e;
    const other = pair.find((sid) => sid !== leader) as number;
    e.until('it is followed', () => e.serves(other));
    const client = e.attached(leader);
    // In every other phase something is committed; in each the leader alone logs something more.
    if (i % 2 === 0) e.write(client);
    const held = e.hold({ from: leader, to: other, type: Packet.proposal });
    const { last } = e.watched(leader).durable;
    client.put();
    e.until('it has a tail', () => e.watched(leader).durable.last > last);
    e.reached('nobody else has it', held.isReached);
    for (const sid of pair) e.crash(sid);
    held.release();
  }
  e.settles();
}

function e10(e: Ensemble): void {
  loneTail(e, 1);
  const tail = e.watched(3).durable.last;
  e.crash(3);
  e.start(1, 2);
  e.until('server 2 leads', () => e.leader === 2);
  e.write(e.attached(2), 3);
  const { committed } = e;
  e.reached('the tail lies in the window of numbers', tail < committed);
  e.start(3);
  e.until('server 3 follows', () => e.serves(3));
  e.expect(
    'its last txn was not taken for one of the leader',
    e.sent(2, 3, Packet.trunc) + e.sent(2, 3, Packet.snap) === 1,
  );
  e.agree();
  e.expect('the tail is gone from its disk', !e.watched(3).durable.reaches(tail));
  e.settles();
}

export const CUTTING: readonly Scenario[] = [
  {
    id: 'E10',
    name: 'a former leader comes back with one record more, inside the window of numbers',
    guard: guardOf('core/zab/sync-plan.ts: planSync asks whether the zxid is in the history', 'DIFF by number'),
    run: (tell) => withEnsemble({ tell }, e10),
  },
  {
    id: 'S09',
    name: 'a TRUNC synchronisation is cut behind each packet',
    guard: guard(
      'driver/peer-runner.ts: #carryOut cuts the log on the disk',
      RUNNER,
      'history.truncate(order.zxid);',
      '',
    ),
    run: (tell) => {
      let cuts = 0;
      for (let index = 0, goesOn = true; goesOn; index++) {
        withEnsemble({ seed: index + 1, tell }, (e) => {
          goesOn = s09(e, index);
          if (goesOn) cuts++;
          else e.reached('a cut behind each packet', cuts >= 9);
        });
      }
    },
  },
  {
    id: 'S12',
    name: 'a leader keeps its tree with a record that nobody else has',
    guard: TRUNCATES,
    run: (tell) => {
      withEnsemble({ tell }, (e) => s12(e, false));
      withEnsemble({ tell }, (e) => s12(e, true));
    },
  },
  {
    id: 'S14',
    name: 'each disk operation of a truncation fails',
    guard: guard(
      'driver/peer-runner.ts: #carryOut lets the errors of the disk end the process',
      RUNNER,
      "            if (!(error instanceof HistoryUnreachable) || order.kind === 'replace')\n                throw error;\n            this.#options.note(error.message);\n            unreachable = true;",
      '            journalAt = order.zxid;',
    ),
    run: (tell) => {
      for (const code of ['EIO', 'ENOSPC', 'EROFS']) {
        let failures = 0;
        for (let nth = 1, goesOn = true; goesOn; nth++) {
          withEnsemble({ seed: nth, tell }, (e) => {
            goesOn = s14(e, nth, code);
            if (goesOn) failures++;
            else e.reached('several operations that failed', failures >= 3);
          });
        }
      }
    },
  },
  {
    id: 'S15',
    name: 'TRUNC at the beginning, in the middle and at the end of log files',
    guard: guard(
      'adapters/disk/history-files.ts: endOf finds the place',
      RUNNER,
      'history.truncate(order.zxid);',
      'history.truncate(order.zxid - 1);',
    ),
    run: (tell) => {
      for (let before = 1; before <= 8; before++) {
        for (const tail of [1, 3])
          withEnsemble({ seed: before, tell, plan: { snapCount: 4 } }, (e) => s15(e, before, tail));
      }
    },
  },
  {
    id: 'S16',
    name: 'stale tails outlive leaders: every order of pairs, four phases deep',
    guard: TRUNCATES,
    run: (tell) => {
      // The first pair is the same up to the names of the servers.
      for (let n = 0; n < 27; n++) {
        withEnsemble({ seed: n + 1, tell }, (e) => s16(e, [2, n % 3, Math.floor(n / 3) % 3, Math.floor(n / 9)]));
      }
    },
  },
];
