import { appliedZxid, describeNode } from '../check/node-view.ts';
import { Violation, zxidText } from '../check/violation.ts';
import type { Cluster, Watched } from '../cluster.ts';

/** What of each server is in memory and on its disk. */
export function describeServers({ servers }: Cluster): string[] {
  return servers.map((watched) => {
    const { node } = watched;
    const inMemory = `server ${node.sid}: ${describeNode(node)}, has applied ${zxidText(appliedZxid(node))}`;
    return `${inMemory}; ${describeDisk(watched)}`;
  });
}

/** Looking at a disk may break a law by itself, in a run that has failed over another one. */
function describeDisk({ durable }: Watched): string {
  try {
    const { acceptedEpoch, currentEpoch, last, snapshot } = durable;
    const snapshotText = snapshot < 0 ? 'no snapshot' : `a snapshot of ${zxidText(snapshot)}`;
    return `its disk ends with ${zxidText(last)}, has ${snapshotText}, accepted epoch ${acceptedEpoch} and current epoch ${currentEpoch}`;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return `of its disk: ${error.message}`;
  }
}
