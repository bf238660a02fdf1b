import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SocketClient } from '../socket-client.ts';

const COMMAND = fileURLToPath(new URL('../../../bin/headkeeper-test-server.js', import.meta.url));

interface Line {
  readonly connectString: string;
  readonly servers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly pid: number;
}

function run(t: TestContext, args: readonly string[], stdin: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: [stdin, 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function firstLine(child: ChildProcess): Promise<Line> {
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  return JSON.parse(line) as Line;
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe('headkeeper-test-server', { timeout: 60_000 }, () => {
  it('prints where its server is, and ends with its input', async (t) => {
    const child = run(t, []);
    const { connectString, servers, pid } = await firstLine(child);
    assert.equal(connectString, `127.0.0.1:${servers[0]?.port}`);
    assert.equal(pid, child.pid);
    const client = await SocketClient.open(servers[0]?.port ?? 0);
    await client.create('/a');
    const exit = ended(child);
    child.stdin?.end();
    assert.equal(await exit, 0);
    await client.closed();
  });

  it('runs on without an input until it is told to end', async (t) => {
    const child = run(t, ['--servers', '3'], 'ignore');
    const { connectString, servers } = await firstLine(child);
    assert.deepEqual(
      servers.map(({ id }) => id),
      [1, 2, 3],
    );
    assert.equal(connectString, servers.map(({ host, port }) => `${host}:${port}`).join(','));
    const client = await SocketClient.open(servers[2]?.port ?? 0);
    await client.create('/a');
    client.destroy();
    const exit = ended(child);
    child.kill('SIGTERM');
    assert.equal(await exit, 0);
  });

  it('takes the port and the folder that it is given', async (t) => {
    const dir = mkdtempSync(`${tmpdir()}/testing-`);
    t.after(() => rmSync(dir, { recursive: true }));
    const first = run(t, ['--dir', dir]);
    const { servers } = await firstLine(first);
    const port = servers[0]?.port ?? 0;
    const client = await SocketClient.open(port);
    await client.create('/kept', 'text');
    const exit = ended(first);
    first.kill('SIGKILL');
    await exit;
    const second = run(t, ['--dir', dir, '--port', `${port}`]);
    assert.equal((await firstLine(second)).connectString, `127.0.0.1:${port}`);
    const again = await SocketClient.open(port);
    assert.equal(await again.read('/kept'), 'text');
    again.destroy();
  });

  it('says what is wrong with its arguments', async (t) => {
    const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['--server', '3'], 2, /Unknown option '--server'/],
      [['--servers', 'three'], 2, /--servers: expected a number, not three/],
      [['--servers', '10'], 1, /1 to 9 servers, not 10/],
      [['--port', '70000'], 1, /port: expected a number from 1 to 65535/],
      [['--dir', '/dev/null/x'], 1, /does not start/],
    ];
    for (const [args, code, message] of wrong) {
      const child = run(t, args);
      let text = '';
      child.stderr?.on('data', (bytes) => {
        text += bytes;
      });
      assert.equal(await ended(child), code, args.join(' '));
      assert.match(text, message);
    }
  });
});
