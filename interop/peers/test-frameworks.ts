/** vitest and jest, as a project has them installed. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { installOnce } from './peer-cache.ts';

const packages = {
  vitest: '5.1.1',
  jest: '30.5.2',
  '@jest/globals': '30.5.2',
  // What the server itself depends on.
  pino: '10.4.0',
} as const;

/** Installs the frameworks; resolves with the folder that holds their `node_modules`. */
export async function installTestFrameworks(): Promise<string> {
  const manifest = JSON.stringify({ name: 'test-frameworks', private: true, dependencies: packages });
  const digest = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  return installOnce(`test-frameworks-${digest}`, async (fresh) => {
    writeFileSync(join(fresh, 'package.json'), manifest);
    await run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: fresh });
  });
}
