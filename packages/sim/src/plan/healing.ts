import type { Cluster, Watched } from '../cluster.ts';
import type { SimNode } from '../node/sim-node.ts';

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
    healDisk(watched.node);
    revive(cluster, watched);
  }
}

/** The disk is as fast as it should be, has room and writes what it is told. What is damaged stays so. */
export function healDisk(node: SimNode): void {
  node.diskSlowness = 1;
  node.syncFailsIn = 0;
  node.disk.capacity = Number.POSITIVE_INFINITY;
  node.disk.lyingSync = false;
  node.disk.writeFault = null;
}

/** A server that stands still goes on, one that is down starts. */
export function revive(cluster: Cluster, watched: Watched): void {
  watched.returns = true;
  watched.node.resume();
  if (!watched.node.isUp) cluster.startLater(watched, 0);
}
