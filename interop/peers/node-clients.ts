/** Other ZooKeeper clients for Node, through npm, in a folder of their own: to be measured beside ours. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { cCompiler, installOnce, requireCommands } from './peer-cache.ts';

/** The versions that are measured. */
export const nodeClients: { readonly [name in 'node-zookeeper-client' | 'zookeeper']: string } = {
  'node-zookeeper-client': '1.1.3',
  zookeeper: '7.3.0',
};

/** Installs the clients if need be (the native one is built) and returns the folder that holds their node_modules. */
export async function installNodeClients(): Promise<string> {
  await requireCommands([
    cCompiler,
    { command: 'g++', debianPackages: ['g++'] },
    { command: 'make', debianPackages: ['make'] },
    { command: 'cmake', debianPackages: ['cmake'] },
    { command: 'python3', debianPackages: ['python3'] },
  ]);
  const versions = Object.entries(nodeClients);
  return installOnce(`node-clients-${versions.map(([, version]) => version).join('-')}`, async (fresh) => {
    const dependencies = Object.fromEntries(versions);
    writeFileSync(join(fresh, 'package.json'), JSON.stringify({ private: true, dependencies }));
    await run(['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: fresh });
  });
}
