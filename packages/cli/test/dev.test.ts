import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import { isFree } from '@headkeeper/testkit';
import { finished, headkeeper, start } from './headkeeper-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-dev-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const DEADLINE_MS = 30_000;

/** A port with two behind it, and as many 100 and 200 above, that are free. */
async function freeBase(): Promise<number> {
  for (let base = 21_000 + (process.pid % 500) * 10; ; base += 3) {
    const wanted = [0, 100, 200].flatMap((offset) => [0, 1, 2].map((at) => base + offset + at));
    if ((await Promise.all(wanted.map(isFree))).every((free) => free)) return base;
  }
}

describe('dev', () => {
  it('runs an ensemble, tells who leads, starts again what is killed, and stops all of it', async () => {
    const base = await freeBase();
    const files = path.join(folder, 'ensemble');
    const child = start(['dev', '--ensemble', '3', '--in', files, '--port', String(base)]);
    const end = finished(child);
    let output = '';
    let look = (): void => {};
    child.stdout?.on('data', (text: string) => {
      output += text;
      look();
    });
    /** Waits for text that matches behind what was waited for before. */
    let seen = 0;
    const until = (pattern: RegExp): Promise<RegExpExecArray> => {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${pattern} did not come:\n${output}`)), DEADLINE_MS);
        look = () => {
          const match = pattern.exec(output.slice(seen));
          if (match === null) return;
          seen += match.index + match[0].length;
          clearTimeout(timer);
          look = () => {};
          resolve(match);
        };
        look();
      });
    };
    try {
      const leader = Number((await until(/server (\d) leads, epoch \d+/))[1]);
      const pid = Number(new RegExp(`server ${leader} started, process (\\d+)`).exec(output)?.[1]);
      process.kill(pid, 'SIGKILL');
      await until(new RegExp(`server ${leader} ended \\(SIGKILL\\)`));
      const next = Number((await until(/server (\d) leads, epoch \d+/))[1]);
      // On a machine that is busy enough the killed server may be back in time to be elected again.
      if (next !== leader) await until(new RegExp(`server ${leader} serves as follower`));
      const shown = await headkeeper(['status', `127.0.0.1:${base}`]);
      assert.equal(shown.code, 0, shown.stdout + shown.stderr);
      assert.match(shown.stdout, new RegExp(`All 3 servers are well; 127\\.0\\.0\\.1:${base + next - 1} leads`));
    } finally {
      child.kill('SIGINT');
    }
    assert.equal((await end).code, 0);
    assert.ok(await isFree(base));
    // The files given stay.
    assert.equal(readFileSync(path.join(files, 'server-3/data/myid'), 'utf8'), '3\n');
    assert.ok(existsSync(path.join(files, 'server-1/data/version-2')));
  });

  it('says which port is taken', async () => {
    const base = await freeBase();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(base + 101, '127.0.0.1', resolve));
    const { code, stderr } = await headkeeper(['dev', '--ensemble', '2', '--port', String(base)]);
    server.close();
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`port ${base + 101} cannot be used: something listens there; --port chooses others`),
    );
  });

  it('wants to know how many', async () => {
    assert.equal((await headkeeper(['dev'])).code, 2);
    assert.equal((await headkeeper(['dev', '--ensemble', '0'])).code, 2);
  });
});
