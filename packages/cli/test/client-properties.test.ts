import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { propertyOptions } from '../src/connection/client-properties.ts';
import { headkeeper, vectorFile } from './headkeeper-process.ts';
import { ServedFolder } from './served-folder.ts';

describe("the client's properties", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-shell-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function file(name: string, ...text: readonly string[]): string {
    const at = path.join(folder, name);
    writeFileSync(at, `${text.join('\n')}\n`);
    return at;
  }

  function read(clientConfiguration: string | null, properties: string[] = [], env: Record<string, string> = {}) {
    return propertyOptions({ clientConfiguration, properties }, env);
  }

  it('come from the environment, a file and -D, the later ones winning', async () => {
    const at = file('limits', '# limits', 'zookeeper.request.timeout=2000', 'jute.maxbuffer=0x100000');
    const env = { CLIENT_JVMFLAGS: '-Xmx64m -Dzookeeper.request.timeout=1000', JVMFLAGS: '-Djute.maxbuffer=5' };
    assert.deepEqual(await read(null, [], env), { requestTimeoutMs: 1000, maxReplyBytes: 5 });
    assert.deepEqual(await read(at, [], env), { requestTimeoutMs: 2000, maxReplyBytes: 1 << 20 });
    assert.deepEqual(await read(at, ['jute.maxbuffer=7'], env), { requestTimeoutMs: 2000, maxReplyBytes: 7 });
    assert.deepEqual(await read(null), {});
  });

  it('give SASL its user from a JAAS file', async () => {
    const module = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
    const jaas = file('jaas', `Shell { ${module} username="u" password="p"; };`);
    const given = [`java.security.auth.login.config=${jaas}`, 'zookeeper.sasl.clientconfig=Shell'];
    assert.deepEqual(await read(null, given), { sasl: { username: 'u', password: 'p' } });
    assert.deepEqual(await read(null, [...given, 'zookeeper.sasl.client=false']), {});
    await assert.rejects(read(null, [given[0] as string]), /the JAAS file has no section Client/);
  });

  it('that make no sense are named', async () => {
    await assert.rejects(read('/none'), /cannot read the client configuration \/none: ENOENT/);
    await assert.rejects(
      read(null, ['zookeeper.client.secure=yes']),
      /zookeeper\.client\.secure has to be true or false/,
    );
    await assert.rejects(read(null, ['jute.maxbuffer=big']), /jute\.maxbuffer has to be a whole number, not "big"/);
    const secure = 'zookeeper.client.secure=true';
    const wrong = (...properties: string[]) => read(null, [secure, ...properties]);
    await assert.rejects(
      wrong('zookeeper.ssl.keyStore.type=BCFKS', 'zookeeper.ssl.keyStore.location=x'),
      /PEM, PKCS12 and JKS/,
    );
    await assert.rejects(wrong('zookeeper.ssl.trustStore.location=/none.pem'), /\/none\.pem: ENOENT/);
    await assert.rejects(wrong('zookeeper.ssl.protocol=SSLv3'), /may name TLSv1\.2 and TLSv1\.3, not "SSLv3"/);
    const { code } = await headkeeper(['shell', '-client-configuration', '/none', 'version']);
    assert.equal(code, 2);
  });

  describe('for TLS', () => {
    let served: ServedFolder;
    let secure: Server;

    before(async () => {
      served = await ServedFolder.start();
      const pem = readFileSync(vectorFile('tls/server.pem'));
      const ca = readFileSync(vectorFile('tls/trust.pem'));
      const options = { cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: true };
      secure = createServer(options, (socket) => {
        const inner = connect(Number(served.address.split(':')[1]), '127.0.0.1');
        socket.on('error', () => inner.destroy());
        inner.on('error', () => socket.destroy());
        socket.pipe(inner).pipe(socket);
      });
      secure.on('tlsClientError', () => {});
      await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    });
    after(async () => {
      secure.close();
      await served.remove();
    });

    async function ls(...properties: string[]): Promise<string> {
      const at = file('tls', 'zookeeper.client.secure=true', ...properties);
      const server = `127.0.0.1:${(secure.address() as AddressInfo).port}`;
      const words = ['shell', '--quiet', '-timeout', '5000', '-server', server, '-client-configuration', at];
      const { code, stdout, stderr } = await headkeeper([...words, 'ls', '/']);
      return `${code} ${stdout}${stderr}`;
    }

    const location = (name: string, store: string) => `zookeeper.ssl.${name}.location=${vectorFile(`tls/${store}`)}`;

    it('read PEM stores', async () => {
      const own = location('keyStore', 'server.pem');
      assert.equal(await ls(own, location('trustStore', 'trust.pem')), '0 [zookeeper]\n');
      assert.match(
        await ls(own),
        /^1 KeeperErrorCode = ConnectionLoss for \/\n127\.0\.0\.1:\d+: .*(self|issuer|verify)/,
      );
      assert.match(
        await ls(location('trustStore', 'trust.pem')),
        /^1 KeeperErrorCode = ConnectionLoss/,
        'no certificate',
      );
    });

    it('are for every command that has a session', async () => {
      const server = `127.0.0.1:${(secure.address() as AddressInfo).port}`;
      const client = await served.connect();
      await client.create('/exported', Buffer.from('over TLS'));
      const stores = [location('keyStore', 'server.pem'), location('trustStore', 'trust.pem')];
      const at = file('tls', 'zookeeper.client.secure=true', ...stores);
      const given = ['--server', server, '--client-configuration', at];
      const exported = await headkeeper(['export', '/exported', ...given, '--format', 'json']);
      assert.equal(exported.code, 0, exported.stderr);
      await client.delete('/exported');
      const imported = await headkeeper(['import', file('exported.json', exported.stdout), '/exported', ...given]);
      assert.equal(imported.code, 0, imported.stderr);
      assert.equal(Buffer.from((await client.getData('/exported')).data ?? '').toString(), 'over TLS');
      const flags = stores.map((line) => `-D${line}`).join(' ');
      const env = { CLIENT_JVMFLAGS: `-Dzookeeper.client.secure=true ${flags}` };
      const again = await headkeeper(['export', '/exported', '--server', server, '--format', 'json'], { env });
      assert.equal(again.code, 0, again.stderr);
      const plain = await headkeeper(['export', '/exported', '--server', server, '--format', 'json']);
      assert.deepEqual([plain.code, plain.stdout], [1, '']);
      assert.match(plain.stderr, /no server gives a session/);
      await client.delete('/exported');
      await client.close();
    });

    it('read PKCS12 stores, with passwords from files', async () => {
      const password = file('password', 'changeit');
      const stores = [location('keyStore', 'server.p12'), location('trustStore', 'trust.p12')];
      const given = ['zookeeper.ssl.keyStore.password=changeit', `zookeeper.ssl.trustStore.passwordPath=${password}`];
      const versions = ['zookeeper.ssl.enabledProtocols=TLSv1.2'];
      const suites = [
        'zookeeper.ssl.ciphersuites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      ];
      assert.equal(await ls(...stores, ...given, ...versions, ...suites), '0 [zookeeper]\n');
      assert.match(await ls(...stores, 'zookeeper.ssl.keyStore.password=wrong'), /^2 .*server\.p12: .*wrong password/);
    });

    it('check the name unless told otherwise', async () => {
      const stores = [location('keyStore', 'server.pem'), location('trustStore', 'trust.pem')];
      const pem = readFileSync(vectorFile('tls/elsewhere.pem'));
      const before = readFileSync(vectorFile('tls/server.pem'));
      secure.setSecureContext({ cert: pem, key: pem, ca: readFileSync(vectorFile('tls/trust.pem')) });
      assert.match(await ls(...stores), /^1 KeeperErrorCode = ConnectionLoss for \/\n.*altnames/);
      assert.equal(await ls(...stores, 'zookeeper.ssl.hostnameVerification=false'), '0 [zookeeper]\n');
      secure.setSecureContext({ cert: before, key: before, ca: readFileSync(vectorFile('tls/trust.pem')) });
    });
  });
});
