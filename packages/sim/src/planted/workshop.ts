import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Edit } from './bugs.ts';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const PACKAGES = ['protocol', 'server', 'client', 'recipes', 'testkit', 'sim'] as const;

/** A copy of the emitted packages in which files can be changed. */
export function copyPackages(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-planted-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@headkeeper' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of PACKAGES) {
    const from = join(ROOT, 'packages', name);
    const to = join(modules, '@headkeeper', name);
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    cpSync(join(from, 'dist/src'), join(to, 'dist/src'), { recursive: true });
  }
  return folder;
}

/** Changes the copies. Throws unless each place stands exactly once in its file. */
export function plant(folder: string, bug: { readonly name: string; readonly edits: readonly Edit[] }): void {
  for (const { package: name = 'server', file, find, put } of bug.edits) {
    const path = join(folder, 'node_modules/@headkeeper', name, 'dist/src', file);
    const text = readFileSync(path, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${bug.name}: ${file} has ${count} places that read: ${find}`);
    writeFileSync(path, text.replace(find, put));
  }
}
