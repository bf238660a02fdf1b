/** Real elections of Apache's servers, seen from each server: the same messages come in, the same messages must go out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeNotification, MIN_LONG } from '@headkeeper/protocol';
import { FastElection, type OwnStanding } from '../../src/core/election/fast-election.ts';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';

interface Capture {
  connections: {
    kind: string;
    fromServer: number;
    toServer: number;
    messages: { t: number; dir: '>' | '<'; kind: string; hex: string }[];
  }[];
}

interface Sent {
  t: number;
  from: number;
  to: number;
  hex: string;
}

/** The notifications of a capture in the order of their times, without the lengths of their frames. */
function notifications(name: string): Sent[] {
  const file = new URL(`../../../../testkit/vectors/election/${name}.json`, import.meta.url);
  const capture = JSON.parse(readFileSync(file, 'utf8')) as Capture;
  return capture.connections
    .filter(({ kind }) => kind === 'election')
    .flatMap(({ fromServer, toServer, messages }) =>
      messages
        .filter(({ kind }) => kind === 'NOTIFICATION')
        .map(({ t, dir, hex }) => {
          const [from, to] = dir === '>' ? [fromServer, toServer] : [toServer, fromServer];
          return { t, from, to, hex: hex.slice(8) };
        }),
    )
    .sort((a, b) => a.t - b.t);
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function configOf(message: Sent): Membership {
  return parseMembership(decodeNotification(bytesOf(message.hex))!.config!);
}

/** One server's part in a capture: what it is sent goes in, what it sends is kept. */
class View {
  readonly election: FastElection;
  readonly sent: { to: number; hex: string }[] = [];
  readonly #sid: number;

  constructor(sid: number, membership: Membership) {
    this.#sid = sid;
    this.election = new FastElection({
      sid,
      minNotificationIntervalMs: 200,
      maxNotificationIntervalMs: 60_000,
      finalizeWaitMs: 200,
      reconfigEnabled: false,
    });
    this.election.configure(membership, membership);
  }

  start(atMs: number, own: Partial<OwnStanding>): void {
    this.election.start(atMs, { zxid: 0, peerEpoch: 0, participant: true, mayVote: 'yes', ...own });
    this.#collect();
  }

  receive(message: Sent): void {
    assert.equal(message.to, this.#sid);
    this.election.receive(message.from, bytesOf(message.hex), message.t);
    this.#collect();
  }

  sentTo(to: number): string[] {
    return this.sent.filter((message) => message.to === to).map(({ hex }) => hex);
  }

  #collect(): void {
    for (const { to, payload } of this.election.takeSends()) {
      this.sent.push({ to, hex: Buffer.from(payload).toString('hex') });
    }
  }
}

function hexes(messages: readonly Sent[], from: number, to: number): string[] {
  return messages.filter((m) => m.from === from && m.to === to).map(({ hex }) => hex);
}

test('fresh-three-servers: each server says what the capture says and elects server 3', () => {
  const messages = notifications('fresh-three-servers');
  for (const sid of [1, 2, 3]) {
    const view = new View(sid, configOf(messages[0]!));
    view.start(0, {});
    for (const message of messages) if (message.to === sid && view.election.outcome === null) view.receive(message);
    view.election.tick(2000);
    assert.deepEqual(view.election.outcome, { leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 0 });
    // Some votes were lost with their connections, so the order is not known; all that was said is.
    const said = messages.filter(({ from }) => from === sid).map(({ hex }) => hex);
    for (const { hex } of view.sent) assert.ok(said.includes(hex), `${sid}: ${hex}`);
    for (const to of [1, 2, 3]) if (to !== sid) assert.equal(view.sentTo(to).at(-1), hexes(messages, sid, to).at(-1));
  }
});

test('leader-killed: the survivors say the same bytes in the same order, and need no wait', () => {
  const messages = notifications('leader-killed');
  const own = { zxid: 0x1_0000_0003, peerEpoch: 1 };
  for (const sid of [1, 2]) {
    const other = 3 - sid;
    const view = new View(sid, configOf(messages[0]!));
    // Round 1 elected server 3.
    view.start(-1000, own);
    const fresh = notifications('fresh-three-servers');
    for (const from of [1, 2, 3]) {
      const vote = fresh.filter((m) => m.from === from && decodeNotification(bytesOf(m.hex))!.leader === 3)[0]!;
      if (from !== sid) view.receive({ ...vote, t: -999, to: sid });
    }
    view.election.become('following', 1);
    view.sent.length = 0;
    view.election.linkChanged(3, false, 0);
    view.start(1, own);
    for (const message of messages) if (message.to === sid) view.receive(message);
    assert.deepEqual(view.election.outcome, { leader: 2, zxid: 0x1_0000_0003, electionEpoch: 2, peerEpoch: 1 });
    assert.deepEqual(view.sentTo(other), hexes(messages, sid, other));
  }
});

test('late-joiner-small-sid: the joiner asks with its own vote and follows once the leader and a follower have answered', () => {
  const messages = notifications('late-joiner-small-sid');
  const view = new View(1, configOf(messages[0]!));
  view.start(0, { zxid: 0x1_0000_000a, peerEpoch: 1 });
  const incoming = messages.filter((m) => m.to === 1);
  for (const message of incoming.slice(0, -1)) view.receive(message);
  assert.equal(view.election.outcome, null, 'the stale votes and the leader alone are no quorum');
  view.receive(incoming.at(-1)!);
  assert.deepEqual(view.election.outcome, { leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 1 });
  for (const to of [2, 3]) assert.equal(view.sentTo(to)[0], hexes(messages, 1, to)[0]);
});

test('late-joiner-small-sid: leader and follower answer with the vote of their election and the new epoch', () => {
  const messages = notifications('late-joiner-small-sid');
  for (const sid of [2, 3]) {
    const view = new View(sid, configOf(messages[0]!));
    view.start(-1000, {});
    view.election.setCurrentVote({ leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 0 });
    view.election.become(sid === 3 ? 'leading' : 'following', 1);
    view.sent.length = 0;
    for (const message of messages) if (message.to === sid) view.receive(message);
    assert.deepEqual(view.sentTo(1), hexes(messages, sid, 1).slice(-1));
  }
});

test('old-leader-rejoins: the stale votes of the others raise its round, their answers end it', () => {
  const messages = notifications('old-leader-rejoins');
  const view = new View(3, configOf(messages[0]!));
  view.start(0, { zxid: 0x1_0000_0003, peerEpoch: 1 });
  for (const message of messages) if (message.to === 3 && view.election.outcome === null) view.receive(message);
  assert.deepEqual(view.election.outcome, { leader: 2, zxid: 0x1_0000_0003, electionEpoch: 2, peerEpoch: 2 });
  for (const to of [1, 2]) {
    const expected = hexes(messages, 3, to);
    assert.deepEqual(view.sentTo(to).slice(0, expected.length), expected);
  }
});

test('old-leader-rejoins: each question is answered at once', () => {
  const messages = notifications('old-leader-rejoins');
  for (const sid of [1, 2]) {
    const view = new View(sid, configOf(messages[0]!));
    view.start(-1000, { zxid: 0x1_0000_0003, peerEpoch: 1 });
    view.election.setCurrentVote({ leader: 2, zxid: 0x1_0000_0003, electionEpoch: 2, peerEpoch: 1 });
    view.election.become(sid === 2 ? 'leading' : 'following', 2);
    view.sent.length = 0;
    for (const message of messages) if (message.to === sid) view.receive(message);
    assert.deepEqual(view.sentTo(3), hexes(messages, sid, 3).slice(1), 'all but the replay of an old vote');
  }
});

test('observer: it asks with the smallest numbers and follows what a quorum with its leader answers', () => {
  const messages = notifications('observer');
  const first = messages.filter((m) => m.t < 400);
  const view = new View(4, configOf(messages[0]!));
  view.start(0, { zxid: 7, peerEpoch: 1, participant: false });
  assert.deepEqual(
    view.sent,
    [1, 2, 3].map((to) => ({ to, hex: hexes(first, 4, to)[0] })),
  );
  const answers = first.filter((m) => m.to === 4);
  view.receive(answers[0]!);
  assert.equal(view.election.outcome, null);
  view.receive(answers[1]!);
  assert.deepEqual(view.election.outcome, { leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 1 });
  assert.equal(view.election.state, 'observing');
  view.sent.length = 0;
  view.start(500, { zxid: 7, peerEpoch: 1, participant: false });
  const second = messages.filter((m) => m.t > 400);
  for (const to of [1, 2, 3]) assert.deepEqual(view.sentTo(to), hexes(second, 4, to));
});

test('observer: voters answer it at once with their round and their current vote', () => {
  const messages = notifications('observer').filter((m) => m.t < 400);
  for (const sid of [1, 2, 3]) {
    const view = new View(sid, configOf(messages[0]!));
    view.start(-1000, {});
    view.election.setCurrentVote({ leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 0 });
    view.election.become(sid === 3 ? 'leading' : 'following', 1);
    view.sent.length = 0;
    view.receive(messages.filter((m) => m.to === sid)[0]!);
    assert.deepEqual(view.sentTo(4), hexes(messages, sid, 4));
  }
});

test('notification-layouts: every layout that Apache takes is answered, every other is dropped', () => {
  interface Layouts {
    layouts: { name: string; hex: string; result: string }[];
  }
  const file = new URL('../../../../testkit/vectors/election/notification-layouts.json', import.meta.url);
  const { layouts } = JSON.parse(readFileSync(file, 'utf8')) as Layouts;
  const membership = configOf(notifications('leader-killed')[0]!);
  let answered = 0;
  for (const { name, hex, result } of layouts) {
    const view = new View(2, membership);
    view.start(0, {});
    view.election.become('leading', 1);
    view.sent.length = 0;
    view.receive({ t: 1, from: 3, to: 2, hex });
    assert.equal(view.sentTo(3).length, result.includes('no answer') ? 0 : 1, name);
    answered += view.sentTo(3).length;
    view.receive({ t: 1, from: 9, to: 2, hex });
    assert.equal(view.sentTo(9).length, result.includes('no answer') ? 0 : 1, `${name}, from a non-voter`);
  }
  assert.equal(answered, 4);
});

test('nothing that a peer sends makes it throw, or keeps it from electing', () => {
  const [message] = notifications('fresh-three-servers');
  const good = bytesOf(message!.hex);
  const battered = new View(1, configOf(message!));
  battered.start(0, {});
  const view = new View(1, configOf(message!));
  view.start(0, {});
  for (let at = 0; at < good.length; at++) {
    const cut = good.subarray(0, at);
    const flipped = good.slice();
    flipped[at]! ^= 1 << (at % 8);
    for (const from of [2, 9, MIN_LONG]) {
      battered.election.receive(from, cut, 1);
      battered.election.receive(from, flipped, 1);
    }
    view.election.receive(2, cut, 1);
  }
  const endless = good.slice();
  endless.fill(0xff, 20, 28).fill(0x7f, 20, 21);
  view.election.receive(2, endless, 1);
  for (const later of notifications('fresh-three-servers')) {
    if (later.to === 1 && view.election.outcome === null) view.receive(later);
  }
  view.election.tick(5000);
  assert.deepEqual(view.election.outcome, { leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 0 });
});
