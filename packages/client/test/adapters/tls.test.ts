import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { beginFrame, connectResponse, encodeReply, endFrame, Writer } from '@headkeeper/protocol';
import { connect } from '../../src/connect.ts';
import { isZooKeeperError } from '../../src/core/errors.ts';
import type { TlsOptions } from '../../src/options.ts';

const pem = (name: string): Buffer =>
  readFileSync(fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}.pem`)));

let server: Server;
let peers: string[] = [];

function frame(encode: (out: Writer) => void): Uint8Array {
  const out = new Writer();
  const at = beginFrame(out);
  encode(out);
  endFrame(out, at);
  return out.toBytes();
}

/** Gives a session to the first frame and closes it with the second. */
function greet(socket: TLSSocket): void {
  peers.push(`${socket.getPeerCertificate().subject?.CN}`);
  let frames = 0;
  socket.on('error', () => {});
  socket.on('data', () => {
    const passwd = new Uint8Array(16);
    const granted = { protocolVersion: 0, timeOut: 4_000, sessionId: 5n, passwd, readOnly: false };
    if (frames++ === 0) socket.write(frame((out) => connectResponse.encode(out, granted)));
    else socket.end(frame((out) => encodeReply(out, { xid: 1, zxid: 1, err: 0 }, 'closeSession', null)));
  });
}

before(async () => {
  const identity = { cert: pem('named'), key: pem('named'), ca: pem('trust') };
  server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true }, greet);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => server.close());

const mine = { cert: pem('server'), key: pem('server') };
const port = (): number => (server.address() as AddressInfo).port;

async function failure(host: string, tls: TlsOptions): Promise<string> {
  const error: unknown = await connect(`${host}:${port()}`, { tls, connectTimeoutMs: 500 }).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(isZooKeeperError(error, 'connectionLoss'), `${error}`);
  return error.message;
}

test('a client with a certificate reaches a server whose certificate carries its name', async () => {
  peers = [];
  const byName = await connect(`localhost:${port()}`, { tls: { ...mine, ca: pem('trust') } });
  await byName.close();
  const byAddress = await connect(`127.0.0.1:${port()}`, {
    tls: { ...mine, ca: pem('trust'), serverName: 'localhost' },
  });
  await byAddress.close();
  assert.equal(peers.length, 2);
});

test('a certificate for another name, by an authority that is not trusted, or none of its own: no connection', async () => {
  assert.match(await failure('127.0.0.1', { ...mine, ca: pem('trust') }), /altnames|IP/i);
  assert.match(await failure('localhost', mine), /certificate/);
  await failure('localhost', { ca: pem('trust') });
});
