/** A server under measurement, with or without backups: started, asked about its backups, and known to be at rest. */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '@headkeeper/testkit';
import { adminSettings } from '#peers/apache-zookeeper';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { cpuSeconds } from './paced-load.ts';

const LOOK_MS = 100;
/** Looks in a row at which a server must have done next to nothing: longer than txns are gathered before they are shipped. */
const RESTFUL_LOOKS = 6;
/** One tick of the kernel's account of processor time. */
const IDLE_SECONDS = 0.011;
const LONGEST_MS = 120_000;

export interface BackedUpServer {
  readonly port: number;
  readonly pid: number;
  /** Waits until everything written is shipped, and the process does nothing any more. */
  rest(): Promise<void>;
  /** Takes a full backup; returns the seconds until it was safe. */
  takeFull(): Promise<number>;
}

/** Runs a server of its own folder below `folder` while `act` does something with it. `target`: of its backups, null for none. */
export async function withServer<T>(
  folder: string,
  name: string,
  target: string | null,
  settings: Readonly<Record<string, string>>,
  act: (server: BackedUpServer) => Promise<T>,
): Promise<T> {
  const adminPort = await freePort();
  const extraConfig = {
    maxClientCnxns: '0',
    ...adminSettings(adminPort),
    ...(target === null ? {} : { 'backup.target': target }),
    ...settings,
  };
  const { port, pid, stop } = await startHeadkeeper({ dataDir: join(folder, name), extraConfig });
  const admin = `http://127.0.0.1:${adminPort}/commands/backup`;
  const status = async (): Promise<Status> => (await (await fetch(admin)).json()) as Status;
  try {
    return await act({
      port,
      pid,
      rest: () => rest(pid, target === null ? null : status),
      takeFull: () => takeFull(admin, status),
    });
  } finally {
    await stop(60_000);
    // What it has left to the page cache is no load of whoever comes next.
    await run(['sync']);
  }
}

interface Status {
  readonly lag_txns: number;
  readonly fulls: number;
  readonly failures: number;
}

async function rest(pid: number, status: (() => Promise<Status>) | null): Promise<void> {
  await until('the server came to rest', async () => status === null || (await status()).lag_txns === 0);
  let used = cpuSeconds(pid);
  let looks = 0;
  await until('the server came to rest', async () => {
    const now = cpuSeconds(pid);
    looks = now - used < IDLE_SECONDS ? looks + 1 : 0;
    used = now;
    return looks === RESTFUL_LOOKS;
  });
}

async function takeFull(admin: string, status: () => Promise<Status>): Promise<number> {
  const { fulls } = await status();
  const begun = performance.now();
  const answer = await fetch(`${admin}?now=true`, {
    method: 'POST',
    headers: { authorization: 'ip' },
  });
  if (answer.status !== 202) throw new Error(`no full backup: ${answer.status} ${await answer.text()}`);
  await until('the full backup was safe', async () => {
    const now = await status();
    if (now.failures > 0) throw new Error(`the backup failed: ${JSON.stringify(now)}`);
    return now.fulls > fulls;
  });
  return (performance.now() - begun) / 1000;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LONGEST_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`two minutes went by before ${what}`);
    await pause(LOOK_MS);
  }
}
