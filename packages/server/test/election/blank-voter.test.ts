/** Voters without history: a new ensemble starts at once, a wiped server never helps to forget. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNotification, encodeNotification, type Notification, ServerState } from '@headkeeper/protocol';
import { FastElection, type OwnStanding } from '../../src/core/election/fast-election.ts';
import { Cluster, EPOCH, membershipOf, type ServerPlan } from './cluster.ts';

const Z = 5 * EPOCH + 10;

function blank(count: number, apache: readonly number[] = []): ServerPlan[] {
  return Array.from({ length: count }, (_, i) => ({
    sid: i + 1,
    mayVote: 'blank' as const,
    apache: apache.includes(i + 1),
  }));
}

function historied(sid: number, more: Partial<ServerPlan> = {}): ServerPlan {
  return { sid, zxid: Z, peerEpoch: 5, ...more };
}

test('an ensemble of one elects itself at once', () => {
  const cluster = new Cluster({ servers: blank(1) });
  cluster.start(1);
  assert.equal(cluster.server(1).elected?.leader, 1);
});

test('a new ensemble elects without waiting for a timer when all its servers are up', () => {
  for (const count of [2, 3, 4, 5, 7]) {
    const cluster = new Cluster({ servers: blank(count) });
    cluster.startAll();
    const took = cluster.runUntil(() => cluster.settled, 100, `${count} new servers`);
    assert.ok(took < 40, `${count} servers: ${took} ms`);
  }
});

test('a new ensemble elects whatever order and delays its servers start in', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const count = 3 + (seed % 5);
    const cluster = new Cluster({ servers: blank(count), seed, latency: (random) => 1 + random.below(30) });
    for (let sid = 1; sid <= count; sid++) cluster.at(cluster.random.below(500), () => cluster.start(sid));
    cluster.run(500);
    const took = cluster.runUntil(() => cluster.settled, 3000, `seed ${seed}`);
    assert.ok(took < 700, `seed ${seed}: ${took} ms`);
  }
});

test('a new ensemble with Apache servers in it elects as fast as these do', () => {
  for (const apache of [[1], [2], [3], [1, 2], [2, 3], [1, 3]]) {
    const cluster = new Cluster({ servers: blank(3, apache) });
    cluster.startAll();
    const took = cluster.runUntil(() => cluster.settled, 2000, `Apache: ${apache}`);
    assert.ok(took < 300, `Apache ${apache}: ${took} ms`);
  }
});

test('a quorum of a new ensemble waits a moment for the others, then elects', () => {
  const cluster = new Cluster({ servers: blank(3) });
  cluster.start(1);
  cluster.start(2);
  const took = cluster.runUntil(() => cluster.server(2).established, 1000);
  assert.ok(took >= 200 && took < 300, `${took} ms`);
});

test('one blank voter elects nobody and does not vote, however long it waits', () => {
  const cluster = new Cluster({ servers: blank(3) });
  const votes = new Set<number>();
  cluster.passes = (_from, _to, { zxid }) => votes.add(zxid) !== undefined;
  cluster.start(1);
  cluster.run(300_000);
  assert.equal(cluster.server(1).elected, null);
  assert.deepEqual([...votes], [-1]);
});

test('a wiped voter does not elect a lagging one while the rest is away', () => {
  for (const lagging of [1, 3]) {
    const wiped = 2;
    const ahead = 4 - lagging;
    const servers = [historied(lagging, { zxid: Z - 5 }), historied(ahead), { sid: wiped, mayVote: 'blank' as const }];
    const cluster = new Cluster({ servers: servers.sort((a, b) => a.sid - b.sid) });
    cluster.start(lagging);
    cluster.start(wiped);
    cluster.run(120_000);
    assert.equal(cluster.server(lagging).elected, null);
    assert.equal(cluster.server(wiped).elected, null);
    cluster.start(ahead);
    const took = cluster.runUntil(() => cluster.settled, 2000);
    assert.equal(cluster.server(ahead).role, 'leading');
    assert.ok(took < 1500, `${took} ms`);
  }
});

test('a wiped voter watches the others elect, and delays them not', () => {
  for (const wiped of [1, 2, 3]) {
    const servers = [1, 2, 3].map((sid) => (sid === wiped ? { sid, mayVote: 'blank' as const } : historied(sid)));
    const cluster = new Cluster({ servers });
    cluster.startAll();
    const took = cluster.runUntil(() => cluster.settled, 1000);
    assert.notEqual(cluster.server(wiped).role, 'leading');
    assert.ok(took < 60, `${wiped} wiped: ${took} ms`);
  }
});

test('a wiped voter joins a running ensemble, ours or Apache', () => {
  for (const apache of [false, true]) {
    const servers = [1, 2, 3].map((sid) => historied(sid, { apache: apache && sid !== 1 }));
    const cluster = new Cluster({ servers });
    cluster.startAll();
    cluster.runUntil(() => cluster.settled, 2000);
    cluster.crash(1);
    cluster.run(100);
    cluster.wipe(1);
    cluster.start(1);
    const took = cluster.runUntil(() => cluster.settled, 1000);
    assert.ok(took < 100, `${took} ms`);
    assert.equal(cluster.server(1).mayVote, 'yes');
  }
});

test('a damaged server never votes and is never elected, not even among blank ones', () => {
  const cluster = new Cluster({
    servers: [
      { sid: 1, mayVote: 'blank' },
      { sid: 2, mayVote: 'blank' },
      { sid: 3, mayVote: 'no' },
    ],
  });
  cluster.startAll();
  cluster.run(60_000);
  for (const sid of [1, 2, 3]) assert.equal(cluster.server(sid).elected, null, `${sid}`);
});

test('a damaged server follows what the others elect', () => {
  const cluster = new Cluster({ servers: [historied(1), historied(2), historied(3, { mayVote: 'no' })] });
  cluster.startAll();
  const took = cluster.runUntil(() => cluster.settled, 1000);
  assert.equal(cluster.server(2).role, 'leading');
  assert.ok(took < 60, `${took} ms`);
});

class Alone {
  readonly election: FastElection;

  constructor(sid: number, voters: number, mayVote: OwnStanding['mayVote'], own: Partial<OwnStanding> = {}) {
    this.election = new FastElection({
      sid,
      minNotificationIntervalMs: 200,
      maxNotificationIntervalMs: 60_000,
      finalizeWaitMs: 200,
      reconfigEnabled: false,
    });
    const membership = membershipOf(blank(voters));
    this.election.configure(membership, membership);
    this.election.start(0, { zxid: 0, peerEpoch: 0, participant: true, mayVote, ...own });
  }

  hear(from: number, vote: Partial<Notification>, atMs = 1): void {
    const message = {
      state: 0,
      leader: from,
      zxid: 0,
      electionEpoch: 1,
      peerEpoch: 0,
      version: 2,
      config: null,
      ...vote,
    };
    this.election.receive(from, encodeNotification(message as Notification), atMs);
  }

  leader(): number | null {
    return this.election.outcome?.leader ?? null;
  }

  /** The last vote said to one of the others. */
  said(): Notification | null {
    const last = this.election.takeSends().at(-1);
    return last === undefined ? null : decodeNotification(last.payload);
  }
}

function assertSaid(said: Notification | null, expected: Partial<Notification>): void {
  assert.deepEqual({ ...said, ...expected }, said);
}

test('a blank voter says that it must not vote, until all voters have proved to be blank', () => {
  const server = new Alone(3, 3, 'blank');
  assertSaid(server.said(), { leader: 3, zxid: -1, peerEpoch: 0, electionEpoch: 1 });
  server.hear(1, { zxid: -1 });
  assert.equal(server.said(), null);
  server.hear(2, {});
  assertSaid(server.said(), { leader: 3, zxid: 0, peerEpoch: 0, electionEpoch: 1 });
});

test('a voter that is connected and silent may have history: blank ones wait for it', () => {
  const server = new Alone(3, 3, 'blank');
  server.election.linkChanged(2, true, 0);
  server.hear(1, { zxid: -1 });
  for (let nowMs = 50; nowMs < 5000; nowMs += 50) server.election.tick(nowMs);
  assert.equal(server.said()?.zxid, -1);
  server.election.linkChanged(2, false, 5000);
  assert.equal(server.said()?.zxid, 0);
});

test('history that shows up late takes the vote away again', () => {
  for (const history of [
    { leader: 1, zxid: 1 },
    { leader: 1, peerEpoch: 1 },
    { state: ServerState.following, leader: 2, peerEpoch: 1 },
    { leader: 1, zxid: -1, peerEpoch: 1 },
  ]) {
    const server = new Alone(5, 5, 'blank');
    for (const sid of [2, 3]) server.hear(sid, {});
    server.election.tick(201);
    assert.equal(server.said()?.zxid, 0);
    server.hear(1, history, 202);
    assert.equal(server.said()?.zxid, -1, JSON.stringify(history));
    server.election.tick(500);
    server.election.tick(5000);
    assert.equal(server.election.outcome, null);
  }
});

test('a blank voter follows a leader that a quorum of others chose, and none that needs its own vote', () => {
  const server = new Alone(1, 3, 'blank');
  server.hear(3, { state: ServerState.leading, leader: 3, zxid: 7, peerEpoch: 1 });
  server.election.tick(200);
  server.election.tick(2000);
  assert.equal(server.election.outcome, null);
  server.hear(2, { state: ServerState.following, leader: 3, zxid: 7, peerEpoch: 1 }, 2001);
  assert.equal(server.leader(), 3);
});

test('a blank voter that heard votes before it was allowed to vote counts them afterwards', () => {
  const server = new Alone(1, 3, 'blank');
  server.hear(3, { leader: 3 });
  server.hear(2, { leader: 3 });
  assert.equal(server.leader(), 3);
});

test('a damaged server says that it had history', () => {
  assertSaid(new Alone(1, 3, 'no').said(), { zxid: -1, peerEpoch: 1 });
  assertSaid(new Alone(1, 3, 'no', { peerEpoch: 7 }).said(), { zxid: -1, peerEpoch: 7 });
});
