import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuthExchange } from '../../src/adapters/peer/peer-authenticator.ts';
import { QuorumSasl } from '../../src/adapters/peer/quorum-sasl.ts';
import { ElectionWorld, endpointOf } from './election-servers.ts';

interface Capture {
  readonly user: string;
  readonly password: string;
  readonly connections: readonly {
    readonly kind: string;
    readonly messages: readonly {
      readonly dir: '>' | '<';
      readonly kind: string;
      readonly hex: string;
      readonly decoded: { readonly token?: string };
    }[];
  }[];
}

const capture: Capture = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@headkeeper/testkit/vectors/sasl/digest-md5.json')), 'utf8'),
);
const { user, password } = capture;

/** The exchange of one captured connection: what each side said, and the texts it made up. */
function captured(index: number): { opener: Buffer[]; acceptor: Buffer[]; nonce: string; cnonce: string } {
  const messages = capture.connections[index]?.messages.filter(({ kind }) => kind === 'QUORUM_AUTH') ?? [];
  const said = (dir: string): Buffer[] => messages.filter((m) => m.dir === dir).map((m) => Buffer.from(m.hex, 'hex'));
  const texts = messages.map(({ decoded }) => decoded.token ?? '').join();
  return {
    opener: said('>'),
    acceptor: said('<'),
    nonce: /[,=]nonce="([^"]+)"/.exec(texts)?.[1] ?? '',
    cnonce: /cnonce="([^"]+)"/.exec(texts)?.[1] ?? '',
  };
}

/** Feeds an exchange in pieces of `size` bytes; returns what it said and how it ended. */
function feed(
  exchange: AuthExchange,
  input: Uint8Array,
  size: number,
): { said: Buffer; outcome: string; left: number } {
  const said: Uint8Array[] = exchange.opening === null ? [] : [exchange.opening];
  let at = 0;
  let outcome = 'more';
  for (let end = Math.min(size, input.length); outcome === 'more'; end = Math.min(end + size, input.length)) {
    for (;;) {
      const step = exchange.take(input, at, end);
      at += step.consumed;
      if (step.reply !== null) said.push(step.reply);
      outcome = step.outcome;
      if (outcome !== 'more' || step.consumed === 0) break;
    }
    if (end === input.length) break;
  }
  return { said: Buffer.concat(said), outcome, left: input.length - at };
}

for (const index of [0, 1, 2]) {
  test(`captured exchange ${index}: both sides say the same bytes as Apache's servers`, () => {
    const { opener, acceptor, nonce, cnonce } = captured(index);
    assert.equal(opener.length + acceptor.length, 4);
    const behind = Buffer.from('behind it');
    for (const size of [1, 7, 1_000]) {
      const learner = new QuorumSasl({
        learner: { user, password },
        users: null,
        isRequired: false,
        nonce: () => cnonce,
      }).opener();
      assert.ok(learner);
      const left = feed(learner, Buffer.concat([...acceptor, behind]), size);
      assert.equal(left.said.toString('hex'), Buffer.concat(opener).toString('hex'));
      assert.equal(left.outcome, 'passed');
      assert.equal(left.left, behind.length);

      const server = new QuorumSasl({
        learner: null,
        users: new Map([[user, password]]),
        isRequired: true,
        nonce: () => nonce,
      }).acceptor();
      assert.ok(server);
      const right = feed(server, Buffer.concat([...opener, behind]), size);
      assert.equal(right.said.toString('hex'), Buffer.concat(acceptor).toString('hex'));
      assert.equal(right.outcome, 'passed');
      assert.equal(right.left, behind.length);
    }
  });
}

test('a response with any byte changed, or to another challenge, is refused; so is a wrong proof', () => {
  const { opener, acceptor, nonce, cnonce } = captured(0);
  const [begin, response] = opener as [Buffer, Buffer];
  const server = (nonceOf: string): AuthExchange => {
    const sasl = new QuorumSasl({
      learner: null,
      users: new Map([[user, password]]),
      isRequired: true,
      nonce: () => nonceOf,
    });
    return sasl.acceptor() as AuthExchange;
  };
  const text = response.toString('latin1');
  let refused = 0;
  for (let at = 16; at < response.length; at++) {
    const changed = Buffer.from(response);
    changed[at] = (changed[at] as number) ^ 1;
    if (feed(server(nonce), Buffer.concat([begin, changed]), 1_000).outcome === 'refused') refused++;
  }
  // The names of charset and maxbuf, and what they say, prove nothing.
  const harmless = 'charset=utf-8,'.length + 'maxbuf=65536,'.length;
  assert.ok(refused >= response.length - 16 - harmless, `${refused} of ${text.length - 16}`);
  assert.equal(feed(server('another nonce'), Buffer.concat(opener), 1_000).outcome, 'refused');

  const wrongProof = Buffer.from(acceptor[1] as Buffer);
  wrongProof[wrongProof.length - 1] = (wrongProof.at(-1) as number) ^ 1;
  const learner = new QuorumSasl({ learner: { user, password }, users: null, isRequired: false, nonce: () => cnonce });
  const exchange = learner.opener() as AuthExchange;
  assert.equal(feed(exchange, Buffer.concat([acceptor[0] as Buffer, wrongProof]), 1_000).outcome, 'refused');
});

test('random bytes in place of an authentication never throw', () => {
  const magic = Buffer.from('5f2435013501edcc00000000', 'hex');
  let state = 1;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.alloc(round % 80, 0);
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      bytes[i] = state >>> 16;
    }
    const sasl = new QuorumSasl({ learner: { user, password }, users: new Map([[user, password]]), isRequired: true });
    for (const input of [bytes, Buffer.concat([magic, bytes])]) {
      for (const exchange of [sasl.opener(), sasl.acceptor()]) {
        assert.notEqual(feed(exchange as AuthExchange, input, 1_000).outcome, 'passed');
      }
    }
  }
});

const users = new Map([[user, password]]);
const both = { learner: { user, password }, users };

test('servers that authenticate to each other connect, from either side', () => {
  const world = new ElectionWorld();
  const sasl = new QuorumSasl({ ...both, isRequired: true });
  const servers = [1, 2, 3].map((sid) => world.server(sid, { authenticate: sasl }));
  for (const server of servers) {
    server.start([1, 2, 3]);
    world.pass(100);
  }
  for (const server of servers) for (const to of [1, 2, 3]) if (to !== server.sid) server.say(to, 'v');
  world.pass(10);
  assert.deepEqual(
    servers.map((server) => server.heard.toSorted()),
    [
      ['2:v', '3:v'],
      ['1:v', '3:v'],
      ['1:v', '2:v'],
    ],
  );
  assert.deepEqual(
    servers.flatMap((server) => server.failures),
    [],
  );
});

/** Whether two servers get a connection; server 2, with the larger id, makes it. */
function connects(opener: QuorumSasl | null, acceptor: QuorumSasl | null): boolean {
  const world = new ElectionWorld();
  const [one, two] = [
    world.server(1, acceptor === null ? {} : { authenticate: acceptor }),
    world.server(2, opener === null ? {} : { authenticate: opener }),
  ];
  one.links.configure([endpointOf(1)], new Map());
  two.start([1, 2]);
  two.say(1, 'v');
  world.pass(4_000);
  return one.heard.length > 0;
}

test('who is let in: by what the opener does and what the acceptor demands', () => {
  const right = new QuorumSasl({ ...both, isRequired: false });
  const wrong = new QuorumSasl({ learner: { user, password: 'wrong' }, users, isRequired: false });
  const unknown = new QuorumSasl({ learner: { user: 'nobody', password }, users, isRequired: false });
  const silent = new QuorumSasl({ learner: null, users, isRequired: false });
  const strict = new QuorumSasl({ ...both, isRequired: true });
  assert.equal(connects(right, strict), true);
  assert.equal(connects(wrong, strict), false);
  assert.equal(connects(unknown, strict), false);
  assert.equal(connects(silent, strict), false);
  assert.equal(connects(null, strict), false);
  assert.equal(connects(right, right), true);
  assert.equal(connects(silent, right), true);
  assert.equal(connects(null, right), true);
  assert.equal(connects(wrong, right), false, 'the opener gives up when it was refused');
  assert.equal(connects(right, null), false, 'an acceptor without SASL cannot prove anything');
});

test('a server with a small id that does not authenticate may ask where that is not demanded', () => {
  for (const [isRequired, expected] of [
    [false, true],
    [true, false],
  ] as const) {
    const world = new ElectionWorld();
    const one = world.server(1);
    const two = world.server(2, { authenticate: new QuorumSasl({ learner: null, users, isRequired }) });
    two.links.configure([endpointOf(2)], new Map());
    one.start([1, 2]);
    one.say(2, 'v');
    world.pass(1_000);
    assert.equal(two.heard.length > 0, expected);
  }
});
