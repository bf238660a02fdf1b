/**
 * Small ensembles, every order in which their messages can arrive. What a server does depends on what it has received and in
 * which order, nothing else: so two schedules with the same order at each server are one, and each is run once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FastElection, type OwnStanding } from '../../src/core/election/fast-election.ts';
import { beats } from '../../src/core/election/vote.ts';
import { EPOCH, membershipOf } from './cluster.ts';

interface Start {
  readonly zxid: number;
  readonly peerEpoch: number;
  readonly mayVote?: OwnStanding['mayVote'];
  /** Elections that this process has had before. */
  readonly earlierRounds?: number;
}

/** Three servers and the messages between them. A step is the arrival of the oldest message on one of the six ways. */
class Trio {
  readonly elections = new Map<number, FastElection>();
  readonly #ways = new Map<string, Uint8Array[]>();
  readonly #received = new Map<number, string[]>();
  #nowMs = 1;

  constructor(starts: readonly Start[]) {
    const membership = membershipOf(starts.map((_, i) => ({ sid: i + 1 })));
    for (const [i, { zxid, peerEpoch, mayVote, earlierRounds }] of starts.entries()) {
      const sid = i + 1;
      const election = new FastElection({
        sid,
        minNotificationIntervalMs: 200,
        maxNotificationIntervalMs: 60_000,
        finalizeWaitMs: 200,
        reconfigEnabled: false,
      });
      election.configure(membership, membership);
      for (let round = 0; round <= (earlierRounds ?? 0); round++) {
        election.takeSends();
        election.start(0, { zxid, peerEpoch, participant: true, mayVote: mayVote ?? 'yes' });
      }
      this.elections.set(sid, election);
      this.#received.set(sid, []);
    }
    for (const sid of this.elections.keys()) this.#collect(sid);
  }

  ways(): string[] {
    return [...this.#ways].filter(([, queue]) => queue.length > 0).map(([way]) => way);
  }

  deliver(way: string): void {
    const [from, to] = way.split('>').map(Number) as [number, number];
    const payload = this.#ways.get(way)!.shift()!;
    this.#received.get(to)!.push(way);
    this.elections.get(to)!.receive(from, payload, this.#nowMs);
    this.#collect(to);
  }

  /** Lets the next timer of one that still looks go off; false when nobody looks any more. */
  tick(): boolean {
    const looking = [...this.elections].filter(([, { outcome }]) => outcome === null);
    const [next] = looking.sort(([, a], [, b]) => a.wakeAtMs - b.wakeAtMs);
    if (next === undefined) return false;
    const [sid, election] = next;
    this.#nowMs = Math.max(this.#nowMs, election.wakeAtMs);
    election.tick(this.#nowMs);
    this.#collect(sid);
    return true;
  }

  /** Who has received what in which order; the rest follows from it. */
  key(): string {
    return [...this.#received.values()].map((ways) => ways.join()).join('|');
  }

  #collect(from: number): void {
    for (const { to, payload } of this.elections.get(from)!.takeSends()) {
      const way = `${from}>${to}`;
      const queue = this.#ways.get(way);
      if (queue === undefined) this.#ways.set(way, [payload]);
      else queue.push(payload);
    }
  }
}

interface Explored {
  states: number;
  ends: number;
  truncated: number;
}

/** Runs every schedule up to `depth` arrivals; `atEnd` sees each state in which nothing is under way. */
function explore(starts: readonly Start[], depth: number, limit: number, atEnd: (trio: Trio) => void): Explored {
  const explored: Explored = { states: 0, ends: 0, truncated: 0 };
  const seen = new Set<string>();
  const pending: string[][] = [[]];
  while (pending.length > 0 && explored.states < limit) {
    const schedule = pending.pop()!;
    const trio = new Trio(starts);
    for (const way of schedule) trio.deliver(way);
    const key = trio.key();
    if (seen.has(key)) continue;
    seen.add(key);
    explored.states++;
    const ways = trio.ways();
    if (ways.length === 0) {
      explored.ends++;
      atEnd(trio);
    } else if (schedule.length >= depth) {
      explored.truncated++;
    } else {
      for (const way of ways) pending.push([...schedule, way]);
    }
  }
  return explored;
}

function bestOf(starts: readonly Start[]): number {
  const candidates = starts.map(({ zxid, peerEpoch }, i) => ({ leader: i + 1, zxid, peerEpoch }));
  const able = candidates.filter((_, i) => (starts[i]!.mayVote ?? 'yes') === 'yes');
  const best = (able.length > 0 ? able : candidates).reduce((a, b) => (beats(b, a) ? b : a));
  return best.leader;
}

/** Lets the timers of those who still look pass until all have ended, delivering everything at once. */
function finish(trio: Trio): void {
  for (let i = 0; i < 100; i++) {
    const ways = trio.ways();
    for (const way of ways) trio.deliver(way);
    if (ways.length === 0 && !trio.tick()) return;
  }
}

const even: Start = { zxid: EPOCH, peerEpoch: 1 };
const longer: Start = { zxid: EPOCH + 1, peerEpoch: 1 };
const newer: Start = { zxid: 0, peerEpoch: 2 };
const later: Start = { ...even, earlierRounds: 2 };
const blank: Start = { zxid: 0, peerEpoch: 0, mayVote: 'blank' };
const damaged: Start = { zxid: 0, peerEpoch: 1, mayVote: 'no' };

const cases: readonly (readonly Start[])[] = [
  [even, even, even],
  [longer, even, even],
  [even, longer, even],
  [newer, longer, even],
  [even, longer, newer],
  [later, even, even],
  [longer, later, even],
  [blank, blank, blank],
  [blank, even, even],
  [even, longer, blank],
  [even, damaged, even],
];

test('whatever the order of arrival, all three servers elect the best, and then stop talking', (t) => {
  let [states, ends] = [0, 0];
  for (const starts of cases) {
    const best = bestOf(starts);
    // Most cases are complete with this; those with different rounds or only blank servers have many more states.
    const explored = explore(starts, 40, 3000, (trio) => {
      finish(trio);
      for (const [sid, election] of trio.elections) {
        assert.equal(election.outcome?.leader, best, `${sid} of ${JSON.stringify(starts)}: ${trio.key()}`);
      }
    });
    assert.ok(explored.ends > 0, JSON.stringify(starts));
    assert.equal(explored.truncated, 0, JSON.stringify(starts));
    states += explored.states;
    ends += explored.ends;
  }
  t.diagnostic(`${states} states, ${ends} ends`);
});

test('a quorum that waits for better candidates goes on with its candidate into a later round', () => {
  const membership = membershipOf([{ sid: 1 }, { sid: 2 }, { sid: 3 }]);
  const settings = {
    minNotificationIntervalMs: 200,
    maxNotificationIntervalMs: 60_000,
    finalizeWaitMs: 200,
    reconfigEnabled: false,
  };
  const [two, three] = [2, 3].map((sid) => new FastElection({ sid, ...settings })) as [FastElection, FastElection];
  for (const election of [two, three]) election.configure(membership, membership);
  const own: OwnStanding = { zxid: EPOCH + 1, peerEpoch: 1, participant: true, mayVote: 'yes' };
  const toTwo = (nowMs: number): void => {
    for (const { to, payload } of three.takeSends()) if (to === 2) two.receive(3, payload, nowMs);
  };
  two.start(0, own);
  three.start(0, own);
  toTwo(1);
  const early = two.outcome;
  assert.equal(early, null, 'server 1 may still speak');
  three.start(2, own);
  toTwo(3);
  two.tick(250);
  assert.deepEqual([two.outcome?.leader, two.outcome?.electionEpoch], [3, 2]);
});
