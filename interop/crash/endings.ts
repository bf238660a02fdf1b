/** The other ways in which a server's life can end, or not begin. */

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, type RandomStream } from '@headkeeper/testkit';
import { writeZooCfg } from '../peers/apache-zookeeper.ts';
import { headkeeperBin, startHeadkeeper } from '../peers/headkeeper.ts';
import { fourLetterWord, type ServerProcess, startServerProcess } from '../peers/server-process.ts';
import { BUSY_FILES } from './killings.ts';
import { Load } from './load.ts';

const EXIT_DATA_DIRECTORY = 3;
const EXIT_DISK = 10;
const FULL_AFTER_KB = 4096;

/** A second server on the directory must go away, and leave the first one alone. */
export async function secondProcess(dataDir: string): Promise<string[]> {
  const faults: string[] = [];
  const first = await startHeadkeeper({ dataDir });
  const words = ['server', `${dataDir}.cfg`, '-D', `clientPort=${await freePort()}`];
  const second = spawnSync(process.execPath, [headkeeperBin, ...words], { encoding: 'utf8', timeout: 20_000 });
  if (second.status !== EXIT_DATA_DIRECTORY) faults.push(`exit code ${second.status}: ${second.stderr}`);
  if (!second.stderr.includes('in use')) faults.push(`it says: ${second.stderr}`);
  if (!(await fourLetterWord(first.port, 'ruok', 2000)).includes('imok'))
    faults.push('the first one no longer answers');
  if ((await first.stop()) !== 0) faults.push('the first one did not stop cleanly');
  return faults;
}

/** SIGTERM under load: exit code 0, and the directory holds what was acknowledged and nothing else. */
export async function stopUnderLoad(dataDir: string, times: number, random: RandomStream): Promise<string[]> {
  const load = new Load(4);
  const faults: string[] = [];
  for (let round = 0; round <= times; round++) {
    const port = await freePort();
    const server = await startHeadkeeper({ dataDir, port, extraConfig: BUSY_FILES });
    await load.attach(port, true);
    const writing = load.write();
    await pause(random.between(100, 300));
    const code = await server.stop();
    await writing;
    if (code !== 0) faults.push(`exit code ${code}`);
    faults.push(...load.takeFaults());
  }
  return faults;
}

/** A file may not grow any more: the server ends with its code, and has lost nothing once it may again. */
export async function fileTooLarge(dataDir: string): Promise<string[]> {
  const port = await freePort();
  // 512-byte blocks in POSIX' ulimit, kilobytes in bash's.
  const command = `trap '' XFSZ; ulimit -f ${FULL_AFTER_KB}; exec "$@"`;
  const config = writeZooCfg(dataDir, port, { preAllocSize: '64' });
  const limited = await startServerProcess({
    name: 'Headkeeper with limited files',
    argv: ['bash', '-c', command, 'bash', process.execPath, headkeeperBin, 'server', config],
    port,
    logFile: `${dataDir}.log`,
  });
  return fillUp(limited, dataDir, () => {});
}

/** Whether this process may mount file systems of its own. */
export function canMount(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status !== 0) return false;
  spawnSync('umount', [folder]);
  return true;
}

/** The disk is full: the server ends with its code; with more room, all that was acknowledged is there. */
export async function fullDisk(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${FULL_AFTER_KB}k`, 'tmpfs', folder]);
  if (mounted.status !== 0) return [`no tmpfs: ${mounted.stderr}`];
  try {
    const dataDir = `${folder}/data`;
    const server = await startHeadkeeper({ dataDir, extraConfig: { ...BUSY_FILES, preAllocSize: '64' } });
    return await fillUp(server, dataDir, () => {
      spawnSync('mount', ['-o', 'remount,size=256m', folder]);
    });
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
}

async function fillUp(server: ServerProcess, dataDir: string, makeRoom: () => void): Promise<string[]> {
  const faults: string[] = [];
  const load = new Load(4);
  await load.attach(server.port);
  await load.write();
  const code = await server.ended;
  if (code !== EXIT_DISK) faults.push(`exit code ${code} instead of ${EXIT_DISK}`);
  makeRoom();
  const again = await startHeadkeeper({ dataDir });
  await load.attach(again.port);
  faults.push(...load.takeFaults());
  const writing = load.write();
  await pause(100);
  if ((await again.stop()) !== 0) faults.push('no clean stop afterwards');
  await writing;
  return faults;
}
