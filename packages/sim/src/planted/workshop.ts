import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Edit } from './planted-bug.ts';

/** A change of any emitted package. */
type AnyEdit = Omit<Edit, 'package'> & { readonly package?: string };

const ROOT = resolve(import.meta.dirname, '../../../../..');
const PACKAGES = ['protocol', 'server', 'client', 'recipes', 'testkit', 'sim'] as const;
const PARTS = ['package.json', 'dist/src'] as const;

/** A copy of the emitted packages, or of the given ones and of those given parts that they have, in which files can be changed. */
export function copyPackages(names: readonly string[] = PACKAGES, parts: readonly string[] = PARTS): string {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-planted-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@headkeeper'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@headkeeper' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of names) {
    for (const part of parts) {
      const from = join(ROOT, 'packages', name, part);
      if (existsSync(from)) cpSync(from, join(modules, '@headkeeper', name, part), { recursive: true });
    }
  }
  return folder;
}

/** Changes the copies. Throws unless each place stands exactly once in its file. */
export function plant(folder: string, bug: { readonly name: string; readonly edits: readonly AnyEdit[] }): void {
  for (const { package: name = 'server', file, find, put } of bug.edits) {
    const path = join(folder, 'node_modules/@headkeeper', name, 'dist/src', file);
    const text = readFileSync(path, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${bug.name}: ${file} has ${count} places that read: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => put),
    );
  }
}
