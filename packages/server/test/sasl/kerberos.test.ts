import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { KerberosAcceptor } from '../../src/adapters/sasl/kerberos/acceptor.ts';
import { KerberosError, KerberosKey, nFold } from '../../src/adapters/sasl/kerberos/encryption.ts';
import { GssapiExchange } from '../../src/adapters/sasl/kerberos/gssapi-exchange.ts';
import { parseKeytab } from '../../src/adapters/sasl/kerberos/keytab.ts';
import { nameOfPrincipal, parseNameRules } from '../../src/adapters/sasl/kerberos/principal-names.ts';
import { DerReader, DerTag } from '../../src/adapters/tls/der-reader.ts';
import { firstToken, keyOfType, type Played, signed } from './ticket-client.ts';

const TYPES = [17, 18, 19, 20];
const NOW = Date.UTC(2026, 5, 1, 12, 0, 0);
const MINUTE = 60_000;
const USUAL: Played = {
  service: 'zookeeper/host.example.org',
  realm: 'EXAMPLE.ORG',
  client: 'ann',
  clientRealm: 'EXAMPLE.ORG',
  claims: 'ann',
  ticketFlags: 0,
  startMs: NOW - MINUTE,
  endMs: NOW + 60 * MINUTE,
  timeMs: NOW,
  isMutual: true,
  checksumType: 0x8003,
  keyVersion: 3,
  sequence: 77,
};

function world(type = 18, nowMs = NOW) {
  const serviceKey = keyOfType(type, 1);
  const keys = [
    { principal: `${USUAL.service}@${USUAL.realm}`, realm: USUAL.realm, version: 2, key: keyOfType(type, 9) },
    { principal: `${USUAL.service}@${USUAL.realm}`, realm: USUAL.realm, version: 3, key: serviceKey },
  ];
  const time = { nowMs };
  const acceptor = new KerberosAcceptor(keys, () => time.nowMs);
  return { time, serviceKey, sessionKey: keyOfType(type, 2), subkey: keyOfType(type, 3), acceptor };
}

function exchangeOf(acceptor: KerberosAcceptor): GssapiExchange {
  return new GssapiExchange(acceptor, (principal) => principal.split('@')[0] as string);
}

/** Logs in as a client that does everything right but for what `said` says otherwise; the last step. */
function logIn(said: Partial<Played> = {}, choice: Buffer = Buffer.from([1, 0, 0, 0]), type = 18, w = world(type)) {
  const exchange = exchangeOf(w.acceptor);
  const played = { ...USUAL, ...said };
  let step = exchange.take(firstToken(w.serviceKey, w.sessionKey, w.subkey, played));
  if (step.outcome !== 'more') return step;
  let key = w.subkey;
  if (played.isMutual) {
    key = acceptorKeyOf(Buffer.from(step.token), w.sessionKey);
    step = exchange.take(new Uint8Array(0));
    assert.equal(step.outcome, 'more');
  }
  const offer = Buffer.from(step.outcome === 'more' ? step.token : []);
  assert.deepEqual([...offer.subarray(16, 20)], [1, 1, 0, 0], 'no layer is offered');
  return exchange.take(signed(key, played.isMutual, played.sequence, choice));
}

/** The key that the server has chosen, out of its answer. */
function acceptorKeyOf(token: Buffer, sessionKey: KerberosKey): KerberosKey {
  const frame = new DerReader(token).take(0x60);
  const reply = new DerReader(frame.subarray(13)).into(0x60 | 15).into(DerTag.sequence);
  reply.any();
  reply.any();
  const part = reply.into(0xa2).into(DerTag.sequence);
  part.any();
  const opened = new DerReader(sessionKey.decrypt(12, part.into(0xa2).take(DerTag.octets)));
  const fields = opened.into(0x60 | 27).into(DerTag.sequence);
  fields.any();
  fields.any();
  const key = fields.into(0xa2).into(DerTag.sequence);
  const type = key.into(0xa0).integer();
  return new KerberosKey(type, key.into(0xa1).take(DerTag.octets));
}

test('RFC 3961, A.1: folding', () => {
  for (const [text, length, folded] of [
    ['012345', 8, 'be072631276b1955'],
    ['password', 7, '78a07b6caf85fa'],
    ['Rough Consensus, and Running Code', 8, 'bb6ed30870b7f0e0'],
    ['password', 21, '59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e'],
    ['kerberos', 16, '6b65726265726f737b9b5b2b93132b93'],
  ] as const) {
    assert.equal(nFold(Buffer.from(text), length).toString('hex'), folded, text);
  }
});

test('what a key encrypts it opens, at every length; no other key, no other usage, and nothing changed', () => {
  for (const type of TYPES) {
    const key = keyOfType(type, 5);
    for (let length = 0; length < 70; length++) {
      const plain = Buffer.alloc(length, length);
      assert.deepEqual(key.decrypt(7, key.encrypt(7, plain)), plain, `${type}, ${length} bytes`);
    }
    const sealed = key.encrypt(7, Buffer.from('a message of some length'));
    assert.throws(() => key.decrypt(8, sealed), KerberosError);
    assert.throws(() => keyOfType(type, 6).decrypt(7, sealed), KerberosError);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => key.decrypt(7, changed), KerberosError, `byte ${at}`);
    }
    assert.throws(() => key.decrypt(7, sealed.subarray(0, 20)), KerberosError);
  }
  assert.throws(() => new KerberosKey(23, Buffer.alloc(16)), /type 23 is not understood/);
  assert.throws(() => new KerberosKey(18, Buffer.alloc(16)), /a key of 16 bytes/);
});

describe('a client with a ticket', () => {
  for (const type of TYPES) {
    for (const isMutual of [true, false]) {
      it(`logs in with type ${type}, ${isMutual ? 'both sides proved' : 'only itself proved'}`, () => {
        assert.deepEqual(logIn({ isMutual }, undefined, type), { outcome: 'passed', token: null, user: 'ann' });
      });
    }
  }

  it('may say who it is, in any of its own names', () => {
    for (const name of ['', 'ann', 'ann@EXAMPLE.ORG']) {
      assert.equal(logIn({}, Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.from(name)])).outcome, 'passed', name);
    }
    for (const name of ['bob', 'ann@OTHER.ORG', 'ANN', 'ann\0']) {
      assert.equal(logIn({}, Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.from(name)])).outcome, 'refused', name);
    }
  });

  const wrong: readonly [string, Partial<Played>, RegExp][] = [
    ['for another service', { service: 'http/host.example.org' }, /the keytab has no key/],
    ['of another realm for the service', { realm: 'OTHER.ORG' }, /the keytab has no key/],
    ['for a key that is not there any more', { keyVersion: 1 }, /no key of the keytab opens/],
    ['made with another key than it says', { keyVersion: 2 }, /no key of the keytab opens/],
    ['of somebody else', { claims: 'bob' }, /somebody else/],
    ['that has expired', { endMs: NOW - 6 * MINUTE }, /has expired/],
    ['that is not valid yet', { startMs: NOW + 6 * MINUTE }, /not valid yet/],
    ['that its realm has marked invalid', { ticketFlags: 1 << 24 }, /not valid yet/],
    ['and a clock that is behind', { timeMs: NOW - 6 * MINUTE }, /clock/],
    ['and a clock that is ahead', { timeMs: NOW + 6 * MINUTE }, /clock/],
    ['outside of GSSAPI', { checksumType: 16 }, /not a token of GSSAPI/],
    ['of another realm whose way was not checked', { clientRealm: 'OTHER.ORG' }, /was not checked/],
    ['with a name that looks like two', { client: 'ann@EXAMPLE.ORG', claims: 'ann@EXAMPLE.ORG' }, /odd parts/],
  ];
  for (const [name, said, reason] of wrong) {
    it(`is refused with a ticket ${name}`, () => {
      const step = logIn(said);
      assert.equal(step.outcome, 'refused');
      assert.match(step.outcome === 'refused' ? step.reason : '', reason);
    });
  }

  it('of another realm is let in when the way was checked', () => {
    assert.equal(logIn({ clientRealm: 'OTHER.ORG', ticketFlags: 1 << 19 }).outcome, 'passed');
  });

  it('proves itself once: a proof that is sent again is refused, until it is too old anyway', () => {
    const w = world();
    const token = firstToken(w.serviceKey, w.sessionKey, w.subkey, { ...USUAL, isMutual: false });
    assert.equal(exchangeOf(w.acceptor).take(token).outcome, 'more');
    for (const later of [0, 4 * MINUTE, 6 * MINUTE, 11 * MINUTE]) {
      w.time.nowMs = NOW + later;
      assert.equal(exchangeOf(w.acceptor).take(token).outcome, 'refused', `${later}`);
    }
  });

  it('signs its choice with the right key, in its turn, for its side, and wants no layer', () => {
    const w = world();
    const began = (): GssapiExchange => {
      const exchange = exchangeOf(w.acceptor);
      exchange.take(firstToken(w.serviceKey, w.sessionKey, w.subkey, { ...USUAL, isMutual: false }));
      return exchange;
    };
    const choice = Buffer.from([1, 0, 0, 0]);
    assert.equal(began().take(signed(w.subkey, false, 77, choice)).outcome, 'passed');
    for (const [name, token] of [
      ['the key of the ticket', signed(w.sessionKey, false, 77, choice)],
      ['out of turn', signed(w.subkey, false, 78, choice)],
      ["the server's side", signed(w.subkey, false, 77, choice, 22)],
      ['a layer', signed(w.subkey, false, 77, Buffer.from([2, 0, 0, 0]))],
      ['too short', signed(w.subkey, false, 77, Buffer.from([1]))],
      ['nothing', Buffer.alloc(0)],
    ] as const) {
      assert.equal(began().take(token).outcome, 'refused', name);
    }
  });

  it('cannot change a byte of its tokens, nor cut them, and nothing but a refusal comes of it', () => {
    const w = world();
    const token = firstToken(w.serviceKey, w.sessionKey, w.subkey, USUAL);
    let refused = 0;
    for (let at = 0; at < token.length; at++) {
      const changed = Buffer.from(token);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      if (exchangeOf(w.acceptor).take(changed).outcome === 'refused') refused++;
      assert.equal(exchangeOf(w.acceptor).take(token.subarray(0, at)).outcome, 'refused');
    }
    // The options, versions of formats and kinds of names are not signed by anybody.
    assert.ok(refused > token.length - 40, `${refused} of ${token.length}`);
    assert.equal(exchangeOf(w.acceptor).take(Buffer.alloc(65_536, 0x60)).outcome, 'refused');
  });
});

test('a keytab: keys of known kinds, each with its version; holes and ends are passed over, and what is cut off is told', () => {
  const entry = (
    principal: string[],
    type: number,
    length: number,
    version: number,
    version32: number | null,
  ): Buffer => {
    const counted = (bytes: Buffer): Buffer => Buffer.concat([short(bytes.length), bytes]);
    const body = Buffer.concat([
      short(principal.length),
      ...['EXAMPLE.ORG', ...principal].map((text) => counted(Buffer.from(text))),
      Buffer.alloc(8),
      Buffer.from([version]),
      short(type),
      counted(Buffer.alloc(length, 4)),
      ...(version32 === null ? [] : [long(version32)]),
    ]);
    return Buffer.concat([long(body.length), body]);
  };
  const short = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const long = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const hole = Buffer.concat([long(-5), Buffer.alloc(5, 0xee)]);
  const whole = Buffer.concat([
    Buffer.from([5, 2]),
    entry(['zookeeper', 'host'], 18, 32, 7, null),
    hole,
    entry(['zookeeper', 'host'], 23, 16, 7, null),
    entry(['zookeeper', 'host'], 17, 16, 1, 257),
    long(0),
    Buffer.from('garbage'),
  ]);
  assert.deepEqual(
    parseKeytab(whole).map(({ principal, realm, version, key }) => [principal, realm, version, key.type]),
    [
      ['zookeeper/host@EXAMPLE.ORG', 'EXAMPLE.ORG', 7, 18],
      ['zookeeper/host@EXAMPLE.ORG', 'EXAMPLE.ORG', 257, 17],
    ],
  );
  assert.throws(() => parseKeytab(Buffer.from([5, 1])), /no keytab/);
  assert.throws(() => parseKeytab(Buffer.alloc(0)), /no keytab/);
  assert.throws(() => parseKeytab(whole.subarray(0, 30)), /cut off/);
  assert.throws(() => parseKeytab(Buffer.concat([Buffer.from([5, 2]), long(3), Buffer.alloc(3, 1)])), /cut off/);
});

describe('names of principals', () => {
  const named = (principal: string, rules = 'DEFAULT', removesHost = false, removesRealm = false): string =>
    nameOfPrincipal(principal, {
      rules: parseNameRules(rules),
      removesHost,
      removesRealm,
      defaultRealm: 'EXAMPLE.ORG',
    });

  it('keep host and realm unless they are to go', () => {
    assert.equal(named('ann@EXAMPLE.ORG'), 'ann@EXAMPLE.ORG');
    assert.equal(named('zk/host@EXAMPLE.ORG'), 'zk/host@EXAMPLE.ORG');
    assert.equal(named('zk/host@EXAMPLE.ORG', 'DEFAULT', true), 'zk@EXAMPLE.ORG');
    assert.equal(named('zk/host@EXAMPLE.ORG', 'DEFAULT', false, true), 'zk/host');
    assert.equal(named('zk/host@EXAMPLE.ORG', 'DEFAULT', true, true), 'zk');
  });

  it('of another realm are whole, whatever is to go: they must not meet those of this one', () => {
    assert.equal(named('ann@OTHER.ORG', 'DEFAULT', true, true), 'ann@OTHER.ORG');
  });

  it('follow the first rule that fits', () => {
    const rules = 'RULE:[1:$1@$0](.*@OTHER.ORG)s/@.*/_other/ RULE:[2:$1](zk.*)s/^zk$/zookeeper/g/L\nDEFAULT';
    assert.equal(named('ann@OTHER.ORG', rules, true, true), 'ann_other');
    assert.equal(named('zk/host@EXAMPLE.ORG', rules, true, true), 'zookeeper');
    assert.equal(named('ZK/host@EXAMPLE.ORG', rules, true, true), 'ZK');
    assert.equal(named('bob@EXAMPLE.ORG', rules, true, true), 'bob');
  });

  it('are refused when a rule leaves a principal in them, and no rule is read half', () => {
    assert.throws(() => named('ann@OTHER.ORG', 'RULE:[1:$1@$0]'), /leaves host or realm/);
    for (const text of ['RULE', 'RULE:[x:$1]', 'DEFAULT nonsense', 'RULE:[1:$1](', 'RULE:[1:$1](*)', 'default']) {
      assert.throws(() => parseNameRules(text), KerberosError, text);
    }
    assert.deepEqual(parseNameRules('  DEFAULT\n DEFAULT ').length, 2);
  });
});
