/** Elections that went wrong once (known-failures, section 1) and the pitfalls of the election's reference (section 12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNotification, MIN_LONG, type Notification, ServerState } from '@headkeeper/protocol';
import { FastElection, type OwnStanding } from '../../src/core/election/fast-election.ts';
import { Cluster, EPOCH, membershipOf, type ServerPlan } from './cluster.ts';

const Z = 5 * EPOCH + 10;

function servers(count: number, zxid = Z, peerEpoch = 5): ServerPlan[] {
  return Array.from({ length: count }, (_, i) => ({ sid: i + 1, zxid, peerEpoch }));
}

/** A server on its own, with its messages. */
class Alone {
  readonly election: FastElection;
  readonly sent: { to: number; message: Uint8Array }[] = [];

  constructor(sid: number, voters: number, reconfigEnabled = false) {
    this.election = new FastElection({
      sid,
      minNotificationIntervalMs: 200,
      maxNotificationIntervalMs: 60_000,
      finalizeWaitMs: 200,
      reconfigEnabled,
    });
    const membership = membershipOf(servers(voters));
    this.election.configure(membership, membership);
  }

  start(own: Partial<OwnStanding> = {}, atMs = 0): void {
    this.election.start(atMs, { zxid: Z, peerEpoch: 5, participant: true, mayVote: 'yes', ...own });
  }

  hear(from: number, vote: Partial<Notification>, atMs = 1): void {
    const message = {
      state: 0,
      leader: from,
      zxid: Z,
      electionEpoch: 1,
      peerEpoch: 5,
      version: 2,
      config: null,
      ...vote,
    };
    this.election.receive(from, encodeNotification(message as Notification), atMs);
  }

  takeReceivers(): number[] {
    return this.election.takeSends().map(({ to }) => to);
  }
}

const FOLLOWING = { state: ServerState.following };
const LEADING = { state: ServerState.leading };
const LOOKING = { state: ServerState.looking };

test('three servers that start together elect the best one without waiting for a timer', () => {
  const cluster = new Cluster({ servers: servers(3) });
  cluster.startAll();
  const took = cluster.runUntil(() => cluster.settled, 100);
  assert.equal(cluster.server(3).role, 'leading');
  assert.ok(took < 30, `${took} ms`);
});

test('a leader that is killed is replaced without waiting for a timer', () => {
  const cluster = new Cluster({ servers: servers(3) });
  cluster.startAll();
  cluster.runUntil(() => cluster.settled, 100);
  cluster.crash(3);
  const took = cluster.runUntil(() => cluster.settled, 200);
  assert.equal(cluster.server(2).role, 'leading');
  assert.ok(took < 60, `${took} ms`);
});

test('a voter that is silent on an open connection is waited for, as long as the reference says', () => {
  const cluster = new Cluster({ servers: servers(3) });
  cluster.startAll();
  cluster.runUntil(() => cluster.settled, 100);
  cluster.passes = (from) => from !== 3;
  for (const sid of [1, 2]) cluster.cut(3, sid, 'silent');
  const before = cluster.nowMs;
  cluster.runUntil(() => cluster.server(2).established && cluster.server(2).role === 'leading', 400);
  const waited = cluster.server(2).electedAtMs - before;
  assert.ok(waited >= 200 && waited < 300, `${waited} ms`);
});

test('E01: a restarted server joins whatever rounds, epochs and zxids the others remember', () => {
  const own = { zxid: Z, peerEpoch: 5 };
  const epochs = [5, 6];
  const rounds = [1, 2, 7];
  const zxids = [0, Z + 1];
  let combinations = 0;
  for (const myRound of [1, 2, 3]) {
    for (const choice of product([epochs, epochs, epochs, rounds, rounds, rounds, zxids])) {
      const [e2, e3, e5, r2, r3, r5, zxid] = choice as [number, number, number, number, number, number, number];
      const joiner = new Alone(4, 5);
      for (let i = 0; i < myRound; i++) joiner.start(own, 0);
      const answer = (atMs: number): void => {
        joiner.hear(2, { ...FOLLOWING, leader: 5, zxid: Z, peerEpoch: e2, electionEpoch: r2 }, atMs);
        joiner.hear(3, { ...FOLLOWING, leader: 5, zxid: zxid, peerEpoch: e3, electionEpoch: r3 }, atMs);
        joiner.hear(5, { ...LEADING, leader: 5, zxid: Z, peerEpoch: e5, electionEpoch: r5 }, atMs);
      };
      answer(1);
      if (joiner.election.outcome === null) joiner.election.tick(200);
      assert.equal(currentLeader(joiner), 5, `${choice} ${myRound}`);
      combinations++;
    }
  }
  assert.equal(combinations, 3 * 2 ** 3 * 3 ** 3 * 2);
});

test('E01: a server that restarts again and again joins each time', () => {
  const cluster = new Cluster({ servers: servers(5), seed: 3, latency: (random) => 1 + random.below(20) });
  cluster.startAll();
  // Server 2 hears of the election only after the others have opened their epoch.
  cluster.passes = (_from, to) => to !== 2 || cluster.nowMs > 300;
  cluster.runUntil(() => cluster.settled, 1500);
  cluster.passes = () => true;
  for (let i = 0; i < 20; i++) {
    const follower = 1 + (i % 4);
    cluster.crash(follower);
    cluster.run(i * 7);
    cluster.start(follower);
    const took = cluster.runUntil(() => cluster.settled, 1000, `join ${i}`);
    assert.ok(took < 450, `join ${i} took ${took} ms`);
  }
});

test('E02: a vote that comes just after the end costs one more round at most', () => {
  for (const late of [3, 2, 1]) {
    for (const delay of [1, 150, 199, 200, 201, 202, 205, 250, 400]) {
      const cluster = new Cluster({
        servers: servers(3),
        latency: (_random, from) => (from === late ? delay : 1),
      });
      cluster.startAll();
      const took = cluster.runUntil(() => cluster.settled, 3000, `server ${late} late by ${delay} ms`);
      assert.ok(took <= 2 * (200 + delay) + 100, `server ${late} late by ${delay} ms: ${took} ms`);
      const rounds = [...cluster.servers.values()].map((s) => s.elected!.electionEpoch);
      assert.ok(Math.max(...rounds) <= 2, `${rounds}`);
    }
  }
});

test('E02: a leader knows when those that elected it look for another', () => {
  const leader = new Alone(2, 3);
  leader.start();
  leader.hear(1, { leader: 2 });
  leader.election.linkChanged(3, false, 2);
  assert.deepEqual(leader.election.outcome, { leader: 2, zxid: Z, electionEpoch: 1, peerEpoch: 5 });
  leader.election.become('leading');
  assert.equal(leader.election.unwanted, false);
  leader.hear(1, { leader: 2 });
  leader.hear(3, { leader: 3 });
  assert.equal(leader.election.unwanted, false, 'a late vote for it, and one of a voter that never chose it');
  leader.hear(1, { leader: 3 });
  assert.equal(leader.election.unwanted, true);
  leader.hear(1, { leader: 2 });
  assert.equal(leader.election.unwanted, false, 'it came back');
  leader.hear(1, { leader: 2, electionEpoch: 2 });
  assert.equal(leader.election.unwanted, true, 'it votes in another election');
  leader.start();
  assert.equal(leader.election.unwanted, false);
});

test('E02: a leader knows when one that elected it has started anew, and does not take an old vote for that', () => {
  const leader = new Alone(2, 2);
  leader.start();
  leader.start();
  leader.hear(1, { leader: 2, electionEpoch: 2 });
  assert.equal(leader.election.outcome?.electionEpoch, 2);
  leader.election.become('leading');
  const isUnwantedAfter = (vote: Partial<Notification>): boolean => {
    leader.hear(1, vote);
    return leader.election.unwanted;
  };
  assert.equal(isUnwantedAfter({ electionEpoch: 1 }), false, 'an answer that was overtaken');
  leader.election.linkChanged(1, true, 2);
  assert.equal(isUnwantedAfter({ electionEpoch: 1 }), false, 'sent again over a new connection');
  leader.election.linkChanged(1, false, 3);
  leader.election.linkChanged(1, true, 4);
  assert.equal(isUnwantedAfter({ electionEpoch: 1 }), false, 'and over another one');
  assert.equal(isUnwantedAfter({ leader: 2, electionEpoch: 2 }), false, 'it elects this server');
  assert.equal(isUnwantedAfter({ electionEpoch: 1 }), false);
  assert.equal(isUnwantedAfter({ electionEpoch: 1 }), true, 'it repeats itself');
});

test('E02: a leader whose elector looks for another waits for those that have come instead, and for one that comes back', () => {
  const leader = new Alone(2, 3);
  leader.start();
  leader.hear(1, { leader: 2 });
  leader.election.linkChanged(3, false, 2);
  leader.election.become('leading');
  leader.hear(1, { electionEpoch: 2 });
  assert.equal(leader.election.unwanted, true);
  leader.election.followedBy(3);
  assert.equal(leader.election.unwanted, false, 'server 3 did not elect it, and follows');
  leader.hear(3, { electionEpoch: 2 });
  assert.equal(leader.election.unwanted, true);
  leader.election.followedBy(1);
  assert.equal(leader.election.unwanted, false);
});

test('E02: a leader whose only elector starts anew, again and again, does not wait until its patience ends', () => {
  for (const apache of [false, true]) {
    const cluster = new Cluster({
      servers: servers(2).map((plan) => ({ ...plan, apache: apache && plan.sid === 1 })),
    });
    cluster.startAll();
    for (let i = 0; i < 2; i++) {
      cluster.runUntil(() => cluster.server(2).role === 'leading' && cluster.server(1).role === 'following', 2000);
      cluster.crash(1);
      cluster.run(20);
      assert.equal(cluster.server(2).established, false);
      cluster.start(1);
    }
    const took = cluster.runUntil(() => cluster.settled, 10_000);
    assert.ok(took < 1500, `${took} ms with a follower that is ${apache ? 'of Apache' : 'of this kind'}`);
  }
});

test('E03: a host that swallows packets does not stall the others', () => {
  const cluster = new Cluster({ servers: servers(5) });
  cluster.startAll();
  cluster.runUntil(() => cluster.settled, 100);
  for (const sid of [1, 2, 3, 4]) {
    cluster.cut(5, sid, 'silent');
    cluster.cut(sid, 5, 'silent');
  }
  cluster.crash(5);
  const before = cluster.nowMs;
  cluster.runUntil(() => [1, 2, 3, 4].every((sid) => cluster.server(sid).established), 500);
  const waited = cluster.server(4).electedAtMs - before;
  assert.ok(waited <= 300, `${waited} ms`);
});

test('E04: connections that went half open in a calm time are replaced', () => {
  const cluster = new Cluster({ servers: servers(3) });
  cluster.startAll();
  cluster.runUntil(() => cluster.settled, 100);
  cluster.run(600_000);
  // What is written into the old connections goes nowhere; new ones work.
  cluster.breakOpenConnections();
  cluster.crash(3);
  const took = cluster.runUntil(() => cluster.settled, 2000);
  assert.ok(took < 1000, `${took} ms`);
});

test('E16: servers that do everything at the same time agree', () => {
  for (const count of [2, 3, 4, 5, 6, 7]) {
    for (const latency of [0, 1, 50, 100, 199, 200, 201, 500]) {
      const cluster = new Cluster({ servers: servers(count), latency: () => latency });
      cluster.startAll();
      // Where every answer takes a second, connections are taken for dead and replaced in vain at first.
      cluster.runUntil(() => cluster.settled, latency < 500 ? 5000 : 8000, `${count} servers, ${latency} ms`);
      assert.equal(cluster.server(count).role, 'leading', `${count} servers, ${latency} ms`);
    }
  }
});

test('pitfall 2: a server in round 1 catches up with others in a later round', () => {
  const cluster = new Cluster({ servers: servers(3) });
  cluster.start(1);
  cluster.start(2);
  for (let i = 0; i < 6; i++) {
    cluster.runUntil(() => cluster.settled, 2000);
    cluster.crash(2);
    cluster.runUntil(() => cluster.server(1).role === 'looking', 500);
    cluster.start(2);
  }
  cluster.runUntil(() => cluster.settled, 2000);
  assert.ok(cluster.server(1).election!.round > 3);
  cluster.start(3);
  cluster.runUntil(() => cluster.settled, 1000);
  assert.equal(cluster.server(3).elected!.electionEpoch, cluster.server(1).elected!.electionEpoch);
});

test('pitfall 5: after the synchronisation the vote carries the new epoch, in the round of the election', () => {
  const leader = new Alone(2, 3);
  leader.start();
  leader.hear(1, { leader: 2 });
  leader.election.linkChanged(3, false, 2);
  leader.election.become('leading');
  leader.election.established(6);
  assert.deepEqual(leader.election.currentVote, { leader: 2, zxid: Z, electionEpoch: 1, peerEpoch: 6 });
});

test('pitfall 6: a quorum that follows a leader is not enough; the leader must say so itself', () => {
  const joiner = new Alone(1, 5);
  joiner.start();
  for (const sid of [2, 3, 4]) joiner.hear(sid, { ...FOLLOWING, leader: 5, electionEpoch: 3, peerEpoch: 6 });
  joiner.election.tick(200);
  assert.equal(joiner.election.outcome, null);
  joiner.hear(5, { ...LEADING, leader: 5, electionEpoch: 3, peerEpoch: 6 }, 201);
  assert.deepEqual(joiner.election.outcome, { leader: 5, zxid: Z, electionEpoch: 3, peerEpoch: 6 });
  assert.equal(joiner.election.round, 3);
});

test('a leader that a reconfiguration has chosen is joined, although it names no round', () => {
  const alone = new Alone(1, 3);
  alone.start();
  const { round } = alone.election;
  alone.hear(2, { ...FOLLOWING, leader: 3, electionEpoch: 7, peerEpoch: 6 });
  alone.hear(3, { ...LEADING, leader: 3, electionEpoch: -1, peerEpoch: 6 });
  assert.equal(alone.election.outcome?.leader, 3);
  alone.start({}, 10);
  assert.ok(alone.election.round > round);
  alone.hear(2, { ...LOOKING, leader: 2, zxid: Z + 1, electionEpoch: -1 });
  assert.equal(alone.election.outcome, null);
});

test('pitfall 6: a leader whose connection broke after it spoke does not count as leading', () => {
  const joiner = new Alone(1, 5);
  joiner.start();
  joiner.hear(5, { ...LEADING, leader: 5, electionEpoch: 3, peerEpoch: 6 });
  joiner.election.linkChanged(5, false, 2);
  for (const sid of [2, 3, 4]) joiner.hear(sid, { ...FOLLOWING, leader: 5, electionEpoch: 3, peerEpoch: 6 });
  assert.equal(joiner.election.outcome, null);
});

test('pitfall 6: a leader that looks again does not lead any more', () => {
  const joiner = new Alone(1, 5);
  joiner.start();
  joiner.hear(5, { ...LEADING, leader: 5, electionEpoch: 3, peerEpoch: 6 });
  joiner.hear(5, { ...LOOKING, leader: 5, zxid: -1, peerEpoch: 6 });
  for (const sid of [2, 3, 4]) joiner.hear(sid, { ...FOLLOWING, leader: 5, electionEpoch: 3, peerEpoch: 6 });
  joiner.election.tick(200);
  assert.equal(joiner.election.outcome, null);
});

test('what was said in one round does not count in the next', () => {
  const joiner = new Alone(1, 5);
  joiner.start();
  joiner.hear(2, { ...FOLLOWING, leader: 5, electionEpoch: 1, peerEpoch: 6 });
  joiner.hear(4, { electionEpoch: 2 });
  joiner.hear(3, { ...FOLLOWING, leader: 5, electionEpoch: 2, peerEpoch: 7 });
  joiner.hear(5, { ...LEADING, leader: 5, electionEpoch: 2, peerEpoch: 7 });
  assert.equal(joiner.election.outcome, null);
  joiner.hear(2, { ...FOLLOWING, leader: 5, electionEpoch: 2, peerEpoch: 7 });
  assert.equal(currentLeader(joiner), 5);
});

test('the vote of a server that now follows somebody else does not count any more', () => {
  const server = new Alone(4, 5);
  server.start();
  for (const sid of [1, 2]) server.hear(sid, { leader: 4 });
  server.hear(2, { ...FOLLOWING, leader: 5, electionEpoch: 7, peerEpoch: 6 }, 100);
  server.election.tick(200);
  server.election.tick(300);
  assert.equal(server.election.outcome, null);
});

test('a voter in an older round is told at once, one in this round when it may not know the own vote', () => {
  const server = new Alone(3, 5);
  server.start();
  server.start();
  server.takeReceivers();
  server.hear(1, { electionEpoch: 1 }, 1);
  assert.deepEqual(server.takeReceivers(), [1]);
  server.hear(2, { electionEpoch: 2 }, 50);
  assert.deepEqual(server.takeReceivers(), [], 'it was told in this election');
  server.hear(2, { ...FOLLOWING, leader: 5 }, 60);
  server.hear(2, { electionEpoch: 2 }, 70);
  assert.deepEqual(server.takeReceivers(), [2], 'it did not look when it was told');
  server.hear(2, { electionEpoch: 2 }, 290);
  assert.deepEqual(server.takeReceivers(), [2], 'it repeats its vote');
});

test('pitfall 11: a non-voter is answered in every state, with the current vote', () => {
  const server = new Alone(2, 3);
  server.start();
  server.takeReceivers();
  server.hear(9, { leader: MIN_LONG, zxid: MIN_LONG, peerEpoch: MIN_LONG });
  assert.deepEqual(server.takeReceivers(), [9]);
  for (const state of ['following', 'leading', 'observing'] as const) {
    server.election.become(state);
    server.hear(9, { leader: MIN_LONG });
    assert.deepEqual(server.takeReceivers(), [9], state);
  }
});

test('a non-voter that asked during the election is told its end', () => {
  const server = new Alone(2, 3);
  server.start();
  server.hear(9, { leader: MIN_LONG });
  server.takeReceivers();
  server.hear(1, { leader: 2 });
  server.election.linkChanged(3, false, 2);
  assert.equal(currentLeader(server), 2);
  assert.ok(server.takeReceivers().includes(9));
});

test('pitfall 12: a leader that answers while an election is about to end is heard', () => {
  const waiting = (): Alone => {
    const server = new Alone(1, 5);
    server.start();
    server.hear(3, { leader: 4 });
    server.hear(4, { leader: 4 });
    return server;
  };
  const undisturbed = waiting();
  undisturbed.election.tick(200);
  assert.equal(undisturbed.election.outcome, null);
  undisturbed.election.tick(201);
  assert.equal(currentLeader(undisturbed), 4);
  const server = waiting();
  server.hear(2, { ...FOLLOWING, leader: 5, electionEpoch: 3, peerEpoch: 6 }, 50);
  server.hear(3, { ...FOLLOWING, leader: 5, electionEpoch: 3, peerEpoch: 6 }, 51);
  server.hear(5, { ...LEADING, leader: 5, electionEpoch: 3, peerEpoch: 6 }, 52);
  assert.deepEqual(server.election.outcome, { leader: 5, zxid: Z, electionEpoch: 3, peerEpoch: 6 });
});

test('pitfall 13: votes with zxid -1 are not counted, and do not raise the round', () => {
  const server = new Alone(2, 3);
  server.start();
  server.hear(3, { zxid: -1, electionEpoch: 9 });
  assert.equal(server.election.round, 1);
  server.hear(1, { leader: 2 });
  assert.equal(currentLeader(server), 2, 'who must not vote is not waited for');
});

test('pitfall 14: a server without weight is never elected, and delays nobody', () => {
  const extra = ['group.1=1:2:3:4', 'weight.1=1', 'weight.2=1', 'weight.3=1', 'weight.4=0'];
  const cluster = new Cluster({ servers: servers(4), extra });
  cluster.startAll();
  const took = cluster.runUntil(() => cluster.settled, 1000);
  assert.equal(cluster.server(3).role, 'leading');
  assert.ok(took < 50, `${took} ms`);
});

test('pitfall 18: a leader that restarts does not lead because its followers have not noticed', () => {
  const restarted = new Alone(3, 3);
  restarted.start();
  for (const sid of [1, 2]) restarted.hear(sid, { ...FOLLOWING, leader: 3, electionEpoch: 4, peerEpoch: 6 });
  restarted.election.tick(200);
  assert.equal(restarted.election.outcome, null);
});

test('pitfall 18: not in the same round either when it has lost what they elected it for', () => {
  for (const own of [{ zxid: Z - 1 }, { peerEpoch: 4 }, { mayVote: 'no' as const }]) {
    const restarted = new Alone(3, 3);
    restarted.start(own);
    for (const sid of [1, 2]) restarted.hear(sid, { ...FOLLOWING, leader: 3 });
    for (const sid of [1, 2]) restarted.hear(sid, { ...LOOKING, leader: 3 });
    restarted.election.tick(200);
    restarted.election.tick(5000);
    assert.notEqual(currentLeader(restarted), 3, JSON.stringify(own));
  }
});

test('votes of, and for, strangers are not counted', () => {
  const server = new Alone(2, 3);
  server.start();
  server.hear(9, { leader: 2 });
  server.hear(1, { leader: 9, zxid: Z + 1 });
  server.election.tick(200);
  server.election.tick(1000);
  assert.equal(server.election.outcome, null);
});

test('an observer ends with the voters, and not before them', () => {
  const plans: ServerPlan[] = [...servers(3), { sid: 4, role: 'observer' }];
  const cluster = new Cluster({ servers: plans });
  cluster.start(4);
  cluster.run(1000);
  assert.equal(cluster.server(4).elected, null);
  cluster.startAll([1, 2, 3]);
  cluster.runUntil(() => cluster.settled, 1200);
  cluster.crash(3);
  const took = cluster.runUntil(() => cluster.settled, 1000);
  assert.ok(took < 300, `${took} ms`);
});

test('a voter of the proposed configuration alone counts there, and is no candidate', () => {
  const server = new Alone(4, 3);
  const committed = membershipOf(servers(3));
  server.election.configure(committed, membershipOf(servers(4), [], 9));
  server.start();
  const first = server.election.takeSends();
  assert.deepEqual(
    first.map(({ to }) => to),
    [1, 2, 3],
  );
  for (const sid of [1, 2]) server.hear(sid, { leader: 3 });
  assert.equal(server.election.outcome, null);
  server.hear(3, { leader: 3 });
  assert.equal(currentLeader(server), 3);
});

test('while a reconfiguration is under way, both configurations must agree', () => {
  const server = new Alone(3, 3);
  server.election.configure(membershipOf(servers(3)), membershipOf(servers(5), [], 9));
  server.start();
  server.hear(1, { leader: 3 });
  server.election.linkChanged(2, false, 2);
  server.election.linkChanged(4, false, 2);
  server.election.linkChanged(5, false, 2);
  server.election.tick(300);
  assert.equal(server.election.outcome, null, 'two of three, but only two of five');
  server.hear(4, { leader: 3 }, 301);
  server.election.tick(600);
  assert.equal(currentLeader(server), 3);
});

test('a newer configuration is learned from votes, only while looking and only when that is enabled', () => {
  const config = membershipOf(servers(4), [], 0x6_0000_0001).toText();
  for (const enabled of [true, false]) {
    const server = new Alone(1, 3, enabled);
    server.start();
    server.hear(2, { config: 'server.1=nonsense' });
    assert.equal(server.election.takeGossip(), null);
    server.hear(9, { config });
    assert.equal(server.election.takeGossip()?.version, enabled ? 0x6_0000_0001 : undefined);
    server.hear(2, { config });
    assert.equal(server.election.takeGossip(), null, 'it is told once');
  }
  const settled = new Alone(1, 3, true);
  settled.start();
  settled.election.become('following');
  settled.hear(2, { config });
  assert.equal(settled.election.takeGossip(), null);
});

test('an ensemble without a quorum talks little, whoever asks', () => {
  for (const apache of [false, true]) {
    const plans: ServerPlan[] = [...servers(5), { sid: 6, role: 'observer', apache }, { sid: 7, role: 'observer' }];
    const cluster = new Cluster({ servers: plans });
    for (const sid of [6, 7, 1, 2]) cluster.start(sid);
    // The observer has been through more elections than the voters; Apache's asks again when it hears of an older round.
    const own = { zxid: 0, peerEpoch: 0, participant: false, mayVote: 'yes' } as const;
    for (let i = 0; i < 5; i++) cluster.server(6).election!.start(cluster.nowMs, own);
    cluster.run(600_000);
    assert.ok(cluster.sentCount < 10_000, `${cluster.sentCount} messages in ten minutes`);
    cluster.start(3);
    // Apache's observer asks once a minute by now, and has never asked server 3.
    cluster.runUntil(() => cluster.settled, apache ? 61_000 : 2000);
    const before = cluster.sentCount;
    cluster.run(600_000);
    assert.equal(cluster.sentCount, before, 'and an established one not at all');
  }
});

test('votes are repeated ever more rarely, links are asked for every second', () => {
  const server = new Alone(1, 3);
  server.start();
  server.takeReceivers();
  server.election.wantsLinks();
  const repeats: number[] = [];
  const links: number[] = [];
  for (let i = 0; i < 500 && server.election.wakeAtMs < 200_000; i++) {
    const nowMs = server.election.wakeAtMs;
    server.election.tick(nowMs);
    if (server.takeReceivers().length > 0) repeats.push(nowMs);
    if (server.election.wantsLinks()) links.push(nowMs);
  }
  assert.deepEqual(repeats, [200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200, 162_200]);
  for (let i = 1; i < links.length; i++) assert.ok(links[i]! - links[i - 1]! <= 1000);
});

test('a vote that came while this server did not look yet counts when it does', () => {
  const server = new Alone(1, 3);
  server.start();
  server.election.become('following');
  server.hear(2, { leader: 2, electionEpoch: 2 }, 1000);
  server.election.linkChanged(3, false, 1000);
  server.start({}, 1001);
  assert.deepEqual(server.election.outcome, { leader: 2, zxid: Z, electionEpoch: 2, peerEpoch: 5 });
});

test('no two elections of a process have the same round', () => {
  const server = new Alone(1, 3);
  let last = 0;
  for (let i = 0; i < 5; i++) {
    server.start();
    assert.ok(server.election.round > last);
    last = server.election.round;
    server.hear(2, { electionEpoch: last + 3 });
    assert.equal(server.election.round, last + 3);
    last = server.election.round;
  }
});

/** The leader elected, if any. */
function currentLeader({ election }: Alone): number | null {
  return election.outcome?.leader ?? null;
}

function product(choices: readonly (readonly number[])[]): number[][] {
  return choices.reduce<number[][]>((all, some) => all.flatMap((head) => some.map((tail) => [...head, tail])), [[]]);
}
