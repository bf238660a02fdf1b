import { limits } from '@headkeeper/server/internal';
import { ClientConnection } from '../client/connection.ts';
import { type Ensemble, withEnsemble } from './ensemble.ts';
import { byDesign, guard } from './guards.ts';
import { Packet } from './packet-gate.ts';
import type { Scenario } from './scenario.ts';
import { led } from './setups.ts';

const COMMIT_AND_ACTIVATE = 9;
/** Txns that an epoch is used for here. */
const FEW_TXNS = 40;

/** Changes the membership; calls when that is answered. */
export function reconfigure(
  e: Ensemble,
  at: number,
  change: { leavingServers?: string },
  answered: (error: number) => void,
): void {
  const host = e.cluster.network.addHost('10.2.0.9', { dispatch: (action) => action() });
  const connection = new ClientConnection(e.cluster.network, host, e.node(at).settings.address, 2000, {
    established: () =>
      connection.handshake({
        protocolVersion: 0,
        lastZxidSeen: 0,
        timeOut: 30_000,
        sessionId: 0n,
        passwd: new Uint8Array(16),
        readOnly: false,
      }),
    attached: ({ sessionId }) => {
      e.cluster.oracle.operators.add(sessionId);
      const body = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1 };
      connection.request(1, 'reconfig', { ...body, ...change }, ({ error }) => answered(error));
    },
    event: () => {},
    lost: () => {},
  });
}

/** A membership is activated on server 1 before, while or after server 2 connects to it for an election. */
function e09(e: Ensemble, offsetMs: number): void {
  led(e);
  e.until('the observer serves', () => e.serves(4));
  e.write(e.attached(3));
  e.crash(2);
  const held = e.hold({ from: 3, to: 1, type: COMMIT_AND_ACTIVATE as (typeof Packet)['commit'] });
  let error: number | null = null;
  reconfigure(e, 3, { leavingServers: '4' }, (code) => {
    error = code;
  });
  e.until('the activation is on its way to server 1', () => held.isReached);
  let isConnecting = false;
  e.once({ from: 2, to: 1, type: Packet.vote }, () => {
    isConnecting = true;
    e.later(Math.max(0, offsetMs), () => held.release());
  });
  e.start(2);
  if (offsetMs < 0) e.later(0.1, () => held.release());
  e.until('server 2 connects to server 1', () => isConnecting);
  e.until('the change is answered', () => error !== null, 10_000);
  e.expect('it is made', error === 0);
  e.until('all voters serve', () => [1, 2, 3].every((sid) => e.serves(sid)), 10_000);
  e.commits();
  // The next election needs server 1 and what it was told.
  e.kill(3);
  e.commits();
  e.start(3);
  e.agree(1, 2, 3);
}

function e11(e: Ensemble, isPartitioned: boolean): void {
  led(e);
  const clients = [e.attached(1), e.attached(2)];
  const first = e.epochOf(3);
  let asked = 0;
  for (let i = 0; i < 64; i++) {
    for (const client of clients) {
      if (!client.isAttached) continue;
      client.put();
      asked++;
    }
    if (isPartitioned && i === 30) e.isolate([1]);
    e.run(50);
  }
  e.reached('more txns than an epoch holds', asked > FEW_TXNS);
  e.heal();
  e.until('a later epoch is established', () => e.leader !== 0 && e.epochOf(e.leader) > first, 30_000);
  const answered = clients.flatMap(({ writes }) => writes.filter(({ zxid }) => zxid !== null));
  e.expect('most writes were answered', answered.length > FEW_TXNS);
  e.has(answered);
  e.commits();
  e.agree();
  e.settles();
}

export const CHANGES: readonly Scenario[] = [
  {
    id: 'E09',
    name: 'a membership is activated while a server connects for an election, in every order',
    guard: byDesign(
      'core/replica.ts: step is synchronous',
      'there is nothing to wait for while an event is handled: no lock, no promise; both orders of arrival are tried',
    ),
    run: (tell) => {
      for (const offset of [-1, 0, 0.1, 0.2, 0.3, 1])
        withEnsemble({ observers: 1, tell, plan: { reconfigureMs: 1 } }, (e) => e09(e, offset));
    },
  },
  {
    id: 'E11',
    name: 'the counter of the epoch comes to its end, with a partition and without',
    guard: guard(
      'core/roles/leading.ts: wake steps down before the counter wraps',
      'core/roles/leading.js',
      'if (this.#pipeline.proposals.isExhausted)',
      'if (false)',
    ),
    run: (tell) => {
      const { txnsOfEpoch } = limits;
      Object.assign(limits, { txnsOfEpoch: FEW_TXNS });
      try {
        for (const isPartitioned of [false, true]) withEnsemble({ tell }, (e) => e11(e, isPartitioned));
      } finally {
        Object.assign(limits, { txnsOfEpoch });
      }
    },
  },
];
