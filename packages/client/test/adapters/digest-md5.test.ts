import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestMd5 } from '../../src/adapters/digest-md5.ts';
import type { SaslMechanism } from '../../src/ports.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const text = (token: Uint8Array | null): string => Buffer.from(token ?? []).toString();
const fixed = (base64: string) => (): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

/** As Apache ZooKeeper 3.8.0 sent it (vectors of the client protocol). */
const CHALLENGE =
  'realm="zk-sasl-md5",nonce="MCJfQ8VpID2UInBIyAiE1oDt4zf2+gUcChFDibhs",charset=utf-8,algorithm=md5-sess';
const CNONCE = '8u5/FXw3egRaKe+cFK400JqtsmqkdWB6Vq9S+qRz';
const RESPONSE =
  'charset=utf-8,username="bob",realm="zk-sasl-md5",nonce="MCJfQ8VpID2UInBIyAiE1oDt4zf2+gUcChFDibhs",nc=00000001,' +
  'cnonce="8u5/FXw3egRaKe+cFK400JqtsmqkdWB6Vq9S+qRz",digest-uri="zookeeper/zk-sasl-md5",maxbuf=65536,' +
  'response=a5c50763a7f962aed84389289b01c4e8,qop=auth,authzid="bob"';
const PROOF = 'rspauth=6f98b52897af5a254aa45250a3377f47';

function begun(challenge: string, username = 'bob', password = 'secret'): [SaslMechanism, string] {
  const mechanism = digestMd5(username, password, fixed(CNONCE))();
  assert.equal(mechanism.next(null)?.length, 0);
  return [mechanism, text(mechanism.next(bytes(challenge)))];
}

test('the exchange as it was captured between Apache client and server', () => {
  const [mechanism, response] = begun(CHALLENGE);
  assert.equal(response, RESPONSE);
  assert.equal(mechanism.next(bytes(PROOF)), null);
  assert.throws(() => mechanism.next(bytes(PROOF)), /after the end/);
});

test('a proof that is wrong or missing is refused', () => {
  for (const proof of ['rspauth=00000000000000000000000000000000', '', 'x']) {
    const [mechanism] = begun(CHALLENGE);
    assert.throws(() => mechanism.next(bytes(proof)), /password/);
  }
});

test('challenges that cannot be answered are refused with the reason', () => {
  for (const [challenge, reason] of [
    ['', /no SASL configured/],
    ['realm="r",charset=utf-8,algorithm=md5-sess', /no nonce/],
    ['nonce="n",algorithm=md5', /md5-sess/],
    ['nonce="n",algorithm=md5-sess,qop="auth-int,auth-conf"', /qop=auth/],
  ] as const) {
    const mechanism = digestMd5('bob', 'secret', fixed(CNONCE))();
    mechanism.next(null);
    assert.throws(() => mechanism.next(bytes(challenge)), reason);
  }
});

test('quotes and backslashes in names are escaped', () => {
  const [, response] = begun('realm="a\\"b",nonce="n",algorithm=md5-sess', 'o"b\\c');
  assert.match(response, /username="o\\"b\\\\c",realm="a\\"b"/);
});

test('what fits into ISO 8859-1 is hashed so, as the Java server does', () => {
  const md5 = (input: string | Uint8Array): Buffer => createHash('md5').update(input).digest();
  for (const [password, encoding] of [
    ['sécret', 'latin1'],
    ['秘密', 'utf8'],
  ] as const) {
    const [, response] = begun('realm="r",nonce="n",algorithm=md5-sess', 'bob', password);
    const secret = md5(Buffer.concat([Buffer.from('bob:r:'), Buffer.from(password, encoding)]));
    const a1 = md5(Buffer.concat([secret, Buffer.from(`:n:${CNONCE}:bob`)])).toString('hex');
    const a2 = md5('AUTHENTICATE:zookeeper/zk-sasl-md5').toString('hex');
    const expected = md5(`${a1}:n:00000001:${CNONCE}:auth:${a2}`).toString('hex');
    assert.match(response, new RegExp(`response=${expected},`));
  }
});

test('each exchange has a nonce of its own', () => {
  const drawn: number[] = [];
  const make = digestMd5('bob', 'secret', (count) => {
    drawn.push(count);
    return new Uint8Array(count).fill(drawn.length);
  });
  for (const mechanism of [make(), make()]) {
    mechanism.next(null);
    mechanism.next(bytes(CHALLENGE));
  }
  assert.equal(drawn.length, 2);
  assert.ok((drawn[0] as number) >= 16);
});
