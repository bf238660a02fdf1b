#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs';

const main = newestBuild();
if (main === null) {
  process.stderr.write('headkeeper: not built yet. Run "npm ci && npm run build" in the checkout first.\n');
  process.exitCode = 1;
} else {
  const { run } = await import(main.href);
  await run(process.argv.slice(2));
}

/**
 * The bundle starts in half the time of the many files that it is made of. In a checkout it is passed over while some of
 * them are newer, so that what was compiled last is what runs.
 *
 * @returns {URL | null}
 */
function newestBuild() {
  const bundle = new URL('../dist/bundle/main.js', import.meta.url);
  const files = new URL('../dist/src/main.js', import.meta.url);
  if (!existsSync(bundle)) return existsSync(files) ? files : null;
  const bundled = statSync(bundle).mtimeMs;
  const stamps = [
    '../dist/src.tsbuildinfo',
    '../../server/dist/core.tsbuildinfo',
    '../../server/dist/server.tsbuildinfo',
    '../../protocol/dist/src.tsbuildinfo',
    '../../client/dist/src.tsbuildinfo',
  ];
  for (const name of stamps) {
    const stamp = new URL(name, import.meta.url);
    if (existsSync(stamp) && statSync(stamp).mtimeMs > bundled) return files;
  }
  return bundle;
}
