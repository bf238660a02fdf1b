/** Bun and Deno, through npm: the client runs on them, too. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { installOnce } from './peer-cache.ts';

const versions = { bun: '1.3.3', deno: '2.5.6' };

export interface Runtimes {
  /** Paths of the programs. */
  readonly bun: string;
  readonly deno: string;
}

export async function installRuntimes(): Promise<Runtimes> {
  const folder = await installOnce(`js-runtimes-${versions.bun}-${versions.deno}`, async (fresh) => {
    writeFileSync(join(fresh, 'package.json'), JSON.stringify({ private: true, dependencies: versions }));
    await run(['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: fresh });
  });
  const bin = join(folder, 'node_modules', '.bin');
  return { bun: join(bin, 'bun'), deno: join(bin, 'deno') };
}
