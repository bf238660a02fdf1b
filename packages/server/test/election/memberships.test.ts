/** Elections among servers that do not agree on who votes: a reconfiguration was under way (election-protocol reference, 9 and 10). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeNotification, ServerState } from '@headkeeper/protocol';
import { FastElection } from '../../src/core/election/fast-election.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import { EPOCH, membershipOf } from './cluster.ts';

const STANDING = { zxid: 3 * EPOCH + 7, peerEpoch: 3, participant: true, mayVote: 'yes' } as const;

function voters(version: number, ...sids: readonly number[]): Membership {
  return membershipOf(
    sids.map((sid) => ({ sid })),
    [],
    version,
  );
}

function election(sid: number, committed: Membership, lastSeen: Membership = committed): FastElection {
  const made = new FastElection({
    sid,
    minNotificationIntervalMs: 200,
    maxNotificationIntervalMs: 60_000,
    finalizeWaitMs: 200,
    reconfigEnabled: true,
  });
  made.configure(committed, lastSeen);
  return made;
}

/** Carries messages between servers until nobody has anything more to say at that time, then lets time pass. */
function run(servers: ReadonlyMap<number, FastElection>, untilMs: number): void {
  for (let nowMs = 1; nowMs <= untilMs; nowMs += 10) {
    for (const each of servers.values()) if (each.wakeAtMs <= nowMs) each.tick(nowMs);
    for (let turn = 0; turn < 10; turn++) {
      for (const [from, sender] of servers) {
        for (const { to, payload } of sender.takeSends()) servers.get(to)?.receive(from, payload, nowMs);
      }
    }
  }
}

describe('an election in which a proposed membership counts', () => {
  it('is helped by a server that has a vote only in the membership that the others know', () => {
    for (const isObserver of [false, true]) {
      const committed = voters(1, 4);
      const leader = election(4, committed, voters(2, 1, 4));
      const joiner = election(1, committed);
      leader.start(0, STANDING);
      joiner.start(0, { ...STANDING, participant: !isObserver });
      run(
        new Map([
          [4, leader],
          [1, joiner],
        ]),
        1000,
      );
      assert.equal(leader.outcome?.leader, 4);
    }
  });

  it('is not helped by one that may have forgotten what it acknowledged', () => {
    for (const mayVote of ['no', 'blank'] as const) {
      const committed = voters(1, 4);
      const leader = election(4, committed, voters(2, 1, 4));
      const joiner = election(1, committed);
      leader.start(0, STANDING);
      joiner.start(0, { ...STANDING, mayVote });
      run(
        new Map([
          [4, leader],
          [1, joiner],
        ]),
        1000,
      );
      assert.equal(leader.outcome, null);
    }
  });

  it('is known at once to those who cannot see how the leader has won', () => {
    const committed = voters(1, 1, 2, 4);
    const servers = new Map([1, 2, 4].map((sid) => [sid, election(sid, committed, voters(2, 2, 3))]));
    // It has heard nothing of the membership in which it votes, and says yes to the candidate alone.
    servers.set(3, election(3, committed));
    for (const each of servers.values()) each.start(0, STANDING);
    run(servers, 150);
    for (const sid of [1, 2, 4]) assert.equal(servers.get(sid)?.outcome?.leader, 4, `server ${sid}`);
  });

  it('goes on in the round of a voter that is no candidate', () => {
    const one = election(1, voters(1, 1), voters(2, 1, 3));
    const three = election(3, voters(1, 1), voters(2, 1, 3));
    three.start(0, STANDING);
    three.start(0, STANDING);
    one.start(0, STANDING);
    run(
      new Map([
        [1, one],
        [3, three],
      ]),
      1000,
    );
    assert.equal(one.outcome?.leader, 1);
    assert.equal(three.outcome?.leader, 1);
  });

  it('ends for a server whose proposal came to nothing when a quorum of the others has a leader', () => {
    const alone = election(1, voters(1, 1, 2, 3), voters(2, 1, 2));
    alone.start(0, STANDING);
    for (const [from, state] of [
      [2, ServerState.following],
      [3, ServerState.leading],
    ] as const) {
      const vote = { leader: 3, zxid: 1, electionEpoch: 9, peerEpoch: 4, version: 2, config: null };
      alone.receive(from, encodeNotification({ ...vote, state }), 1);
    }
    assert.equal(alone.outcome?.leader, 3);
  });

  it('does not end by that where the server itself would lead', () => {
    const alone = election(1, voters(1, 1, 2, 3), voters(2, 1, 4, 5));
    alone.start(0, STANDING);
    const vote = { leader: 1, zxid: STANDING.zxid, electionEpoch: 1, peerEpoch: 3, version: 2, config: null };
    for (const from of [2, 3]) alone.receive(from, encodeNotification({ ...vote, state: ServerState.following }), 1);
    assert.equal(alone.outcome, null);
  });
});

describe('a server that hears of a leader from a follower', () => {
  it('asks the leader itself, long before it would repeat its vote', () => {
    const asking = election(1, voters(1, 1, 2, 3));
    asking.start(0, STANDING);
    asking.takeSends();
    asking.tick(250);
    asking.takeSends();
    const vote = { leader: 3, zxid: 1, electionEpoch: 9, peerEpoch: 4, version: 2, config: null };
    asking.receive(2, encodeNotification({ ...vote, state: ServerState.following }), 500);
    assert.deepEqual(
      asking.takeSends().map(({ to }) => to),
      [3],
    );
    asking.receive(2, encodeNotification({ ...vote, state: ServerState.following }), 600);
    assert.deepEqual(asking.takeSends(), []);
    asking.receive(3, encodeNotification({ ...vote, state: ServerState.leading }), 610);
    assert.equal(asking.outcome?.leader, 3);
  });

  it('does not ask two that name each other again and again', () => {
    const asking = election(1, voters(1, 1, 2, 3, 4, 5));
    asking.start(0, STANDING);
    asking.takeSends();
    let sent = 0;
    for (let nowMs = 500; nowMs < 600; nowMs++) {
      for (const [from, leader] of [
        [2, 3],
        [3, 2],
      ] as const) {
        const vote = { leader, zxid: 1, electionEpoch: 9, peerEpoch: 4, version: 2, config: null };
        asking.receive(from, encodeNotification({ ...vote, state: ServerState.following }), nowMs);
        sent += asking.takeSends().length;
      }
    }
    assert.equal(sent, 1);
  });
});

describe('memberships that votes tell of', () => {
  it('are believed when they are newer, and not when they were in force before what this server has known', () => {
    const looking = election(1, voters(0, 1, 2));
    looking.distrustBefore(20);
    looking.start(0, STANDING);
    const hear = (version: number): Membership | null => {
      const config = voters(version, 1).toText();
      const vote = {
        state: ServerState.looking,
        leader: 2,
        zxid: 1,
        electionEpoch: 1,
        peerEpoch: 1,
        version: 2,
        config,
      };
      looking.receive(2, encodeNotification(vote), 1);
      return looking.takeGossip();
    };
    assert.equal(hear(19), null);
    assert.equal(hear(20)?.version, 20);
    assert.equal(hear(20), null);
    assert.equal(hear(21)?.version, 21);
  });

  it('are remembered with the votes that came while this server had a leader, and that count when it looks', () => {
    const three = election(3, voters(0, 1, 2, 3));
    three.become('leading');
    const config = voters(20, 1, 3).toText();
    const vote = { leader: 1, zxid: STANDING.zxid, electionEpoch: 1, peerEpoch: 3, version: 2, config };
    three.receive(1, encodeNotification({ ...vote, state: ServerState.looking }), 1);
    assert.equal(three.takeGossip(), null);
    three.become('looking');
    three.start(100, STANDING);
    assert.equal(three.takeGossip()?.version, 20);
  });
});

/** All subsets, the empty one first. */
function subsetsOf(sids: readonly number[]): number[][] {
  return Array.from({ length: 2 ** sids.length }, (_, bits) => sids.filter((_sid, i) => ((bits >> i) & 1) === 1));
}

describe('a newcomer whose list is wrong', () => {
  for (const [what, standing] of [
    ['has nothing', { zxid: 0, peerEpoch: 0, participant: true, mayVote: 'blank' }],
    ['brings more than they have', { ...STANDING, zxid: STANDING.zxid + 1 }],
  ] as const) {
    it(`is not elected, and elects only with a quorum of the others, when it ${what}`, () => {
      const others = [1, 2, 3];
      // A list that names nobody else is that of another ensemble.
      for (const listed of subsetsOf(others).filter(({ length }) => length > 0)) {
        for (const up of subsetsOf(others)) {
          const servers = new Map(up.map((sid) => [sid, election(sid, voters(1, ...others))]));
          for (const each of servers.values()) each.start(0, STANDING);
          servers.set(4, election(4, voters(1, ...listed, 4)));
          servers.get(4)?.start(0, standing);
          run(servers, 2000);
          const elected = [...servers.values()].flatMap(({ outcome }) => (outcome === null ? [] : [outcome.leader]));
          const told = `with ${up.join()}, by a list of ${listed.join()},4: ${elected.join()}`;
          if (up.length < 2) assert.deepEqual(elected, [], told);
          else assert.ok(elected.length >= up.length && elected.every((leader) => leader === up.at(-1)), told);
        }
      }
    });
  }
});
