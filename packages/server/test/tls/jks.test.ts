import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { JksError, readJks } from '../../src/adapters/tls/jks.ts';
import { loadKeyStore, loadRevocationLists, loadTrustStore, TlsStoreError } from '../../src/adapters/tls/tls-stores.ts';
import { store } from '../peer/tls-sides.ts';

const SERVER = readFileSync(store('server.jks').path);
const TRUST = readFileSync(store('trust.jks').path);
const DIGEST_BYTES = 20;

/** The file with its digest made right again. */
function sealed(contents: Buffer, password = 'changeit'): Buffer {
  const secret = Buffer.from(password, 'utf16le').swap16();
  return Buffer.concat([
    contents,
    createHash('sha1').update(secret).update('Mighty Aphrodite').update(contents).digest(),
  ]);
}

describe('a JKS store made by keytool', () => {
  it('gives its key, with the certificate that belongs to it', () => {
    const { keys, certificates } = readJks(SERVER, 'changeit');
    assert.equal(keys.length, 1);
    assert.equal(keys[0]?.chain.length, 1);
    assert.deepEqual(certificates, []);
    // OpenSSL checks that key and certificate belong together.
    createSecureContext(loadKeyStore(store('server.jks', 'changeit')));
  });

  it('gives the certificates that it trusts, those of the same store in other forms', () => {
    assert.equal(readJks(TRUST, 'changeit').certificates.length, 1);
    const texts = ['trust.jks', 'trust.p12', 'trust.pem'].map((name) => loadTrustStore(store(name, 'changeit')));
    const bare = (text: string | undefined): string => (text ?? '').replace(/-----[^-]+-----|\s/g, '');
    assert.equal(bare(texts[0]?.[0]), bare(texts[1]?.[0]));
    assert.equal(bare(texts[0]?.[0]), bare(texts[2]?.[0]));
  });

  it('may be of another kind under its name, or have another name, as with Java', () => {
    createSecureContext(loadKeyStore(store('server-new.jks', 'changeit')));
    createSecureContext(loadKeyStore({ ...store('server-new.jks', 'changeit'), type: 'JKS' }));
    createSecureContext(loadKeyStore({ ...store('server.jks', 'changeit'), type: 'PKCS12' }));
  });

  it('is refused with a wrong password, and when a byte of it has changed', () => {
    assert.throws(() => readJks(SERVER, 'wrong'), /the password is wrong, or the file is damaged/);
    assert.throws(() => loadKeyStore(store('server.jks', null)), TlsStoreError);
    for (let at = 4; at < SERVER.length; at += 7) {
      const changed = Buffer.from(SERVER);
      changed[at] = (changed[at] as number) ^ 0x10;
      assert.throws(() => readJks(changed, 'changeit'), JksError, String(at));
    }
  });

  it('is refused when its key has a password of its own', () => {
    const contents = Buffer.from(SERVER.subarray(0, -DIGEST_BYTES));
    assert.throws(() => readJks(sealed(contents, 'other'), 'other'), /has another password than the store: .*keytool/);
  });

  it('is refused, and nothing worse, wherever it is cut off or changed by someone who knows the password', () => {
    const contents = SERVER.subarray(0, -DIGEST_BYTES);
    for (let end = 0; end < contents.length; end++) {
      assert.throws(() => readJks(sealed(contents.subarray(0, end)), 'changeit'), JksError, String(end));
    }
    for (let at = 4; at < contents.length; at++) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const changed = Buffer.from(contents);
        changed[at] = value;
        try {
          readJks(sealed(changed), 'changeit');
        } catch (error) {
          assert.ok(error instanceof JksError, `${at} ${value}: ${error}`);
        }
      }
    }
  });

  it('with no key is no key store', () => {
    assert.throws(() => loadKeyStore(store('trust.jks', 'changeit')), /trust\.jks: it holds no key/);
  });
});

describe('a file of revocation lists', () => {
  it('is read, or refused by name', () => {
    assert.equal(loadRevocationLists(store('people/revoked.crl.pem').path).length, 1);
    assert.throws(() => loadRevocationLists(store('trust.pem').path), /trust\.pem: it holds no revocation list/);
  });
});
