import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type CertificateIdRules, certificateId } from '../../src/adapters/tls/certificate-identity.ts';
import { DerError } from '../../src/adapters/tls/der-reader.ts';
import { rfc2253Name } from '../../src/adapters/tls/distinguished-name.ts';
import { store } from '../peer/tls-sides.ts';

const SUBJECT: CertificateIdRules = {
  type: 'subject',
  matchType: null,
  matchRegex: /.*/,
  extractRegex: /.*/,
  extractGroup: 0,
};

function certificate(name: string): Buffer {
  return new X509Certificate(readFileSync(store(`people/${name}.pem`).path)).raw;
}

function idOf(rules: Partial<CertificateIdRules>): string {
  return certificateId(certificate('ann'), { ...SUBJECT, ...rules });
}

const ANN = String.raw`CN=Ann \"A\" Lee,OU=Staff+OU=People,O=Example\, Inc.,C=DE`;

describe('the identity of a certificate', () => {
  it('is its subject as Java writes it', () => {
    assert.equal(idOf({}), ANN);
    assert.equal(certificateId(certificate('root'), SUBJECT), 'CN=root,O=Example');
  });

  it('is the one alternative name that the rules pick, or a part of it', () => {
    const san = { type: 'SAN' } as const;
    assert.equal(idOf({ ...san, matchType: 2 }), 'ann.people.test');
    assert.equal(idOf({ ...san, matchType: 1 }), 'ann@people.test');
    assert.equal(idOf({ ...san, matchType: 6, matchRegex: /^spiffe:/u }), 'spiffe://people.test/ann');
    assert.equal(idOf({ ...san, matchType: 6, extractRegex: /test\/(.*)$/u, extractGroup: 1 }), 'ann');
  });

  it('is the subject where no name matches, or nothing can be taken out of it', () => {
    const san = { type: 'SAN' } as const;
    assert.equal(idOf({ ...san, matchType: 7 }), ANN);
    assert.equal(idOf({ ...san, matchType: 2, matchRegex: /other/ }), ANN);
    assert.equal(idOf({ ...san, matchType: 2, extractRegex: /[0-9]+/ }), ANN);
    assert.equal(idOf({ ...san, matchType: 2, extractGroup: 3 }), ANN);
  });

  it('of bytes that are no certificate is an error of its own', () => {
    const whole = certificate('ann');
    for (let end = 0; end < 200; end++) {
      assert.throws(() => certificateId(whole.subarray(0, end), SUBJECT), DerError, String(end));
    }
  });
});

/** Names and what Java 17's `X500Principal.getName()` makes of them. */
const JAVA: readonly (readonly [der: string, text: string])[] = [
  ['3000', ''],
  ['300e310c300a06035504030c03612c62', String.raw`CN=a\,b`],
  ['300f310d300b06035504030c0420612020', String.raw`CN=\ a\ \ `],
  ['300d310b300906035504030c02235c', String.raw`CN=\#\\`],
  ['300d310b300906035504030c026100', String.raw`CN=a\00`],
  ['300d310b3009060355040313022b3b', String.raw`CN=\+\;`],
  // A kind of string without a text, and attributes without a name of their own.
  ['300d310b300906035504031c020061', 'CN=#1c020061'],
  ['300d310b300906035504050c026162', '2.5.4.5=#0c026162'],
  ['3014311230100609' + '2a864886f70d010901' + '1603614062', '1.2.840.113549.1.9.1=#1603614062'],
  // Java takes the bytes of every kind of string for UTF-8.
  ['300d310b300906035504031e020061', String.raw`CN=\00a`],
  ['300c310a3008060355040314' + '01e9', 'CN=\ufffd'],
];

describe('a name in the form of RFC 2253', () => {
  it('is that of Java, to the byte', () => {
    for (const [der, text] of JAVA) assert.equal(rfc2253Name(Buffer.from(der, 'hex')), text, der);
  });
});
