import { CreateMode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { reconfigure } from './changes.ts';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { guard, guardOf } from './guards.ts';
import { Packet, type Seen } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { ScriptedClient } from './scripted-client.ts';
import { led } from './setups.ts';

const CLOSE_SESSION = -11;
const SESSION_TIMEOUT_MS = 6000;
/** Where the type of a txn stands in a PROPOSAL: behind the packet's head and the fields of the txn's header before it. */
const TXN_TYPE_AT = 16 + 28;

/** A client with an ephemeral that is gone when it is told to. */
class Visitor {
  readonly #e: Ensemble;
  readonly #client: ScriptedClient;

  constructor(e: Ensemble, number: number, at: number, path: string) {
    this.#e = e;
    this.#client = new ScriptedClient(e.cluster, 100 + number, e.addresses(at), SESSION_TIMEOUT_MS);
    e.until('a visitor has a session', () => this.#client.isAttached);
    let created = false;
    const body = { path, data: null, acl: WORLD_ANYONE_ALL, flags: CreateMode.ephemeral };
    this.#client.client.write({ op: 'create', body }, ({ error }) => {
      created = error === 0;
    });
    e.until(`${path} is created`, () => created);
  }

  /** Without a word to anybody. */
  vanish(): void {
    const { network, servers } = this.#e.cluster;
    for (const { node } of servers) {
      network.setLink(this.#client.client.host, node.host, 'silent');
      network.setLink(node.host, this.#client.client.host, 'silent');
    }
  }
}

const has = (e: Ensemble, path: string): boolean => e.cluster.oracle.tree.latest(path) !== null;

const isCloseSession = ({ bytes }: Seen): boolean =>
  bytes.length >= TXN_TYPE_AT + 4 &&
  new DataView(bytes.buffer, bytes.byteOffset).getInt32(TXN_TYPE_AT) === CLOSE_SESSION;

const sessionsOf = (e: Ensemble, sid: number): number => e.node(sid).server?.replica.serving.sessions.size ?? -1;

/** Server 1 is cut off behind so many bytes of the end of a session; the same path is used again meanwhile. */
function x01(e: Ensemble, bytes: number): void {
  led(e);
  const first = new Visitor(e, 1, 2, '/same');
  let isCut = false;
  e.cut({ from: 3, to: 1, type: Packet.proposal, when: isCloseSession }, bytes, () => {
    isCut = true;
    e.reset(1, 3);
    e.isolate([1]);
  });
  first.vanish();
  e.until('server 1 is cut off', () => isCut);
  e.until('the session has ended', () => !has(e, '/same'));
  const second = new Visitor(e, 2, 2, '/same');
  second.vanish();
  e.until('the other session has ended', () => !has(e, '/same'));
  e.heal();
  e.agree(1, 2, 3);
  e.expect('server 1 has no session', sessionsOf(e, 1) === 0);
  e.commits();
  e.settles();
}

/** Two of five servers have an ephemeral on their disks that was never committed; the others go on without it. */
function x03(e: Ensemble, isLeaderFirst: boolean): void {
  e.start();
  e.until('somebody leads', () => e.leader !== 0);
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
  const leader = e.leader;
  const [follower, ...others] = e.sids.filter((sid) => sid !== leader) as [number, ...number[]];
  const client = e.attached(leader);
  e.write(client);
  e.run(5);
  const base = e.applied(leader);
  const holds = others.map((to) => e.hold({ from: leader, to, type: Packet.proposal }));
  client.putEphemeral();
  e.until('it is on two disks', () => [leader, follower].every((sid) => e.watched(sid).durable.last === base + 1));
  e.reached('nobody else has it', holds.every((hold) => hold.isReached) && e.committed === base);
  e.crash(leader);
  e.crash(follower);
  for (const hold of holds) hold.release();
  client.goesTo(e.addresses(...others));
  e.commits();
  const back = isLeaderFirst ? [leader, follower] : [follower, leader];
  for (const sid of back) {
    e.start(sid);
    e.agree(sid, ...others);
  }
  e.expect('the ephemeral is not there', !has(e, client.writes.at(-1)?.path ?? ''));
  e.settles();
}

/** The leader dies with its clients: all of their sessions end, everywhere. */
function x15(e: Ensemble, moment: number): void {
  led(e);
  const visitors = [1, 2, 3].map((number) => new Visitor(e, number, 3, `/gone-${number}`));
  e.run(moment);
  e.kill(3);
  for (const visitor of visitors) visitor.vanish();
  e.until('another server leads', () => e.leader !== 0 && e.leader !== 3, 30_000);
  e.expect('the new leader gives the sessions their time', has(e, '/gone-1'));
  e.until(
    'their ephemerals are gone',
    () => visitors.every((_, i) => !has(e, `/gone-${i + 1}`)),
    3 * SESSION_TIMEOUT_MS,
  );
  e.commits();
  e.until('no session of theirs is left', () => [1, 2].every((sid) => sessionsOf(e, sid) === sessionsOf(e, e.leader)));
  e.start(3);
  e.agree();
}

/** The leader takes itself out while clients write. */
function r06(e: Ensemble): void {
  led(e);
  const client = e.attached(1);
  e.write(client, 3);
  let error: number | null = null;
  reconfigure(e, 3, { leavingServers: '3' }, (code) => {
    error = code;
  });
  e.until('the change is made', () => e.node(1).server?.replica.member?.stage.committed.members.has(3) === false);
  e.expect('whoever asked was told so, or lost the connection with its leader', error === null || error === 0);
  e.until('another server leads', () => e.leader === 1 || e.leader === 2, 5000);
  e.until('the former leader does not', () => e.roleName(3) !== 'leading', 5000);
  e.commits(5000);
  e.write(client, 3);
  e.kill(3);
  e.commits(5000);
  e.agree(1, 2);
}

export const SESSIONS: readonly Scenario[] = [
  {
    id: 'R06',
    name: 'a leader takes itself out of the ensemble',
    guard: {
      where: 'core/roles/leading.ts: #commitReconfig hands over, and #requireQuorum ends a leader that nobody follows',
      edits: [
        {
          file: 'core/roles/leading.js',
          find: "this.#stage.handOver('the new membership has another leader', designated);",
          put: ';',
        },
        { file: 'core/roles/leading.js', find: 'if (!this.#isQuorum(present))', put: 'if (false)' },
      ],
      why: null,
    },
    run: (tell) => withEnsemble({ tell, plan: { reconfigureMs: 1 } }, r06),
  },
  {
    id: 'X01',
    name: 'a follower is cut off inside the end of a session, whose ephemeral is made and removed again',
    guard: guard(
      'core/zab/learner-handler.ts: history goes on right behind what the learner has',
      'core/zab/learner-handler.js',
      'for (let i = window.indexAfter(zxid); i < window.size; i++) {',
      'for (let i = window.indexAfter(zxid) + 1; i < window.size; i++) {',
    ),
    run: (tell) => {
      for (const bytes of [0, 1, 12, 16, 40, 44, 48, 60, 70]) withEnsemble({ tell }, (e) => x01(e, bytes));
    },
  },
  {
    id: 'X03',
    name: 'an ephemeral is on two disks of five when their servers die, and is not committed',
    guard: guardOf('core/roles/learning.ts: TRUNC cuts the log', 'skipped TRUNC'),
    run: (tell) => {
      for (const isLeaderFirst of [false, true]) withEnsemble({ tell, voters: 5 }, (e) => x03(e, isLeaderFirst));
    },
  },
  {
    id: 'X15',
    name: 'the leader dies with clients that never come back',
    guard: guard(
      'core/roles/leader-writes.ts: start gives every session its time',
      'core/roles/leader-writes.js',
      'session.owner = NOBODY;\n            serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);',
      'session.owner = NOBODY;',
    ),
    run: (tell) => {
      for (const moment of [0, 100, 700, 2000]) withEnsemble({ tell }, (e) => x15(e, moment));
    },
  },
];
