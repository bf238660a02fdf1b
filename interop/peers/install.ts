/** Installs every peer: `node interop/dist/peers/install.js`. Exits with 1 at the first that cannot be installed. */

import { installApacheAdmin } from './apache-admin.ts';
import { installApacheZooKeeper } from './apache-zookeeper.ts';
import { buildCClient, buildGoClient, buildHistorySearch } from './client-programs.ts';
import { curatorVersion, installCurator } from './curator.ts';
import { installRuntimes } from './js-runtimes.ts';
import { installKazoo, kazooVersion } from './kazoo.ts';
import { installNodeClients } from './node-clients.ts';
import { peersFolder } from './peer-cache.ts';
import { buildS3Server } from './s3-server.ts';
import { installTestFrameworks } from './test-frameworks.ts';

const peers: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['Apache ZooKeeper 3.9.5', () => installApacheZooKeeper('3.9.5')],
  ['Apache ZooKeeper 3.8.6', () => installApacheZooKeeper('3.8.6')],
  ["Apache ZooKeeper's AdminServer", installApacheAdmin],
  [`Curator ${curatorVersion}`, installCurator],
  ['C client', buildCClient],
  ['Go client', buildGoClient],
  ['Search for histories', buildHistorySearch],
  [`kazoo ${kazooVersion}`, installKazoo],
  ['S3 server', buildS3Server],
  ['Other clients for Node', installNodeClients],
  ['Bun and Deno', installRuntimes],
  ['vitest and jest', installTestFrameworks],
];

console.log(`peers are installed into ${peersFolder()}`);
for (const [name, install] of peers) {
  await install();
  console.log(`  ${name}: installed`);
}
