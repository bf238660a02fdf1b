/** What belongs to the project: its files, and its packages with their manifests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this checkout (the emitted script lies in scripts/dist). */
export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** In a further worktree of git `.git` is a file. */
const foreign = new Set(['node_modules', 'dist', '.git', '.cache', 'data', 'coverage']);

/** Paths of all files below `root` that are written by hand, relative, with forward slashes, sorted. */
export function projectFiles(root: string): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (foreign.has(entry.name)) continue;
      if (entry.isDirectory()) walk(name);
      else if (entry.isFile()) found.push(name);
    }
  };
  walk('');
  return found.sort();
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly workspaces?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly license?: string;
  readonly type?: string;
  /** Names beginning with `#` for emitted files, such as `#peers/*`. */
  readonly imports?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface ProjectPackage {
  /** Folder relative to the root; empty for the root itself. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The root package first, then its workspaces in the order listed. */
export function projectPackages(root: string): ProjectPackage[] {
  const read = (folder: string): ProjectPackage => ({
    folder,
    manifest: JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest,
  });
  const top = read('');
  const folders = (top.manifest.workspaces ?? []).filter((f) => existsSync(path.join(root, f, 'package.json')));
  return [top, ...folders.map(read)];
}

/** Prints problems and sets the exit code; says what was checked when there are none. */
export function reportProblems(check: string, problems: readonly string[], checked: string): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) {
    process.stderr.write(`${check}: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${check}: ok, ${checked}\n`);
}

/** Whether this module is the script that node was asked to run. */
export function isMain(moduleUrl: string): boolean {
  return process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(moduleUrl);
}
