import type { Cluster, Watched } from '../cluster.ts';

/** Every machine reaches every other, every server runs, and every disk is as fast as it should be. */
export function healEverything(cluster: Cluster): void {
  const { network, servers } = cluster;
  for (const from of network.hosts) {
    for (const to of network.hosts) {
      if (from === to) continue;
      network.link(from, to).stalledUntil = 0;
      network.setLink(from, to, 'up');
    }
  }
  for (const watched of servers) {
    watched.node.diskSlowness = 1;
    revive(cluster, watched);
  }
}

/** A server that stands still goes on, one that is down starts. */
export function revive(cluster: Cluster, watched: Watched): void {
  watched.returns = true;
  watched.node.resume();
  if (!watched.node.isUp) cluster.startLater(watched, 0);
}
