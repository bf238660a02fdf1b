import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Writer } from '@headkeeper/protocol';
import type { ListenerOptions } from '../../src/adapters/client/listener.ts';
import { SecureDoor, type SecureDoorOptions } from '../../src/adapters/client/secure-door.ts';
import type { TlsContext } from '../../src/adapters/tls/tls-context.ts';
import { store, tls } from '../peer/tls-sides.ts';
import { dial, HANDSHAKE, message, Peer, type Served, serve } from './harness.ts';

const people = (name: string) => store(`people/${name}.pem`).path;

/** For clients: the server's certificate, and the authority of the people. */
function forPeople(options: Parameters<typeof tls>[0] = {}): TlsContext {
  return tls({
    trustStore: { path: people('authority'), password: null, type: null },
    clientHostnameVerification: false,
    ...options,
  });
}

interface Secured {
  readonly served: Served;
  readonly door: SecureDoor;
  readonly failures: string[];
}

async function secured(
  t: TestContext,
  options: Partial<SecureDoorOptions> = {},
  listener: Partial<ListenerOptions> = {},
): Promise<Secured> {
  const failures: string[] = [];
  const door = new SecureDoor({
    tls: forPeople(),
    acceptPlain: false,
    detectionTimeoutMs: 100,
    handshakeTimeoutMs: 10_000,
    mostHandshakes: 100,
    identitiesOf: (certificate) => [{ scheme: 'x509', id: `${certificate.length > 100}` }],
    admits: () => true,
    failed: (_address, error) => failures.push(error.message),
    ...options,
  });
  return { served: await serve(t, { ...listener, secure: door }), door, failures };
}

function options(who: string | null): ConnectionOptions {
  const own = who === null ? {} : { key: readFileSync(people(who)), cert: readFileSync(people(who)) };
  return { ca: readFileSync(store('trust.pem').path), ...own };
}

/** A client by TLS. TLS 1.3 tells of a refused certificate only after the client's side of the handshake is done. */
function dialTls(t: TestContext, port: number, who: string | null, more: ConnectionOptions = {}): Peer {
  const socket = connectTls({ port, host: '127.0.0.1', ...options(who), ...more });
  t.after(() => socket.destroy());
  return new Peer(socket).read();
}

async function isOpen(served: Served, count: number): Promise<void> {
  await served.clients.until(() => served.clients.connections.length >= count);
}

describe('a client port with TLS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`lets in who has a certificate, and tells who he is: ${version}`, async (t) => {
      const { served } = await secured(t);
      const peer = dialTls(t, served.port, 'ann', { minVersion: version, maxVersion: version });
      await peer.say(HANDSHAKE);
      await isOpen(served, 1);
      const { link, address } = served.clients.at(0);
      assert.deepEqual(
        [link.isSecure, link.identities, address],
        [true, [{ scheme: 'x509', id: 'true' }], '127.0.0.1'],
      );
      // What goes back comes whole and in order, though its memory is used again at once.
      const out = new Writer();
      const sent: Buffer[] = [];
      for (let i = 0; i < 300; i++) {
        const bytes = i % 50 === 49 ? Buffer.alloc(200_000, i) : message(i);
        sent.push(bytes);
        out.raw(bytes);
        link.send(out);
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const expected = Buffer.concat(sent);
      assert.ok((await peer.hears(expected.length)).equals(expected));
      link.close();
      await peer.ended();
      await served.clients.until(() => served.clients.at(0).closed === 1);
    });
  }

  it('answers four-letter words, and reads what comes in any pieces', async (t) => {
    const { served } = await secured(t);
    const word = dialTls(t, served.port, 'ann');
    await word.say('ruok');
    assert.equal((await word.ended()).toString(), 'answer to ruok\n');
    const peer = dialTls(t, served.port, 'root');
    const bytes = Buffer.concat([HANDSHAKE, ...Array.from({ length: 40 }, (_, i) => message(i))]);
    for (let at = 0; at < bytes.length; at += 997) await peer.say(bytes.subarray(at, at + 997));
    await served.clients.until(() => served.clients.connections[0]?.bytes.length === bytes.length);
    assert.ok(served.clients.at(0).bytes.equals(bytes));
  });

  it('refuses who shows no certificate, an expired one, one of another authority or a revoked one', async (t) => {
    const lists = forPeople({ revocationLists: store('people/revoked.crl.pem').path });
    const { served, door, failures } = await secured(t, { tls: lists });
    const stranger = readFileSync(store('stranger.pem').path);
    const peers = [
      dialTls(t, served.port, null),
      dialTls(t, served.port, 'expired'),
      dialTls(t, served.port, null, { key: stranger, cert: stranger }),
      dialTls(t, served.port, 'revoked'),
    ];
    for (const peer of peers) await peer.ended();
    const good = dialTls(t, served.port, 'ann');
    await good.say(HANDSHAKE);
    await isOpen(served, 1);
    assert.equal(served.clients.connections.length, 1);
    assert.deepEqual(failures.sort(), [
      'it has shown no certificate',
      'its certificate is refused: CERT_HAS_EXPIRED',
      'its certificate is refused: CERT_REVOKED',
      'its certificate is refused: UNABLE_TO_GET_CRL',
    ]);
    assert.equal(door.counts.unsuccessful, 4);
    assert.equal(door.counts.outstanding, 0);
  });

  it('lets in who shows none where that is allowed, as nobody', async (t) => {
    for (const clientAuth of ['none', 'want'] as const) {
      const { served } = await secured(t, { tls: forPeople({ clientAuth }) });
      await dialTls(t, served.port, null).say(HANDSHAKE);
      await isOpen(served, 1);
      assert.deepEqual(served.clients.at(0).link.identities, []);
      assert.deepEqual(served.listener.anonymous, { local: 1, remote: 0 });
      const bad = dialTls(t, served.port, 'expired');
      if (clientAuth === 'want') await bad.ended();
      else {
        await bad.say(HANDSHAKE);
        await isOpen(served, 2);
        assert.deepEqual(served.clients.at(1).link.identities, []);
      }
    }
  });

  it('refuses a certificate whose identity cannot be told', async (t) => {
    const { served, door } = await secured(t, { identitiesOf: () => null });
    await dialTls(t, served.port, 'ann').ended();
    assert.equal(served.clients.connections.length, 0);
    assert.equal(door.counts.unsuccessful, 1);
  });

  it('closes plain connections, and those that break off, and forgets them', async (t) => {
    const { served, door } = await secured(t, {}, { maxPerAddress: 1, maxTotal: 1 });
    for (const text of ['ruokruok', HANDSHAKE, 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello']) {
      const plain = (await dial(t, served.port)).read();
      await plain.say(text);
      await plain.ended();
    }
    const left = await dial(t, served.port);
    left.socket.destroy();
    // The limit of one connection shows that none of them is counted any more.
    const counted = (): boolean => door.counts.outstanding === 0 && door.counts.unsuccessful === 5;
    while (!counted()) await new Promise((resolve) => setImmediate(resolve));
    const good = dialTls(t, served.port, 'ann');
    await good.say(HANDSHAKE);
    await isOpen(served, 1);
    const second = dialTls(t, served.port, 'ann');
    await second.ended();
    assert.equal(served.listener.rejected, 1);
    assert.match(served.refused[0]?.reason ?? '', /maxClientCnxns/);
  });

  it('has a limit of handshakes under way, beyond which the oldest is given up: those that never end keep nobody out', async (t) => {
    const { served, door } = await secured(t, { mostHandshakes: 3 });
    const silent: Peer[] = [];
    for (let i = 0; i < 3; i++) silent.push((await dial(t, served.port)).read());
    while (door.counts.outstanding < 3) await new Promise((resolve) => setImmediate(resolve));
    await dialTls(t, served.port, 'ann').say(HANDSHAKE);
    await isOpen(served, 1);
    await silent[0]?.ended();
    assert.deepEqual(door.counts, { outstanding: 2, unsuccessful: 0, exceeded: 1 });
    served.listener.stop();
    for (const peer of silent) await peer.ended();
  });

  it('closes a connection whose handshake takes too long', async (t) => {
    const { served, failures } = await secured(t, { handshakeTimeoutMs: 50 });
    const silent = (await dial(t, served.port)).read();
    const slow = (await dial(t, served.port)).read();
    await slow.say(Buffer.from([0x16, 3, 1]));
    await silent.ended();
    await slow.ended();
    assert.equal(failures.length, 2);
    for (const failure of failures) assert.match(failure, /TLS handshake timeout/);
  });

  it('makes no handshake while it is told not to', async (t) => {
    let serving = false;
    const { served, door } = await secured(t, { admits: () => serving });
    await dialTls(t, served.port, 'ann').ended();
    assert.deepEqual(door.counts, { outstanding: 0, unsuccessful: 0, exceeded: 0 });
    serving = true;
    await dialTls(t, served.port, 'ann').say(HANDSHAKE);
    await isOpen(served, 1);
  });

  it('ends a connection whose client asks for another handshake', async (t) => {
    const { served } = await secured(t);
    const peer = dialTls(t, served.port, 'ann', { maxVersion: 'TLSv1.2' });
    await peer.say(HANDSHAKE);
    await isOpen(served, 1);
    (peer.socket as TLSSocket).renegotiate({}, () => {});
    await peer.ended();
    await served.clients.until(() => served.clients.at(0).closed === 1);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`knows a client again that resumes its TLS session, until the certificates are read again: ${version}`, async (t) => {
      const context = forPeople();
      const { served } = await secured(t, { tls: context });
      const once = async (session: Buffer | null): Promise<{ session: Buffer; isResumed: boolean }> => {
        const number = served.clients.connections.length;
        const more = { minVersion: version, maxVersion: version, ...(session === null ? {} : { session }) };
        const peer = dialTls(t, served.port, session === null ? 'ann' : null, more);
        const tickets = new Promise<Buffer>((resolve) => peer.socket.once('session', resolve));
        await peer.say(HANDSHAKE);
        const socket = peer.socket as TLSSocket;
        // Nobody knows of a socket that is closed already.
        const isResumed = Boolean(socket.isSessionReused());
        await Promise.race([isOpen(served, number + 1), peer.ended()]);
        return { session: isResumed || peer.isClosed ? Buffer.alloc(0) : await tickets, isResumed };
      };
      const first = await once(null);
      assert.equal(first.isResumed, false);
      // It shows no certificate this time: the session stands for it.
      assert.equal((await once(first.session)).isResumed, true);
      assert.deepEqual(served.clients.at(1).link.identities, served.clients.at(0).link.identities);
      context.reload();
      await once(null);
      const count = served.clients.connections.length;
      assert.equal((await once(first.session)).isResumed, false);
      assert.equal(served.clients.connections.length, count, 'without a certificate nobody is let in');
    });
  }

  it('takes both kinds where it is unified, and a silent one for plain after a while', async (t) => {
    const { served, door } = await secured(t, { acceptPlain: true });
    const plain = (await dial(t, served.port)).read();
    await plain.say('ru');
    await plain.say('ok');
    assert.equal((await plain.ended()).toString(), 'answer to ruok\n');
    await dialTls(t, served.port, 'ann').say(HANDSHAKE);
    await isOpen(served, 1);
    assert.equal(served.clients.at(0).link.isSecure, true);
    const silent = (await dial(t, served.port)).read();
    while (door.counts.outstanding > 0) await new Promise((resolve) => setImmediate(resolve));
    await silent.say(HANDSHAKE);
    await isOpen(served, 2);
    assert.equal(served.clients.at(1).link.isSecure, false);
    await dialTls(t, served.port, 'expired').ended();
  });

  it('uses renewed certificates after a reload, and goes on with the old ones when that fails', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'key.pem');
    copyFileSync(store('server.pem').path, file);
    const context = forPeople({ keyStore: { path: file, password: null, type: null } });
    const { served } = await secured(t, { tls: context });
    const subjectOf = async (): Promise<string> => {
      const peer = dialTls(t, served.port, 'ann', { checkServerIdentity: () => undefined });
      await once(peer.socket, 'secureConnect');
      return (peer.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '';
    };
    const before = await subjectOf();
    copyFileSync(store('trust.p12').path, file);
    assert.throws(() => context.reload(), /key\.pem: no certificate/);
    assert.equal(await subjectOf(), before);
    copyFileSync(store('named.pem').path, file);
    context.reload();
    assert.notEqual(await subjectOf(), before);
  });
});
