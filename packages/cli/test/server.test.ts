import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Finished, finished, headkeeper, start } from './headkeeper-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-server-'));
after(() => rmSync(folder, { recursive: true }));

interface Running {
  readonly child: ChildProcess;
  readonly address: string;
  readonly greeting: string;
  readonly end: Promise<Finished>;
}

/** Starts a server on a free port of 127.0.0.1 in the folder, and waits until it says where it serves. */
async function startServer(words: readonly string[] = []): Promise<Running> {
  const child = start(['server', '-D', 'clientPort=0', '-D', 'preAllocSize=64', ...words], { cwd: folder });
  const end = finished(child);
  let greeting = '';
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (text: string) => {
      greeting += text;
      const found = /serves ZooKeeper clients on (\S+), /.exec(greeting)?.[1];
      if (found !== undefined) resolve(found);
    });
    end.then(({ stderr }) => reject(new Error(`the server ended: ${stderr}`)), reject);
  });
  return { child, address, greeting, end };
}

describe('the server as a process', () => {
  it('says how to connect, keeps its data in ./data, and ends with 0 on SIGTERM and SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = await startServer();
      assert.match(server.greeting, new RegExp(`headkeeper status ${server.address}`));
      const { code, stdout } = await headkeeper(['status', server.address]);
      assert.equal(code, 0);
      assert.match(
        stdout,
        /^Zookeeper version: 3\.9\.5-headkeeper-.*\nLatency .*\nMode: standalone\nNode count: \d+\n$/s,
      );
      server.child.kill(signal);
      assert.equal((await server.end).code, 0);
      assert.ok(existsSync(path.join(folder, 'data', 'version-2')));
    }
  });

  it('says plainly that a port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const { code, stderr } = await headkeeper(['server', '-D', `clientPort=${port}`], { cwd: folder });
      assert.equal(code, 15);
      assert.match(stderr, /cannot listen on port \d+: .*EADDRINUSE/);
      assert.doesNotMatch(stderr, /\n\s+at /);
    } finally {
      other.close();
    }
  });

  it('bears every load that bench can make, without an error', async () => {
    const server = await startServer(['-D', 'dataDir=bench-data']);
    try {
      for (const mode of ['fill', 'get', 'set', 'create', 'mix', 'exists', 'children', 'connect', 'fanout']) {
        const words = [
          '-m',
          mode,
          '-c',
          '3',
          '-w',
          '4',
          '-t',
          '1',
          '--warm-up',
          '0',
          '-k',
          '50',
          '-p',
          '/a/b',
          '--json',
        ];
        const { code, stdout, stderr } = await headkeeper(['bench', '-s', server.address, ...words]);
        assert.equal(code, 0, `${mode}: ${stderr}`);
        const result = JSON.parse(stdout) as {
          mode: string;
          errors: number;
          ops?: number;
          p50_us?: number;
          max_us?: number;
        };
        assert.deepEqual([result.mode, result.errors], [mode, 0]);
        if (mode === 'fill') continue;
        assert.ok((result.ops ?? 0) > 0, mode);
        assert.ok((result.p50_us ?? 0) <= (result.max_us ?? 0), mode);
      }
      const text = await headkeeper(['bench', '-s', server.address, '-c', '1', '-t', '1', '--warm-up', '0']);
      assert.match(
        text.stdout,
        /^get, 1 connections, window 1: \d+ operations a second\nlatency in microseconds: p50 /,
      );
    } finally {
      server.child.kill('SIGTERM');
    }
    assert.equal((await server.end).code, 0);
  });

  it('loses the load with code 1 when it goes away', async () => {
    const server = await startServer(['-D', 'dataDir=gone-data']);
    const load = start(['bench', '-s', server.address, '-c', '2', '-t', '60', '--warm-up', '0']);
    const end = finished(load);
    // The load is under way once it has filled its keys: the server then has more than the nodes it begins with.
    while (load.exitCode === null) {
      const { stdout } = await headkeeper(['status', server.address]);
      if (Number(/Node count: (\d+)/.exec(stdout)?.[1]) > 1000) break;
    }
    server.child.kill('SIGTERM');
    const { code, stderr } = await end;
    assert.equal(code, 1);
    assert.match(stderr, /headkeeper: 127\.0\.0\.1:\d+: /);
    assert.equal((await server.end).code, 0);
  });
});
