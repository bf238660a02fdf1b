import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '@headkeeper/testkit';
import { TcpNetwork } from '../../src/adapters/peer/tcp-network.ts';
import type { Endpoint, PeerStream } from '../../src/ports.ts';
import { Recorder, until } from './stream-recorder.ts';

const failures: Error[] = [];
const network = new TcpNetwork({ failed: (error) => failures.push(error) });

/** Listens on a free port; the streams that come are recorded. */
async function listen(): Promise<{ at: Endpoint; accepted: Recorder[]; stop: () => void }> {
  const at = { host: '127.0.0.1', port: await freePort() };
  const accepted: Recorder[] = [];
  const outcomes: (Error | null)[] = [];
  const stop = network.listen(
    at,
    (stream) => {
      const recorder = new Recorder();
      recorder.stream = stream;
      accepted.push(recorder);
      return recorder;
    },
    (error) => outcomes.push(error),
  );
  await until(() => outcomes.length === 1);
  assert.deepEqual(outcomes, [null]);
  return { at, accepted, stop };
}

function open(at: Endpoint): Recorder {
  const recorder = new Recorder();
  recorder.stream = network.connect(at, 5_000, recorder);
  return recorder;
}

test('bytes go both ways, and the memory they are in may be used again at once', async () => {
  const server = await listen();
  const client = open(server.at);
  await until(() => client.isOpen && server.accepted.length === 1);
  const memory = Buffer.alloc(300_000);
  const sent: Buffer[] = [];
  for (let i = 0; i < 40; i++) {
    memory.fill(i);
    const end = 1 + ((i * 37_517) % memory.length);
    sent.push(Buffer.from(memory.subarray(1, end)));
    client.stream?.write(memory, 1, end);
  }
  server.accepted[0]?.stream?.write(Buffer.from('back'), 0, 4);
  const all = Buffer.concat(sent);
  await until(() => server.accepted[0]?.received().length === all.length && client.received().length === 4);
  assert.ok(server.accepted[0]?.received().equals(all));
  assert.equal(client.received().toString(), 'back');
  assert.ok(client.drains > 0);
  assert.equal(client.stream?.unsentBytes, 0);
  client.stream?.destroy();
  await until(() => server.accepted[0]?.ends.length === 1);
  assert.deepEqual(client.ends, [], 'destroy is not told to the one who did it');
  server.stop();
});

test('close sends what was written, also to a peer that is still talking', async () => {
  const server = await listen();
  const client = open(server.at);
  await until(() => client.isOpen && server.accepted.length === 1);
  const other = server.accepted[0]?.stream as PeerStream;
  const bytes = Buffer.alloc(3_000_000, 7);
  other.write(bytes, 0, bytes.length);
  client.stream?.write(bytes, 0, bytes.length);
  other.close();
  await until(() => client.ends.length === 1);
  assert.equal(client.received().length, bytes.length);
  server.stop();
});

test('refusals, time-outs and unknown names end in closed, once', async () => {
  const refused = open({ host: '127.0.0.1', port: await freePort() });
  const unknown = open({ host: 'no-such-host.invalid', port: 1 });
  const named = open({ host: 'localhost', port: await freePort() });
  await until(() => refused.ends.length === 1 && unknown.ends.length === 1 && named.ends.length === 1);
  assert.match(named.ends[0]?.message ?? '', /ECONNREFUSED/);
  assert.match(refused.ends[0]?.message ?? '', /ECONNREFUSED/);
  assert.match(unknown.ends[0]?.message ?? '', /ENOTFOUND|EAI_AGAIN/);
  // TEST-NET-1 (RFC 5737): nobody answers there, or the machine says at once that there is no way.
  const silent = new Recorder();
  network.connect({ host: '192.0.2.1', port: 9 }, 50, silent);
  await until(() => silent.ends.length === 1);
  assert.notEqual(silent.ends[0], null);
});

test('a port that is taken is reported; when stopped it is free at once', async () => {
  const server = await listen();
  const outcome = await new Promise<Error | null>((resolve) => {
    network.listen(server.at, () => assert.fail('accepted'), resolve);
  });
  assert.match(outcome?.message ?? '', /EADDRINUSE/);
  server.stop();
  const again = await new Promise<Error | null>((resolve) => {
    const stop = network.listen(
      server.at,
      () => assert.fail('accepted'),
      (error) => {
        stop();
        resolve(error);
      },
    );
  });
  assert.equal(again, null);
});

test('an empty host stands for all addresses', async () => {
  const port = await freePort();
  const accepted: PeerStream[] = [];
  await new Promise<void>((resolve, reject) => {
    const stop = network.listen(
      { host: '', port },
      (stream) => {
        accepted.push(stream);
        stop();
        resolve();
        return new Recorder();
      },
      (error) => {
        if (error !== null) reject(error);
        else network.connect({ host: '127.0.0.1', port }, 1_000, new Recorder());
      },
    );
  });
  assert.equal(accepted[0]?.remote.host, '127.0.0.1');
  accepted[0]?.destroy();
});

test('a paused stream reads nothing, and the writer sees what is unsent', async () => {
  const server = await listen();
  const client = open(server.at);
  await until(() => client.isOpen && server.accepted.length === 1);
  const other = server.accepted[0];
  other?.stream?.pause();
  const bytes = Buffer.alloc(1_000_000, 1);
  for (let i = 0; i < 30; i++) client.stream?.write(bytes, 0, bytes.length);
  await until(() => (client.stream?.unsentBytes ?? 0) > 0);
  assert.ok((other?.received().length ?? 0) < 30_000_000);
  other?.stream?.resume();
  await until(() => other?.received().length === 30_000_000);
  await until(() => client.stream?.unsentBytes === 0);
  client.stream?.destroy();
  server.stop();
});

test('a half-closed peer counts as gone', async () => {
  const server = await listen();
  const socket: Socket = connect({ port: server.at.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.resume();
  socket.end('bye');
  await until(() => server.accepted[0]?.ends.length === 1);
  assert.equal(server.accepted[0]?.received().toString(), 'bye');
  server.stop();
});

test('E07: a server that runs out of descriptors drops whom it cannot take, and accepts again when it has some', async () => {
  const script = fileURLToPath(new URL('./few-descriptors.js', import.meta.url));
  const port = await freePort();
  const command = `ulimit -n 60; exec "${process.execPath}" "${script}" ${port}`;
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(() => output.includes('listens'));
  let dropped = 0;
  const sockets = Array.from({ length: 100 }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .on('close', () => dropped++)
      .resume(),
  );
  const accepted = (): number => output.split('accepted').length - 1;
  await until(() => accepted() + dropped === sockets.length);
  assert.ok(accepted() > 0 && dropped > 0, `${accepted()} accepted, ${dropped} dropped`);
  for (const socket of sockets) socket.destroy();
  await until(() => output.split('closed').length - 1 === accepted());
  const client = open({ host: '127.0.0.1', port });
  client.whenOpen = () => client.stream?.write(Buffer.from('x'), 0, 1);
  await until(() => output.includes('data x'));
  client.stream?.destroy();
  child.kill();
});
