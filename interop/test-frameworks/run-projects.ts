/**
 * The adapters of `@headkeeper/testing` under the frameworks that they are for: each project runs with the packages as they are
 * published, copied beside an installed vitest or jest.
 *
 *   node interop/dist/test-frameworks/run-projects.js
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClientOutcome } from '../clients/client-outcome.ts';
import { runToEnd } from '../peers/command.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';
import { installTestFrameworks } from '../peers/test-frameworks.ts';

export type Framework = 'vitest' | 'jest';

const PUBLISHED = ['protocol', 'server', 'client', 'testing'] as const;
const TESTS = 5;

/** Runs the project of a framework; all of its tests must pass. */
export async function runProject(framework: Framework): Promise<ClientOutcome> {
  const installed = await installTestFrameworks();
  const work = mkdtempSync(join(installed, `${framework}-`));
  try {
    cpSync(join(repositoryRoot, 'interop/test-frameworks/projects', framework), work, { recursive: true });
    for (const name of PUBLISHED) copyPublished(join(repositoryRoot, 'packages', name), join(work, 'node_modules'));
    const env = { PATH: `${join(installed, 'node_modules/.bin')}:${process.env.PATH}`, CI: 'true', NO_COLOR: '1' };
    const { code, output } = await runToEnd(['npm', 'test'], { cwd: work, env, timeoutMs: 120_000 });
    const passed = Number(/Tests:?\s+(\d+) passed/.exec(output)?.[1] ?? 0);
    const failed = code === 0 && passed === TESTS ? 0 : Math.max(1, TESTS - passed);
    return { passed, failed, output };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies what a package publishes into a `node_modules`. */
function copyPublished(folder: string, into: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly files: readonly string[];
  };
  const target = join(into, manifest.name);
  for (const file of ['package.json', ...manifest.files]) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(folder, file), join(target, file), { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  programOptions(import.meta.filename, {});
  for (const framework of ['vitest', 'jest'] as const) {
    const { passed, failed, output } = await runProject(framework);
    console.log(`${framework}: ${passed} passed, ${failed} failed`);
    if (failed > 0) {
      console.log(output);
      process.exitCode = 1;
    }
  }
}
