/**
 * Where peers (other people's servers, clients and test suites) are installed, and the one way to install into it:
 * build in a fresh folder, then rename. A folder with its final name is therefore complete, an interrupted install
 * leaves nothing that counts, and two installs at the same time both succeed.
 */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';

/** The checkout: the emitted form of this file lies in interop/dist/peers. */
export const repositoryRoot: string = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** `$HEADKEEPER_PEERS`, or `~/.cache/headkeeper-peers`. */
export function peersFolder(): string {
  return process.env.HEADKEEPER_PEERS ?? join(homedir(), '.cache', 'headkeeper-peers');
}

/**
 * Returns the folder `name` of the cache, filled by `fill` if it is not there yet.
 * Whatever `fill` throws goes to the caller: a peer that cannot be installed is a failure, never a skip.
 */
export async function installOnce(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(peersFolder(), name);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}.installing-`);
  try {
    await fill(fresh);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another install was faster: its folder is as good as ours.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** One command, and the Debian packages that bring it and what it cannot do without. */
export interface RequiredCommand {
  readonly command: string;
  readonly debianPackages: readonly string[];
}

/** The C compiler with what it needs to link a program. */
export const cCompiler: RequiredCommand = { command: 'gcc', debianPackages: ['gcc', 'libc6-dev'] };

/**
 * Makes the commands available, installing their Debian packages where they are missing.
 * @throws Error when a command is missing and apt-get cannot bring it
 */
export async function requireCommands(required: readonly RequiredCommand[]): Promise<void> {
  const missing = required.filter((each) => !isCommand(each.command));
  if (missing.length === 0) return;
  await installDebianPackages(missing.flatMap((each) => each.debianPackages));
  for (const each of missing) {
    if (!isCommand(each.command))
      throw new Error(`${each.command} is missing after installing ${each.debianPackages.join(', ')}`);
  }
}

/** Installs Debian packages; needs root or sudo. */
export async function installDebianPackages(packages: readonly string[]): Promise<void> {
  if (!isCommand('apt-get')) throw new Error(`cannot install ${packages.join(', ')}: this machine has no apt-get`);
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-qq'];
  await run([...apt, 'update']);
  await run([...apt, 'install', '-y', '--no-install-recommends', 'ca-certificates', ...packages]);
}

/** Whether a command of this name is on the PATH. */
export function isCommand(command: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, command)));
}
