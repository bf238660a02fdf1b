import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
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

/** What a process prints, while it runs. */
class Said {
  text = '';
  /** Behind what was waited for before. */
  #seen = 0;
  #look: () => void = () => {};

  constructor(child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.#look();
    });
  }

  /** Waits for text that matches. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${pattern} did not come:\n${this.text}`)), DEADLINE_MS);
      this.#look = () => {
        const match = pattern.exec(this.text.slice(this.#seen));
        if (match === null) return;
        this.#seen += match.index + match[0].length;
        clearTimeout(timer);
        this.#look = () => {};
        resolve(match);
      };
      this.#look();
    });
  }
}

describe('dev', () => {
  it('runs an ensemble, tells who leads, starts again what is killed, and stops all of it', async () => {
    const base = await freeBase();
    const files = path.join(folder, 'ensemble');
    const child = start(['dev', '--ensemble', '3', '--in', files, '--port', String(base)]);
    const end = finished(child);
    const said = new Said(child);
    try {
      const leader = Number((await said.until(/server (\d) leads, epoch \d+/))[1]);
      const pid = Number(new RegExp(`server ${leader} started, process (\\d+)`).exec(said.text)?.[1]);
      process.kill(pid, 'SIGKILL');
      await said.until(new RegExp(`server ${leader} ended \\(SIGKILL\\)`));
      const next = Number((await said.until(/server (\d) leads, epoch \d+/))[1]);
      // On a machine that is busy enough the killed server may be back in time to be elected again.
      if (next !== leader) await said.until(new RegExp(`server ${leader} serves as follower`));
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

  const endings: [string, (child: ChildProcess) => void][] = [
    ['its terminal is closed', (child) => void child.kill('SIGHUP')],
    [
      'it is stopped and nobody reads what it says',
      (child) => {
        child.stdout?.destroy();
        child.kill('SIGTERM');
      },
    ],
  ];
  for (const [what, end] of endings) {
    it(`leaves no server and no file behind when ${what}`, async () => {
      const base = await freeBase();
      const temporary = mkdtempSync(path.join(folder, 'temporary-'));
      const child = start(['dev', '--ensemble', '3', '--port', String(base)], { env: { TMPDIR: temporary } });
      const over = once(child, 'exit');
      await new Said(child).until(/leads/);
      end(child);
      await over;
      const giveUp = performance.now() + DEADLINE_MS;
      while (!(await Promise.all([0, 1, 2].map((at) => isFree(base + at)))).every(Boolean)) {
        assert.ok(performance.now() < giveUp, 'a server is still there');
        await pause(20);
      }
      assert.deepEqual(readdirSync(temporary), []);
    });
  }

  it('says which port is taken', async () => {
    const base = await freeBase();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(base + 101, '127.0.0.1', resolve));
    const { code, stderr } = await headkeeper(['dev', '--ensemble', '2', '--port', String(base)]);
    server.close();
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`port ${base + 101} cannot be used: something listens there; headkeeper dev --port chooses others`),
    );
  });

  it('wants to know how many', async () => {
    assert.equal((await headkeeper(['dev'])).code, 2);
    assert.equal((await headkeeper(['dev', '--ensemble', '0'])).code, 2);
  });

  it('takes no ports beyond the last one', async () => {
    const { code, stderr } = await headkeeper(['dev', '--ensemble', '3', '--port', '65334']);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^headkeeper: 3 servers from --port 65334 on need ports up to 65536; the last one is 65535\n$/,
    );
  });
});
