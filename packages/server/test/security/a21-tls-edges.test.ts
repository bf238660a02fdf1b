import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { store } from '../peer/tls-sides.ts';
import { ServedProcess } from './served-process.ts';

/** Twice as many as may be under way. */
const SLOW = 1_000;
const HANDSHAKE = Buffer.from(
  '0000002d000000000000000000000000000027100000000000000000000000100000000000000000000000000000000000',
  'hex',
);
const TLS_RECORDS = [
  ...[
    '16030100',
    '1603010200010001fc0303',
    '160301ffff',
    '1603014000',
    '80',
    '8080010301',
    '16',
    '1603',
    '15030100020228',
  ],
  ...['160301000100', '1603010005010000000000', '17030300050000000000', '140303000101'],
];

interface Outcome {
  readonly ok: boolean;
}

const pem = (name: string): string => readFileSync(store(name).path, 'utf8');

/** Whether a session is had over TLS with this certificate. */
async function session(port: number, certificate: string | null, localAddress = '127.0.0.1'): Promise<Outcome> {
  const own = certificate === null ? {} : { key: pem(certificate), cert: pem(certificate) };
  const raw = connect({ port, host: '127.0.0.1', localAddress });
  return answered(connectTls({ socket: raw, servername: 'localhost', ca: pem('trust.pem'), ...own }));
}

async function answered(socket: Socket | TLSSocket): Promise<Outcome> {
  let bytes = 0;
  socket.on('error', () => {});
  socket.write(HANDSHAKE);
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes < 41) return;
      resolve({ ok: true });
      socket.destroy();
    });
    socket.on('close', () => resolve({ ok: false }));
  });
}

describe('the client port with TLS', { timeout: 60_000 }, () => {
  let served: ServedProcess;
  before(async () => {
    served = await ServedProcess.start([
      'maxClientCnxns=0',
      'client.portUnification=true',
      `ssl.keyStore.location=${store('server.pem').path}`,
      `ssl.trustStore.location=${store('trust.pem').path}`,
    ]);
  });
  after(() => served.end());

  it('lets in who has a certificate of the right authority, and nobody else', async () => {
    assert.equal((await session(served.clientPort, 'server.pem')).ok, true);
    assert.equal((await session(served.clientPort, null)).ok, false, 'no certificate');
    assert.equal((await session(served.clientPort, 'stranger.pem')).ok, false, 'one that signed itself');
  });

  it('takes plain clients beside, and who is neither is dropped without harm', async () => {
    assert.equal((await answered(connect(served.clientPort, '127.0.0.1'))).ok, true);
    for (const record of TLS_RECORDS) {
      const socket = connect(served.clientPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.end(Buffer.concat([Buffer.from(record, 'hex'), Buffer.alloc(64)]));
      socket.resume();
      await once(socket, 'close');
    }
    assert.equal((await session(served.clientPort, 'server.pem')).ok, true);
    assert.ok(served.isRunning);
  });

  it('serves while a thousand handshakes are under way that never end', async () => {
    const sockets = Array.from({ length: SLOW }, (_, i) => {
      const socket = connect({
        port: served.clientPort,
        host: '127.0.0.1',
        localAddress: `127.0.${1 + (i >> 7)}.${1 + (i & 127)}`,
      });
      socket.on('error', () => {});
      // Half of them begin a handshake, half say nothing.
      if (i % 2 === 0) socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
      return socket;
    });
    await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : null)));
    assert.equal((await session(served.clientPort, 'server.pem', '127.0.0.77')).ok, true);
    assert.equal((await answered(connect(served.clientPort, '127.0.0.1'))).ok, true);
    for (const socket of sockets) socket.destroy();
  });

  it('lets nobody renegotiate for ever', async () => {
    const own = { key: pem('server.pem'), cert: pem('server.pem'), ca: pem('trust.pem') };
    const socket = connectTls({
      port: served.clientPort,
      host: '127.0.0.1',
      servername: 'localhost',
      ...own,
      maxVersion: 'TLSv1.2',
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    let times = 0;
    const again = (): void => {
      times++;
      const isAsked = socket.renegotiate({}, (error) => {
        if (error === null && times < 50) again();
        else socket.destroy();
      });
      if (!isAsked) socket.destroy();
    };
    again();
    await once(socket, 'close');
    assert.ok(times < 50, `${times} renegotiations`);
    assert.equal((await session(served.clientPort, 'server.pem')).ok, true);
  });

  it('says little about all that', () => {
    const lines = served.output.split('\n').filter((line) => line.includes('"level":40'));
    assert.ok(lines.length > 0 && lines.length <= 45, `${lines.length} lines`);
  });
});
