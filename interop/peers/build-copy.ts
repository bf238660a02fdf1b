/** Copies of the build in which errors are planted, to see whether a test sees them. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './peer-cache.ts';

export interface Planting {
  readonly name: string;
  /** Below `packages/server/dist/src`. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly replace: string;
  readonly by: string;
}

/** A folder in which `packages/cli/bin/headkeeper.js` runs a server of its own: built packages copied, the rest linked. */
export function copyOfBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-planted-'));
  for (const name of ['protocol', 'server', 'cli']) {
    const target = join(folder, 'packages', name);
    mkdirSync(target, { recursive: true });
    for (const part of ['package.json', 'dist', 'bin']) {
      if (part === 'bin' && name !== 'cli') continue;
      // Without the bundle, which would run instead of what is planted.
      const filter = (file: string): boolean => !file.endsWith('/dist/bundle');
      cpSync(join(repositoryRoot, 'packages', name, part), join(target, part), { recursive: true, filter });
    }
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of ['protocol', 'server'])
    symlinkSync(join(folder, 'packages', name), join(modules, '@headkeeper', name));
  for (const name of readdirSync(join(repositoryRoot, 'node_modules'))) {
    if (name !== '@headkeeper') symlinkSync(join(repositoryRoot, 'node_modules', name), join(modules, name));
  }
  return folder;
}

/** @throws Error when the text to replace is not there exactly once: the error must then be planted anew. */
export function plant(folder: string, error: Planting): void {
  const file = join(folder, 'packages/server/dist/src', error.file);
  const text = readFileSync(file, 'utf8');
  const parts = text.split(error.replace);
  if (parts.length !== 2) throw new Error(`"${error.name}": its text is ${parts.length - 1} times in ${error.file}`);
  writeFileSync(file, parts.join(error.by));
}
