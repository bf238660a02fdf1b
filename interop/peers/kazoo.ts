/** kazoo, the Python client: its source distribution (with its own tests) and a virtual environment to run it in. */

import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { cCompiler, installDebianPackages, installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';

/** The release whose tests are the suite. */
export const kazooVersion = '2.11.0';

const sourceSha256 = '57e7e6f69295c8f922511488eeb79680729e14bb8eb382d5cad83aa11345c36c';

export interface KazooInstall {
  /** Interpreter of the virtual environment. */
  readonly python: string;
  /** The unpacked source distribution: the module and its tests. */
  readonly source: string;
}

/** Installs kazoo's sources and what its tests need. */
export async function installKazoo(): Promise<KazooInstall> {
  await requireCommands([
    { command: 'python3', debianPackages: ['python3-venv'] },
    // Two of the packages below are built from C sources.
    { command: 'python3-config', debianPackages: ['python3-dev'] },
    cCompiler,
  ]);
  const requirements = join(repositoryRoot, 'interop/peers/kazoo-requirements.txt');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = await installOnce(`kazoo-${kazooVersion}-${digest}`, async (fresh) => {
    const python = join(fresh, 'venv/bin/python');
    await makeVirtualEnvironment(join(fresh, 'venv'));
    const pip = [python, '-m', 'pip', '--quiet', '--disable-pip-version-check'];
    await run([...pip, 'install', 'setuptools==80.9.0', 'wheel==0.45.1']);
    await run([...pip, 'install', '--requirement', requirements]);
    const download = ['download', '--no-deps', '--no-build-isolation', '--no-binary', 'kazoo'];
    await run([...pip, ...download, '--dest', fresh, `kazoo==${kazooVersion}`]);
    const archive = join(fresh, `kazoo-${kazooVersion}.tar.gz`);
    const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
    if (sha256 !== sourceSha256) throw new Error(`kazoo's source distribution has another SHA-256: ${sha256}`);
    await run(['tar', 'xzf', archive, '-C', fresh]);
    copyFileSync(requirements, join(fresh, 'requirements.txt'));
  });
  return { python: join(folder, 'venv/bin/python'), source: join(folder, `kazoo-${kazooVersion}`) };
}

async function makeVirtualEnvironment(folder: string): Promise<void> {
  try {
    await run(['python3', '-m', 'venv', folder]);
  } catch {
    // Debian's python3 comes without the part that fills a virtual environment.
    await installDebianPackages(['python3-venv']);
    await run(['python3', '-m', 'venv', '--clear', folder]);
  }
}
