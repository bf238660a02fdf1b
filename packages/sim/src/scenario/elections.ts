import { type Ensemble, withEnsemble } from './ensemble.ts';
import { byDesign, guard, guardOf } from './guards.ts';
import { Packet, type Seen } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { led } from './setups.ts';

const FINALIZE_WAIT_MS = 200;
/** An election among servers that can all hear one another, and the epoch and synchronisation behind it. */
const ELECTION_BOUND_MS = 1000;

/** Where a notification's fields are, behind its length (election-protocol reference, 3.1). */
const ELECTION_EPOCH_LOW = 28;
const PEER_EPOCH_LOW = 36;
const LEAST_NOTIFICATION = 44;

const isVote = ({ bytes }: Seen): boolean =>
  bytes.length >= LEAST_NOTIFICATION && new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) === bytes.length - 4;

/** All have the same history, are without power, and start anew. */
function prepared(e: Ensemble): void {
  led(e);
  e.write(e.attached(3), 2);
  e.run(50);
  for (const sid of e.sids) e.crash(sid);
}

/** A server restarts while the others report their leader in other rounds and epochs. */
function e01(e: Ensemble, rounds: readonly number[], epochs: readonly number[]): void {
  e.start();
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
  const { leader } = e;
  const followers = e.sids.filter((sid) => sid !== leader);
  const victim = followers[0] as number;
  let changed = 0;
  for (const [i, sid] of followers.slice(1).entries()) {
    e.on({ from: sid, to: victim, type: Packet.vote, when: isVote }, ({ bytes }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint32(ELECTION_EPOCH_LOW, view.getUint32(ELECTION_EPOCH_LOW) + (rounds[i] ?? 0));
      view.setUint32(PEER_EPOCH_LOW, Math.max(0, view.getUint32(PEER_EPOCH_LOW) - (epochs[i] ?? 0)));
      changed++;
    });
  }
  for (let i = 0; i < 3; i++) {
    e.powerCycle(victim);
    e.until('the server that restarted serves', () => e.serves(victim), 5000);
    e.expect('the leader is the same', e.leader === leader);
  }
  e.reached('it was told of other rounds', changed > 0);
}

/** The votes of the server with the largest id come just too late. */
function e02(e: Ensemble, delayMs: number): void {
  prepared(e);
  const holds = [1, 2].map((to) => e.hold({ from: 3, to, type: Packet.vote, when: isVote }));
  e.start();
  e.later(delayMs, () => {
    for (const hold of holds) hold.release();
  });
  const took = e.commits(10_000);
  e.reached(
    'a vote was held',
    holds.some((hold) => hold.isReached),
  );
  e.expect(`one round more at most (${took} ms)`, took <= 2 * FINALIZE_WAIT_MS + ELECTION_BOUND_MS);
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)), 5000);
}

/** The voter that has elected a leader forgets it, and is behind by rounds: it cannot know that it has one. */
function e02Disloyal(e: Ensemble): void {
  prepared(e);
  e.start(1, 2);
  e.until('server 2 leads', () => e.leader === 2);
  e.kill(1);
  e.until('server 2 looks', () => e.roleName(2) === 'looking');
  const held = e.hold({ from: 1, to: 2, type: Packet.followerInfo });
  e.start(1);
  e.until('server 2 waits for its follower', () => e.roleName(2) === 'leading' && held.isReached);
  e.crash(1);
  held.release();
  e.reached('it is not established', e.leader === 0);
  e.start(1);
  const took = e.commits(60_000);
  e.expect(`a leader that nobody wants gives up early (${took} ms)`, took < 5000);
}

function e03(e: Ensemble, cold: boolean): void {
  prepared(e);
  // A host that swallows everything, and comes first in everybody's list.
  e.isolate([1]);
  if (cold) e.start(2, 3);
  else {
    e.heal();
    e.start();
    e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
    e.isolate([1]);
    e.run(20_000);
    e.kill(e.leader);
    const down = [2, 3].find((sid) => !e.node(sid).isUp) as number;
    e.start(down);
  }
  const took = e.until('the others have a leader', () => e.leader > 1, 20_000);
  e.expect(
    `a host that says nothing delays nobody by more than the wait for votes (${took} ms)`,
    took < FINALIZE_WAIT_MS + 400,
  );
  e.commits(5000);
}

function e04(e: Ensemble): void {
  led(e);
  e.run(600_000);
  e.deafenElections();
  e.run(60_000);
  e.expect('nobody has noticed', e.leader === 3);
  e.kill(3);
  const took = e.until('the others have a leader', () => e.leader !== 0, 20_000);
  e.expect(`dead connections are replaced (${took} ms)`, took < 2000);
  e.commits(5000);
}

/** A message between servers ends in the middle, and its sender dies with it. */
function e05(e: Ensemble, type: (typeof Packet)['vote' | 'followerInfo' | 'ackEpoch' | 'ack'], step: number): number {
  led(e);
  const client = e.attached(2);
  e.crash(3);
  e.until('server 2 leads', () => e.leader === 2, 30_000);
  let longest = 0;
  for (const to of [1, 2]) {
    e.on({ from: 3, to, type }, ({ bytes }) => {
      longest = Math.max(longest, bytes.length);
    });
  }
  let cuts = 0;
  for (let at = 1; at === 1 || at < longest; at += at < 16 ? 1 : step) {
    let isCut = false;
    for (const to of [1, 2]) {
      e.cut({ from: 3, to, type, when: ({ bytes }) => !isCut && bytes.length > at }, at, () => {
        isCut = true;
        e.crash(3);
      });
    }
    e.start(3);
    e.until('server 3 dies, or serves', () => isCut || e.serves(3));
    if (isCut) cuts++;
    // Both others take part in the next election.
    e.kill(2);
    e.start(2);
    e.until(
      'servers 1 and 2 have a leader',
      () => (e.leader === 1 || e.leader === 2) && e.serves(1) && e.serves(2),
      15_000,
    );
    if (e.node(3).isUp) e.crash(3);
  }
  e.reached('messages were cut', cuts >= 8);
  e.write(client);
  e.settles();
  return cuts;
}

/** Which directed links are cut: a bit each. */
function e13(e: Ensemble, mask: number): void {
  led(e);
  const cut = new Set<string>();
  let bit = 0;
  for (const from of e.sids) {
    for (const to of e.sids) {
      if (from === to) continue;
      if ((mask >> bit++) & 1) {
        e.link(from, to, 'silent');
        cut.add(`${from}${to}`);
      }
    }
  }
  const isWhole = (a: number, b: number): boolean => !cut.has(`${a}${b}`) && !cut.has(`${b}${a}`);
  const hasQuorum = isWhole(1, 2) || isWhole(1, 3) || isWhole(2, 3);
  e.run(11_000);
  if (hasQuorum) e.commits(40_000);
  else e.run(20_000);
  e.heal();
  e.commits(40_000);
  e.agree();
}

function e14(e: Ensemble, factor: number): void {
  led(e);
  const syncLimitMs = 10_000;
  const client = e.patient(3);
  e.write(client);
  const epoch = e.epochOf(3);
  e.node(3).pause();
  const pauseMs = syncLimitMs * factor;
  e.run(pauseMs - 1);
  let answered = false;
  client.client.sync(() => {
    answered = true;
    const isOfThePast = e.roleName(3) === 'leading' && e.sids.some((sid) => e.epochOf(sid) > e.epochOf(3));
    e.expect('a sync is not answered by a leader of the past', !isOfThePast);
  });
  const late = client.put();
  e.run(1);
  const deposed = e.sids.some((sid) => sid !== 3 && e.epochOf(sid) > epoch);
  if (factor < 1 || factor > 1.2)
    e.reached('the others have another leader if the pause was long', deposed === factor > 1);
  e.node(3).resume();
  e.run(1);
  if (deposed) {
    e.expect('it does not lead any more', e.epochOf(3) === 0);
    e.expect('the sync is not answered', !answered);
    e.expect('the write is not answered', late.zxid === null);
  }
  e.run(500);
  if (!deposed) e.expect('the sync is answered', answered);
  e.commits();
  e.agree();
}

function e16(e: Ensemble): void {
  e.start();
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
  e.write(e.attached());
  e.run(50);
  for (const sid of e.sids) e.crash(sid);
  e.start();
  const took = e.until('a leader emerges', () => e.leader !== 0, 5000);
  e.expect(`soon (${took} ms)`, took < ELECTION_BOUND_MS);
  e.commits(5000);
}

export const ELECTIONS: readonly Scenario[] = [
  {
    id: 'E01',
    name: 'a server restarts while the others tell of their leader in different rounds and epochs',
    guard: guard(
      'core/election/fast-election.ts: #timeOut believes a leader whom a quorum names',
      'core/election/fast-election.js',
      'const known = this.#poll.knownLeader(this.#electorate);',
      'const known = null;',
    ),
    run: (tell) => {
      for (const rounds of [
        [0, 0, 0],
        [1, 2, 3],
        [5, 0, 1],
      ]) {
        for (const epochs of [
          [0, 0, 0],
          [1, 1, 0],
          [1, 2, 3],
        ]) {
          withEnsemble({ voters: 5, tell }, (e) => e01(e, rounds, epochs));
        }
      }
    },
  },
  {
    id: 'E02',
    name: 'a vote comes just behind the wait for it, and a voter forgets whom it has elected',
    guard: guard(
      'core/election/fast-election.ts: tick ends the wait for better candidates',
      'core/election/fast-election.js',
      'if (this.#running && nowMs >= this.#finalizeAtMs)',
      'if (false)',
    ),
    run: (tell) => {
      for (const delay of [150, 190, 210, 250, 400, 5000]) withEnsemble({ seed: delay, tell }, (e) => e02(e, delay));
      withEnsemble({ tell }, e02Disloyal);
    },
  },
  {
    id: 'E03',
    name: 'one host swallows everything while the others elect',
    guard: byDesign(
      'adapters/peer/election-links.ts: one attempt and one slot for each peer',
      'connections are made side by side and no vote waits for another server: the time that the election takes is asserted',
    ),
    run: (tell) => {
      withEnsemble({ tell }, (e) => e03(e, true));
      withEnsemble({ tell }, (e) => e03(e, false));
    },
  },
  {
    id: 'E04',
    name: 'every election connection is dead without anybody knowing when the leader dies',
    guard: guard(
      'adapters/peer/election-links.ts: #countUnanswered replaces silent connections',
      'adapters/peer/election-links.js',
      'if (peer.unanswered.sent(this.#options.clock.monotonicMs()))',
      'if (false)',
    ),
    run: (tell) => withEnsemble({ tell }, e04),
  },
  {
    id: 'E05',
    name: 'messages end at any byte, and their sender with them',
    guard: guard(
      'adapters/peer/election-links.ts: ended makes room for another connection',
      'adapters/peer/election-links.js',
      'if (peer === undefined || this.#isStopped)\n            return;\n        if (peer.live === stream) {',
      'if (isFault || peer !== undefined) return;\n        if (peer.live === stream) {',
    ),
    run: (tell) => {
      withEnsemble({ tell }, (e) => e05(e, Packet.vote, 37));
      withEnsemble({ tell }, (e) => e05(e, Packet.followerInfo, 7));
      withEnsemble({ tell }, (e) => e05(e, Packet.ackEpoch, 7));
    },
  },
  {
    id: 'E13',
    name: 'every set of one-way links between three servers is cut',
    guard: {
      where: 'core/zab/learner-handler.ts: overdue names learners that are not heard, or do not acknowledge',
      edits: [
        {
          file: 'core/zab/learner-handler.js',
          find: "if (silence > (this.stage === 'live' ? silentMs : initialMs))",
          put: 'if (false)',
        },
        {
          file: 'core/zab/learner-handler.js',
          find: "const waits = this.stage === 'live' && this.unackedZxid > 0",
          put: 'const waits = false',
        },
      ],
      why: null,
    },
    run: (tell) => {
      for (let mask = 0; mask < 64; mask++) withEnsemble({ seed: mask + 1, tell }, (e) => e13(e, mask));
    },
  },
  {
    id: 'E14',
    name: 'a leader stands still for less or more than its followers wait, and finds requests when it wakes',
    guard: {
      where:
        'core/roles/leading.ts: checkLease before anything else; core/roles/quorum-writes.ts: a quorum confirms a sync',
      edits: [
        { file: 'core/roles/leading.js', find: 'if (nowMs - this.#nextPingMs <= silentMs)', put: 'if (nowMs >= 0)' },
        ...(guardOf('', 'sync without asking').edits ?? []),
      ],
      why: null,
    },
    run: (tell) => {
      // What it finds when it wakes comes in any order.
      for (const factor of [0.9, 1.1, 1.3, 10]) {
        for (let seed = 1; seed <= 8; seed++) withEnsemble({ seed, tell }, (e) => e14(e, factor));
      }
    },
  },
  {
    id: 'E16',
    name: 'all start at the same moment with the same history and the same delays',
    guard: guard(
      'core/election/vote.ts: beats ends with the server id',
      'core/election/vote.js',
      'return a.leader > b.leader;',
      'return false;',
    ),
    run: (tell) => {
      for (const voters of [3, 5]) {
        for (let seed = 1; seed <= 5; seed++)
          withEnsemble({ voters, seed, tell, plan: { timerLateness: 0, diskDelay: 0 } }, e16);
      }
    },
  },
];
