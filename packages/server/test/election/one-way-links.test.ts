/** E13 (known-failures): every combination of directed connections that carry nothing, among three servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, EPOCH } from './cluster.ts';

const ways = [
  [1, 2],
  [2, 1],
  [1, 3],
  [3, 1],
  [2, 3],
  [3, 2],
] as const;

function establishedPair(cluster: Cluster): boolean {
  for (const leader of cluster.servers.values()) {
    if (leader.role !== 'leading' || !leader.established) continue;
    for (const sid of leader.learners) {
      if (cluster.passable(leader.sid, sid) && cluster.server(sid).established) return true;
    }
  }
  return false;
}

for (const how of ['refused', 'silent'] as const) {
  for (const running of [false, true]) {
    test(`two servers that reach each other have a leader soon: ${how}, ${running ? 'running before' : 'from the start'}`, (t) => {
      let worst = 0;
      let pairs = 0;
      for (let subset = 0; subset < 64; subset++) {
        const servers = [1, 2, 3].map((sid) => ({ sid, zxid: EPOCH, peerEpoch: 1 }));
        const cluster = new Cluster({ servers, seed: subset, latency: (random) => 1 + random.below(3) });
        const dead = ways.filter((_, i) => (subset & (1 << i)) !== 0);
        if (running) {
          cluster.startAll();
          cluster.runUntil(() => cluster.settled, 500);
        }
        for (const [from, to] of dead) cluster.cut(from, to, how);
        if (!running) cluster.startAll();
        // What the cut ends is over.
        cluster.run(100);
        const connected = [
          [1, 2],
          [1, 3],
          [2, 3],
        ].filter(([a, b]) => cluster.passable(a!, b!));
        if (connected.length === 0) continue;
        pairs++;
        const took = cluster.runUntil(() => establishedPair(cluster), 20_000, `without ${dead.join(' ')}`);
        worst = Math.max(worst, took);
      }
      t.diagnostic(`${pairs} combinations, ${worst} ms at worst`);
      assert.equal(pairs, 37);
      // Who is silent is found out by a new connection that does not come to be, in cnxTimeout (5 s).
      assert.ok(worst < (how === 'silent' ? 7000 : 5000), `${worst} ms`);
    });
  }
}
