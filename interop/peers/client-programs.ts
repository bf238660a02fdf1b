/** The peers that are built from our own sources in interop/clients: the C and the Go program. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { cCompiler, installDebianPackages, installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';

const sources = join(repositoryRoot, 'interop/clients');

/** A name that changes with the sources, so that an edited program is built anew. */
function nameFor(program: string, files: readonly string[]): string {
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
export async function buildGoClient(): Promise<string> {
  await requireCommands([{ command: 'go', debianPackages: ['golang-go'] }]);
  const files = ['main.go', 'go.mod', 'go.sum'].map((name) => join(sources, 'go', name));
  const folder = await installOnce(nameFor('go-client', files), async (fresh) => {
    for (const name of ['main.go', 'go.mod', 'go.sum']) copyFileSync(join(sources, 'go', name), join(fresh, name));
    await run(['go', 'build', '-buildvcs=false', '-o', join(fresh, 'interop'), '.'], {
      cwd: fresh,
      env: { CGO_ENABLED: '0' },
    });
  });
  return join(folder, 'interop');
}
