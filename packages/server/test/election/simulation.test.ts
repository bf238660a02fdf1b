/**
 * Ensembles under random faults: crashes, restarts, wiped disks, cut and half-open connections, lost messages. While it lasts,
 * nothing that was committed may be lost to a new leader; afterwards everybody must be back in one ensemble, soon.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@headkeeper/testkit';
import { Cluster, EPOCH, type ServerPlan } from './cluster.ts';

const SEEDS = Number(process.env.HEADKEEPER_ELECTION_SEEDS ?? 0) || 60;

interface Outcome {
  readonly recoveryMs: number;
  readonly overtaken: number;
  readonly wipes: number;
  readonly sent: number;
}

interface Kind {
  readonly apache: boolean;
  readonly weights: boolean;
  /** A new ensemble: nobody has history. */
  readonly fresh?: boolean;
}

function plan(random: SeededRandom, kind: Kind): { servers: ServerPlan[]; extra: string[] } {
  const voters = kind.weights ? 7 : 3 + random.below(5);
  const servers: ServerPlan[] = [];
  for (let sid = 1; sid <= voters; sid++) {
    // All have what was committed, some have logged more.
    const zxid = 5 * EPOCH + 10 + random.below(3);
    const apache = kind.apache && random.chance();
    servers.push(kind.fresh ? { sid, mayVote: 'blank', apache } : { sid, zxid, peerEpoch: 5, apache });
  }
  for (let sid = voters + 1; sid <= voters + random.below(3); sid++) {
    servers.push({ sid, role: 'observer', apache: kind.apache && random.chance() });
  }
  const extra = kind.weights
    ? [
        'group.1=1:2:3',
        'group.2=4:5',
        'group.3=6:7',
        ...[1, 2, 1, 1, 1, 1, 0].map((weight, i) => `weight.${i + 1}=${weight}`),
      ]
    : [];
  return { servers, extra };
}

function simulate(seed: number, kind: Kind): Outcome {
  const random = new SeededRandom(seed);
  const { servers, extra } = plan(random, kind);
  const slow = random.below(4) === 0 ? 150 : 10;
  const cluster = new Cluster({ servers, extra, seed, latency: (r) => 1 + r.below(slow) });
  cluster.committed = kind.fresh ? 0 : 5 * EPOCH + 10;
  const lossy = random.below(3) === 0;
  cluster.loses = () => lossy && cluster.random.below(20) === 0;
  const sids = servers.map(({ sid }) => sid);
  const any = (): number => sids[random.below(sids.length)]!;
  for (const sid of sids) cluster.at(random.below(300), () => cluster.start(sid));
  cluster.run(400);
  let wipes = 0;
  const until = cluster.nowMs + 5000 + random.below(30_000);
  while (cluster.nowMs < until) {
    cluster.run(random.below(random.below(5) === 0 ? 4000 : 300));
    const sid = any();
    const peer = any();
    const server = cluster.server(sid);
    const choice = random.below(12);
    if (choice < 4) {
      if (server.election === null) cluster.start(sid);
      else cluster.crash(sid);
    } else if (choice < 6 && sid !== peer) {
      cluster.cut(sid, peer, random.chance() ? 'silent' : 'refused');
      if (random.chance()) cluster.cut(peer, sid, random.chance() ? 'silent' : 'refused');
    } else if (choice < 9) {
      cluster.heal();
    } else if (choice < 10 && sid !== peer) {
      cluster.disconnect(sid, peer);
    } else if (choice < 11) {
      // One disk at a time: a second loss could take the last copy of a committed write.
      const intact = [...cluster.servers.values()].every((s) => s.mayVote === 'yes');
      if (intact && server.participant && !server.apache) {
        if (server.election !== null) cluster.crash(sid);
        cluster.wipe(sid);
        wipes++;
        cluster.start(sid);
      }
    }
  }
  cluster.heal();
  cluster.loses = () => false;
  for (const sid of sids) if (cluster.server(sid).election === null) cluster.start(sid);
  const limit = kind.apache ? 130_000 : 12_000;
  const recoveryMs = cluster.runUntil(() => cluster.settled, limit, `seed ${seed}: one ensemble`);
  return { recoveryMs, overtaken: cluster.overtaken, wipes, sent: cluster.sentCount };
}

function simulateMany(kind: Kind, firstSeed: number): Outcome {
  let [recoveryMs, overtaken, wipes, sent] = [0, 0, 0, 0];
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const outcome = simulate(seed, kind);
    recoveryMs = Math.max(recoveryMs, outcome.recoveryMs);
    overtaken += outcome.overtaken;
    wipes += outcome.wipes;
    sent += outcome.sent;
  }
  return { recoveryMs, overtaken, wipes, sent };
}

for (const [name, kind] of [
  ['majorities of three to seven voters', { apache: false, weights: false }],
  ['groups and weights', { apache: false, weights: true }],
  ['voters of both kinds', { apache: true, weights: false }],
  ['a new ensemble', { apache: false, weights: false, fresh: true }],
  ['a new ensemble of both kinds', { apache: true, weights: false, fresh: true }],
] as const) {
  test(`under random faults no leader lacks what was committed, and all find together afterwards: ${name}`, (t) => {
    const outcome = simulateMany(kind, 1);
    t.diagnostic(JSON.stringify(outcome));
    assert.ok(outcome.wipes > 10, 'disks were lost');
  });
}

test('the same seed gives the same run', () => {
  const kind = { apache: false, weights: false };
  assert.deepEqual(simulate(7, kind), simulate(7, kind));
});
