import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { freePort } from '@headkeeper/testkit';
import { createPeerNetwork, type PeerNetworkValues } from '../../src/adapters/peer/peer-network.ts';
import { openSslCipherName } from '../../src/adapters/tls/cipher-names.ts';
import { type TlsValues, watchStores } from '../../src/adapters/tls/configured-context.ts';
import { Pkcs12Error, pkcs12Certificates } from '../../src/adapters/tls/pkcs12.ts';
import type { TlsContextOptions } from '../../src/adapters/tls/tls-context.ts';
import { Recorder, until } from './stream-recorder.ts';
import { Server, type Side, store, talk, tls } from './tls-sides.ts';

test('servers with certificates for their addresses talk over TLS, 1.2 or 1.3', async () => {
  const both = { tls: tls() };
  assert.deepEqual(await talk(both, both), { ok: true, reasons: [] });
  const old = { tls: tls({ protocols: ['TLSv1.2'], cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'] }) };
  assert.deepEqual(await talk(old, both), { ok: true, reasons: [] });
  assert.deepEqual(await talk(both, old), { ok: true, reasons: [] });
  assert.equal((await talk(old, { tls: tls({ protocols: ['TLSv1.3'] }) })).ok, false);
});

test('stores of all kinds are read: PEM with a password, PKCS12 for keys and, as keytool makes it, for trust', async () => {
  const p12 = { tls: tls({ keyStore: store('server.p12', 'changeit'), trustStore: store('trust.p12', 'changeit') }) };
  assert.deepEqual(await talk(p12, p12), { ok: true, reasons: [] });
  const pem = { tls: tls({ keyStore: store('server-encrypted.pem', 'changeit') }) };
  assert.deepEqual(await talk(pem, p12), { ok: true, reasons: [] });
});

test('a store that cannot be used is refused with its name and a way out', () => {
  const refusals: [Partial<TlsContextOptions>, RegExp][] = [
    [{ trustStore: store('trust.jks', 'wrong') }, /trust\.jks: the password is wrong, or the file is damaged/],
    [{ trustStore: store('trust-legacy.p12', 'changeit') }, /trust-legacy\.p12: .*outdated.*current keytool/],
    [{ trustStore: store('trust.p12', 'wrong') }, /trust\.p12: the password is wrong/],
    [{ trustStore: { ...store('trust.pem'), type: 'PKCS12' } }, /trust\.pem: no PKCS12 file/],
    [{ keyStore: store('server.p12', 'wrong') }, /server\.p12: .*wrong password/],
    [{ keyStore: store('server-encrypted.pem') }, /server-encrypted\.pem: /],
    [{ keyStore: store('trust.pem') }, /trust\.pem: no certificate with its key/],
    [{ keyStore: { path: '/no/such.pem', password: null, type: null } }, /\/no\/such\.pem: ENOENT/],
    [{ keyStore: { path: store('server.p12').path.replace('.p12', ''), password: null, type: null } }, /ENOENT/],
    [{ cipherSuites: ['TLS_NO_SUCH'] }, /cipher/i],
  ];
  for (const [options, message] of refusals) assert.throws(() => tls(options), message);
});

test('a trust store cut off anywhere, or with a byte changed, never breaks the reader', () => {
  const bytes = readFileSync(store('trust.p12').path);
  const attempt = (input: Buffer): void => {
    try {
      assert.ok(pkcs12Certificates(input, 'changeit').length <= 1);
    } catch (error) {
      assert.ok(error instanceof Pkcs12Error, String(error));
    }
  };
  for (let at = 0; at < bytes.length; at++) {
    attempt(bytes.subarray(0, at));
    // Behind the parameters everything is cipher text, and each try costs a derivation of the key.
    if (at > 120) continue;
    for (const bit of [1, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ bit;
      attempt(changed);
    }
  }
});

test('who has no certificate, one of another authority, or one for another address, is not let in', async () => {
  const right = { tls: tls() };
  const refused: [string, Side, Side][] = [
    ['the client is a stranger', { tls: tls({ keyStore: store('stranger.pem') }) }, right],
    ['the server is a stranger', right, { tls: tls({ keyStore: store('stranger.pem') }) }],
    ['the client is from elsewhere', { tls: tls({ keyStore: store('elsewhere.pem') }) }, right],
    ['the server is from elsewhere', right, { tls: tls({ keyStore: store('elsewhere.pem') }) }],
    ['the client speaks no TLS', {}, right],
  ];
  for (const [what, client, server] of refused) assert.equal((await talk(client, server)).ok, false, what);
});

test('addresses are not looked at where that is switched off', async () => {
  const elsewhere = tls({ keyStore: store('elsewhere.pem') });
  const lax = tls({ hostnameVerification: false });
  const laxForClients = tls({ clientHostnameVerification: false });
  assert.equal((await talk({ tls: lax }, { tls: elsewhere })).ok, true);
  assert.equal((await talk({ tls: elsewhere }, { tls: laxForClients })).ok, true);
  assert.equal((await talk({ tls: laxForClients }, { tls: elsewhere })).ok, false);
});

test('the name that was connected to will do for the certificate of a server', async () => {
  const named = { tls: tls({ keyStore: store('named.pem'), clientHostnameVerification: false }) };
  assert.deepEqual(await talk(named, named, 'localhost'), { ok: true, reasons: [] });
  assert.equal((await talk(named, named, '127.0.0.1')).ok, false);
  // What 127.0.0.1 is called here depends on the machine; where it is localhost, looking that up helps.
  const lookup = { tls: tls({ keyStore: store('named.pem'), reverseDnsLookup: true }) };
  assert.deepEqual(await talk(lookup, lookup, '127.0.0.1'), { ok: true, reasons: [] });
});

test('clientAuth want looks at what is shown; none asks for nothing', async () => {
  const stranger = tls({ keyStore: store('stranger.pem') });
  assert.equal((await talk({ tls: stranger }, { tls: tls({ clientAuth: 'want' }) })).ok, false);
  assert.equal((await talk({ tls: tls() }, { tls: tls({ clientAuth: 'want' }) })).ok, true);
  assert.equal((await talk({ tls: stranger }, { tls: tls({ clientAuth: 'none' }) })).ok, true);
});

test('a unified port takes both, tells them apart by their first bytes, and waits for nobody', async () => {
  const unified = { tls: tls(), acceptPlain: true, outgoing: false };
  assert.deepEqual(await talk({ tls: tls() }, unified), { ok: true, reasons: [] });
  assert.deepEqual(await talk({}, unified), { ok: true, reasons: [] });
  assert.deepEqual(await talk(unified, unified), { ok: true, reasons: [] });

  const server = new Server(unified);
  await server.listen();
  const first: Record<string, string> = {
    initial: 'ffffffffffff00000000000000000002',
    bare: '0000000000000002',
    learner: '0000000b0000000000000000',
    sasl: '5f2435013501edcc',
    almost: '16030000',
  };
  for (const [what, hex] of Object.entries(first)) {
    const before = server.accepted.length;
    const socket: Socket = connect(server.at.port, '127.0.0.1');
    for (const byte of Buffer.from(hex, 'hex')) socket.write(Buffer.from([byte]));
    await until(() => server.accepted[before]?.received().toString('hex') === hex);
    assert.ok(server.accepted[before]?.isOpen, what);
    socket.destroy();
  }
  const silent = connect(server.at.port, '127.0.0.1');
  const before = server.accepted.length;
  await until(() => server.accepted.length > before);
  assert.equal(server.accepted[before]?.received().length, 0, 'after the detection time it counts as plain');
  silent.destroy();
  server.stop();
});

test('junk in place of a handshake is refused and reported, and the port goes on', async () => {
  const server = new Server({ tls: tls() });
  await server.listen();
  for (const junk of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\xff\xff\xff\xff']) {
    const before = server.failures.length;
    const socket = connect(server.at.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.end(Buffer.from(junk, 'latin1'));
    await until(() => server.failures.length > before);
    socket.destroy();
  }
  const client = new Server({ tls: tls() });
  const end = client.connect(server.at);
  await until(() => end.isOpen && server.accepted.length === 1);
  end.stream?.destroy();
  server.stop();
});

test('handshakes that never end are bounded in number, and end with the port', async () => {
  const server = new Server({ tls: tls() });
  await server.listen();
  let closed = 0;
  const sockets = Array.from({ length: 140 }, () => {
    const socket = connect(server.at.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => closed++);
    return socket.resume();
  });
  await until(() => closed === 12);
  const end = new Server({ tls: tls() }).connect(server.at);
  await until(() => end.isOpen);
  end.stream?.destroy();
  server.stop();
  await until(() => closed === sockets.length);
});

test('after a reload new connections use the new certificates; a store that went bad changes nothing', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-tls-'));
  const file = path.join(folder, 'key.pem');
  copyFileSync(store('elsewhere.pem').path, file);
  const reloaded = tls({ keyStore: { path: file, password: null, type: null } });
  const server = new Server({ tls: reloaded });
  await server.listen();
  const client = new Server({ tls: tls() });
  const refused = client.connect(server.at);
  await until(() => refused.ends.length === 1);
  copyFileSync(store('server.pem').path, file);
  reloaded.reload();
  const accepted = client.connect(server.at);
  await until(() => accepted.isOpen);
  copyFileSync(store('trust.p12').path, file);
  assert.throws(() => reloaded.reload(), /key\.pem: no certificate/);
  const again = client.connect(server.at);
  await until(() => again.isOpen);
  for (const end of [accepted, again]) end.stream?.destroy();
  server.stop();
  rmSync(folder, { recursive: true });
});

test('a store that changes on the disk is read again, where that is asked for', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-tls-'));
  const file = path.join(folder, 'key.pem');
  copyFileSync(store('elsewhere.pem').path, file);
  const watched = tls({ keyStore: { path: file, password: null, type: null } });
  const failures: string[] = [];
  const stop = watchStores(watched, {
    failed: (error) => failures.push(error.message),
    intervalMs: 10,
  });
  // The first look at the file may come after the change: it is changed until it is seen.
  await until(() => {
    if (failures.length === 0) copyFileSync(store('trust.p12').path, file);
    return failures.length > 0;
  });
  assert.match(failures[0] ?? '', /not read again: .*key\.pem/);
  assert.equal(watched.generation, 0);
  copyFileSync(store('server.pem').path, file);
  await until(() => watched.generation > 0);
  stop();
  rmSync(folder, { recursive: true });
});

test('the network is built from settings: passwords in files, one version of TLS, both kinds of ports', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-tls-'));
  const passwordPath = path.join(folder, 'password');
  writeFileSync(passwordPath, 'changeit\n');
  const ports: PeerNetworkValues = { sslQuorum: true, portUnification: true, sslQuorumReloadCertFiles: false };
  const values: TlsValues & { readonly handshakeDetectionMs: number } = {
    keyStore: store('server.p12').path,
    keyStorePassword: null,
    keyStorePasswordPath: passwordPath,
    keyStoreType: null,
    trustStore: store('trust.p12').path,
    trustStorePassword: 'changeit',
    trustStorePasswordPath: null,
    trustStoreType: 'PKCS12',
    tlsProtocol: 'TLSv1.2',
    tlsProtocols: null,
    cipherSuites: null,
    crlLocation: null,
    hostnameVerification: true,
    clientHostnameVerification: true,
    reverseDnsLookup: false,
    clientAuth: 'need',
    handshakeDetectionMs: 100,
  };
  const failures: Error[] = [];
  const network = createPeerNetwork(ports, values, (error) => failures.push(error));
  const at = { host: '127.0.0.1', port: await freePort() };
  const accepted: Recorder[] = [];
  const stop = network.listen(
    at,
    (stream) => {
      const recorder = new Recorder();
      recorder.stream = stream;
      accepted.push(recorder);
      return recorder;
    },
    (error) => assert.equal(error, null),
  );
  const plain = createPeerNetwork({ ...ports, sslQuorum: false, portUnification: false }, values, () => {});
  const tls13 = createPeerNetwork(ports, { ...values, tlsProtocol: 'TLSv1.3' }, () => {});
  const ends = [network, plain, tls13].map((from) => {
    const end = new Recorder();
    end.whenOpen = () => end.stream?.write(Buffer.from('x'), 0, 1);
    end.stream = from.connect(at, 5_000, end);
    return end;
  });
  await until(() => accepted.filter((end) => end.received().length === 1).length === 2 && ends[2]?.ends.length === 1);
  for (const end of ends) end.stream?.destroy();
  stop();
  assert.throws(() => createPeerNetwork(ports, { ...values, keyStore: null }, () => {}), /ssl\.quorum\.keyStore/);
  rmSync(folder, { recursive: true });
});

test('cipher suites go by the names of Java', () => {
  const names: Record<string, string> = {
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
    TLS_DHE_RSA_WITH_AES_128_CBC_SHA256: 'DHE-RSA-AES128-SHA256',
    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
    TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
    TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256': 'ECDHE-RSA-AES128-GCM-SHA256',
  };
  for (const [java, openssl] of Object.entries(names)) assert.equal(openSslCipherName(java), openssl);
});
