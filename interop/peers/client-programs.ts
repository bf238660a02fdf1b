/** The peers that are built from our own sources: the C and the Go client, and the judge of histories. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { cCompiler, installDebianPackages, installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';

const sources = join(repositoryRoot, 'interop/clients');
const goCommand = { command: 'go', debianPackages: ['golang-go'] };

/** A name that changes with the sources, so that an edited program is built anew. */
export function nameFor(program: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return `${program}-${hash.digest('hex').slice(0, 12)}`;
}

/** Builds the C program against Debian's libzookeeper_mt and returns its path. */
export async function buildCClient(): Promise<string> {
  await requireCommands([cCompiler]);
  if (!existsSync('/usr/include/zookeeper/zookeeper.h')) {
    await installDebianPackages(['libc6-dev', 'libzookeeper-mt-dev']);
  }
  const source = join(sources, 'c/interop_client.c');
  const folder = await installOnce(nameFor('c-client', [source]), async (fresh) => {
    const out = join(fresh, 'interop_client');
    await run(['gcc', '-O1', '-Wall', '-DTHREADED', '-o', out, source, '-lzookeeper_mt', '-lpthread']);
  });
  return join(folder, 'interop_client');
}

/** Builds the Go program (go-zookeeper, pinned by go.mod and go.sum) and returns its path. */
export function buildGoClient(): Promise<string> {
  return buildGo('go-client', 'interop', join(sources, 'go'));
}

/** Builds the search for histories of all objects (Porcupine, pinned by go.mod and go.sum) and returns its path. */
export function buildHistorySearch(): Promise<string> {
  const source = join(repositoryRoot, 'interop/histories/porcupine');
  return buildGo('history-search', 'histories', source, ['main.go', 'models.go', 'read.go']);
}

async function buildGo(name: string, program: string, source: string, programs = ['main.go']): Promise<string> {
  await requireCommands([goCommand]);
  const files = [...programs, 'go.mod', 'go.sum'];
  const paths = files.map((file) => join(source, file));
  const folder = await installOnce(nameFor(name, paths), async (fresh) => {
    for (const file of files) copyFileSync(join(source, file), join(fresh, file));
    await run(['go', 'build', '-buildvcs=false', '-o', join(fresh, program), '.'], {
      cwd: fresh,
      env: { CGO_ENABLED: '0' },
    });
  });
  return join(folder, program);
}
