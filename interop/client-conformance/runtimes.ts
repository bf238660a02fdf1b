/** The client as it is published, on Bun and Deno. */

import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { installRuntimes } from '#peers/js-runtimes';
import { repositoryRoot } from '#peers/peer-cache';

/** Reads, writes, watches, times out and closes; prints `done` when all went well. */
const PROGRAM = `
import { connect, isZooKeeperError, watchData } from '@headkeeper/client';
const check = (what, ok) => { if (!ok) throw new Error(what + ' went wrong'); };
const zk = await connect(process.argv.at(-1), { sessionTimeoutMs: 4000, auth: [{ scheme: 'digest', auth: 'u:p' }] });
await zk.create('/a', 'x');
const stream = watchData(zk, '/a');
check('the first state', new TextDecoder().decode((await stream.next()).value.data) === 'x');
const next = stream.next();
await zk.setData('/a', 'y');
check('the second state', new TextDecoder().decode((await next).value.data) === 'y');
await stream.return();
const error = await zk.getData('/none').catch((reason) => reason);
check('an error', isZooKeeperError(error, 'noNode') && error.outcome === 'not applied');
const large = new Uint8Array(900000).fill(3);
await zk.setData('/a', large);
check('large data', (await zk.getData('/a')).data.every((byte) => byte === 3));
const many = await Promise.all(Array.from({ length: 2000 }, (_, i) => zk.create('/s-', String(i), { mode: 'ephemeralSequential' })));
check('two thousand creates', new Set(many.map(({ path }) => path)).size === 2000);
// Idle for longer than the timeout and the server's tick: without heartbeats the session would end.
await new Promise((resolve) => setTimeout(resolve, 7000));
check('a session that is kept alive', zk.state === 'connected' && (await zk.exists(many[0].path)) !== null);
await zk.close();
console.log('done');
process.exit(0);
`;

export interface RuntimeOutcome {
  readonly runtime: string;
  /** null: it went well. */
  readonly fault: string | null;
}

export async function onOtherRuntimes(): Promise<readonly RuntimeOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-runtimes-'));
  const packed = join(folder, 'packages');
  await run([process.execPath, join(repositoryRoot, 'scripts/dist/pack-packages.js'), packed]);
  const { bun, deno } = await installRuntimes();
  const outcomes: RuntimeOutcome[] = [];
  try {
    const home = join(folder, 'node_modules', '@headkeeper');
    mkdirSync(home, { recursive: true });
    const tarball = readdirSync(packed).find((name) => name.startsWith('headkeeper-client-')) as string;
    await run(['tar', '-xzf', join(packed, tarball), '-C', home]);
    renameSync(join(home, 'package'), join(home, 'client'));
    const manifest = { private: true, type: 'module', dependencies: { '@headkeeper/client': '*' } };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'program.js'), PROGRAM);
    for (const [runtime, argv] of [
      ['Node', [process.execPath]],
      ['Bun', [bun, 'run']],
      ['Deno', [deno, 'run', '--allow-all', '--node-modules-dir=manual']],
    ] as const) {
      const server = await startHeadkeeper({ dataDir: join(folder, runtime) });
      const output = await run([...argv, 'program.js', server.address], { cwd: folder, timeoutMs: 60_000 }).catch(
        String,
      );
      outcomes.push({ runtime, fault: output.includes('done') ? null : output });
      await server.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return outcomes;
}
