import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClock } from '../../src/adapters/system/clock.ts';
import { createHashing, UnknownDigestAlgorithm } from '../../src/adapters/system/hashing.ts';

const ABC = new TextEncoder().encode('abc');

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

describe('hashing', () => {
  it("knows the algorithms by Java's names", () => {
    const { digest } = createHashing();
    for (const name of ['SHA1', 'SHA-1', 'sha1']) {
      assert.equal(hex(digest(name, ABC)), 'a9993e364706816aba3e25717850c26c9cd0d89d', name);
    }
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    for (const name of ['SHA256', 'SHA-256']) assert.equal(hex(digest(name, ABC)), sha256, name);
    assert.equal(hex(digest('SHA3-256', ABC)), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532');
    assert.equal(digest('SHA-512', ABC).length, 64);
  });

  it('names what it does not know', () => {
    for (const name of ['SHA-0', '', 'constructor']) {
      assert.throws(() => createHashing().digest(name, ABC), UnknownDigestAlgorithm);
    }
  });

  it('computes HMAC-SHA256 (RFC 4231, case 2)', () => {
    const text = new TextEncoder().encode('what do ya want for nothing?');
    assert.equal(
      hex(createHashing().hmacSha256(new TextEncoder().encode('Jefe'), text)),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
});

describe('clock', () => {
  it('tells whole milliseconds', () => {
    const clock = createClock();
    assert.ok(Number.isSafeInteger(clock.monotonicMs()));
    assert.ok(Number.isSafeInteger(clock.wallMs()));
    assert.ok(clock.wallMs() > 1_700_000_000_000);
  });
});
