import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { type Finished, headkeeper } from './headkeeper-process.ts';

/** Runs `status` against a server that treats its only connection so; also tells what that was asked. */
async function statusOf(
  serve: (socket: Socket, asked: string) => void,
  words: string[] = [],
): Promise<Finished & { asked: string }> {
  let asked = '';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (chunk) => {
      asked += chunk.toString('latin1');
      if (asked.length === 4) serve(socket, asked);
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return { ...(await headkeeper(['status', `127.0.0.1:${port}`, ...words])), asked };
  } finally {
    server.close();
  }
}

describe('status', () => {
  const answer = 'Zookeeper version: 3.9.5-x, built on y\nZxid: 0x1\nMode: standalone\nNode count: 5\n';

  it('prints the answer to srvr, in however many pieces it comes', async () => {
    const { asked, ...result } = await statusOf((socket) => {
      socket.write(answer.slice(0, 20), () => setImmediate(() => socket.end(answer.slice(20))));
    });
    assert.equal(asked, 'srvr');
    assert.deepEqual(result, { code: 0, stdout: answer, stderr: '' });
  });

  it('has a code for a server that answers otherwise', async () => {
    const refusal = 'srvr is not executed because it is not in the whitelist.\n';
    const refused = await statusOf((socket) => socket.end(refusal));
    assert.equal(refused.code, 20);
    assert.match(
      refused.stderr,
      /does not tell its status: srvr is not executed because it is not in the whitelist\.$/m,
    );
    const silent = await statusOf((socket) => socket.end());
    assert.equal(silent.code, 20);
    assert.match(silent.stderr, /closed the connection without an answer/);
  });

  it('does not wait for ever', async () => {
    const { code, stderr } = await statusOf(() => {}, ['--timeout', '50']);
    assert.equal(code, 1);
    assert.match(stderr, /nothing came for 50 ms/);
  });

  it('says that nothing listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await headkeeper(['status', `127.0.0.1:${port}`]);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `headkeeper: cannot get an answer from 127.0.0.1:${port}: nothing listens there (connection refused)\n`,
    );
  });
});
