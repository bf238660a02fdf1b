import { appliedZxid, describeNode } from '../check/node-view.ts';
import { zxidText } from '../check/violation.ts';
import type { Cluster } from '../cluster.ts';

/** What of each server is in memory and on its disk. */
export function describeServers({ servers }: Cluster): string[] {
  return servers.map(({ node, durable }) => {
    const { acceptedEpoch, currentEpoch, last, snapshot } = durable;
    const snapshotText = snapshot < 0 ? 'no snapshot' : `a snapshot of ${zxidText(snapshot)}`;
    return (
      `server ${node.sid}: ${describeNode(node)}, has applied ${zxidText(appliedZxid(node))}; its disk ends with ` +
      `${zxidText(last)}, has ${snapshotText}, accepted epoch ${acceptedEpoch} and current epoch ${currentEpoch}`
    );
  });
}
