import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  claimOf,
  DigestError,
  provesPassword,
  readChallenge,
  readResponse,
  sameSecret,
  writeChallenge,
  writeProof,
  writeResponse,
} from '../../src/core/sasl/digest-md5.ts';

const SERVICE = { realm: 'zk-sasl-md5', uri: 'zookeeper/zk-sasl-md5' };
const GOOD =
  'username="ann",realm="zk-sasl-md5",nonce="n",nc=00000001,cnonce="c",digest-uri="zookeeper/zk-sasl-md5",response=0,qop=auth';

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

function bytesOf(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): Uint8Array {
  return new Uint8Array(Buffer.from(text, encoding));
}

test("RFC 2831, section 4: the exchange of the standard's example proves both sides to each other", () => {
  const service = { realm: 'elwood.innosoft.com', uri: 'imap/elwood.innosoft.com' };
  const challenge = readChallenge(
    service,
    'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8',
  );
  const response = readResponse(
    service,
    bytesOf(
      'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,' +
        'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",' +
        'response=d388dad90d4bbd760a152321f2143af7,qop=auth',
    ),
  );
  assert.equal(response.nonce, challenge.nonce);
  assert.equal(provesPassword(md5, response, 'secret'), true);
  assert.equal(provesPassword(md5, response, 'Secret'), false);
  assert.equal(writeProof(md5, response, 'secret'), 'rspauth=ea40f60335c427b5527b84dbabcdfffd');
});

test('what one side writes the other reads, whatever is in names and passwords', () => {
  const names = ['ann', 'a"b', 'back\\slash', '\\"', 'a,b=c', 'Jürgen', '名前', 'a\nb', ' blank '];
  for (const user of names) {
    for (const password of names) {
      const challenge = readChallenge(SERVICE, writeChallenge(SERVICE, 'a"nonce\\'));
      const token = bytesOf(writeResponse(md5, SERVICE, { user, password }, challenge, 'c'));
      const response = readResponse(SERVICE, token);
      assert.equal(response.user, user);
      assert.equal(response.authzid, user);
      assert.equal(response.nonce, 'a"nonce\\');
      assert.equal(provesPassword(md5, response, password), true, `${user} ${password}`);
      assert.equal(provesPassword(md5, response, `${password}x`), false);
      const claim = claimOf(SERVICE, user, challenge, 'c');
      assert.equal(writeProof(md5, response, password), writeProof(md5, claim, password));
    }
  }
});

test('a response without a charset is ISO 8859-1, and the spelling of its uri counts for the proof', () => {
  const narrow = readResponse(SERVICE, bytesOf(GOOD.replace('ann', 'J\u00fcrgen'), 'latin1'));
  assert.equal(narrow.user, 'Jürgen');
  assert.equal(readResponse(SERVICE, bytesOf(`charset=UTF-8,${GOOD.replace('ann', 'Jürgen')}`)).user, 'Jürgen');
  const loud = readResponse(SERVICE, bytesOf(GOOD.replace('zookeeper/', 'ZooKeeper/')));
  assert.equal(loud.uri, 'ZooKeeper/zk-sasl-md5');
});

test('every malformed response is refused with its reason, and none is half read', () => {
  const wrong: [string, RegExp][] = [
    ['', /without nc/],
    [',,,', /without nc/],
    ['\0', /cannot be read/],
    [GOOD.replace('nc=00000001', 'nc=00000002'), /nonce count/],
    [GOOD.replace('qop=auth', 'qop=auth-int'), /qop/],
    [GOOD.replace('qop=auth', 'qop=auth-conf'), /qop/],
    [GOOD.replace('zookeeper/zk', 'zookeeper-quorum/zk'), /another service/],
    [GOOD.replace('username="ann",', ''), /without username/],
    [GOOD.replace('"ann"', '""'), /without a user/],
    [GOOD.replace('realm="zk-sasl-md5",', ''), /without realm/],
    [GOOD.replace('cnonce="c"', 'cnonce=""'), /empty cnonce/],
    [GOOD.replace('response=0,', ''), /without response/],
    [`${GOOD},username="bob"`, /username is said twice/],
    [`${GOOD},USERNAME=bob`, /username is said twice/],
    [`${GOOD},charset=iso-8859-1`, /charset/],
    [GOOD.replace('"ann"', '"ann'), /said twice|cannot be read|without/],
    [`${GOOD} garbage`, /cannot be read/],
    [GOOD.replaceAll(',', ';'), /cannot be read/],
  ];
  for (const [text, reason] of wrong) {
    assert.throws(
      () => readResponse(SERVICE, bytesOf(text)),
      (error) => error instanceof DigestError && reason.test(error.message),
      text,
    );
  }
  const broken = Buffer.concat([Buffer.from('charset=utf-8,'), Buffer.from(GOOD.replace('ann', '\u00fc'), 'latin1')]);
  assert.throws(() => readResponse(SERVICE, new Uint8Array(broken)), /not the utf-8/);
});

test('a response of four thousand bytes costs no more than its length, however it is made', () => {
  const begun = performance.now();
  for (const piece of [',', ' ', '"', 'a=', 'a="\\', 'a-', '=', 'x=y ']) {
    assert.throws(() => readResponse(SERVICE, bytesOf(piece.repeat(4096 / piece.length))), DigestError);
  }
  assert.ok(performance.now() - begun < 1000);
});

test('secrets are the same only when every character is', () => {
  assert.equal(sameSecret('abc', 'abc'), true);
  for (const other of ['abd', 'bbc', 'ab', 'abcd', '', 'ABC']) assert.equal(sameSecret('abc', other), false, other);
});
