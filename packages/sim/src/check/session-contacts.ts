import type { SimNetwork } from '../network/sim-network.ts';
import type { SimNode } from '../node/sim-node.ts';
import { MS, type World } from '../world/world.ts';
import { currentEpoch, leadingEpoch } from './node-view.ts';
import type { QuorumWatch } from './quorum-watch.ts';
import { law, zxidText } from './violation.ts';

/** What the law about expiry needs to know. */
export interface ContactContext {
  readonly world: World;
  readonly network: SimNetwork;
  readonly quorum: QuorumWatch;
  readonly servers: readonly { readonly node: SimNode }[];
}

/** What the law about expiry needs to know of a client. */
export interface ContactClient {
  /** Of its machine. */
  readonly address: string;
  readonly session: { readonly id: bigint; readonly timeoutMs: number } | null;
  /** The address of the server that it is attached to, or null. */
  readonly server: string | null;
}

interface Contact {
  readonly at: number;
  readonly node: SimNode;
  readonly session: bigint;
  /** Of the leader that the server followed. */
  readonly epoch: number;
}

const TWO_32 = 2 ** 32;

/** Clocks drift, and timers are late. */
const TOLERANCE = 300 * MS;
/** How long a follower may take to pass a sign of life on to its leader: pings come every half tick. */
const PASSED_ON = 3000 * MS;
/** A leader that has stood still asks its followers once more whom they have heard before it ends anybody's session (X08). */
const ASKED_AGAIN = 1000 * MS;

/** The law of session truth: nobody is expired of whom the leader has heard, or must have heard, within the timeout. */
export class SessionContacts {
  readonly #context: ContactContext;
  readonly #clients: Map<string, ContactClient> = new Map();
  /** Signs of life by the client's address, oldest first: those that followers may still have to pass on, and the one before them. */
  readonly #contacts: Map<string, Contact[]> = new Map();

  constructor(context: ContactContext) {
    this.#context = context;
  }

  add(client: ContactClient): void {
    this.#clients.set(client.address, client);
  }

  /** A server has received something from a client. */
  heard(node: SimNode, address: string): void {
    const client = this.#clients.get(address);
    if (client === undefined || client.session === null) return;
    if (client.server !== node.settings.address) return;
    const now = this.#context.world.now;
    const contacts = this.#contacts.get(address) ?? [];
    while (contacts.length > 1 && contacts[1].at <= now - PASSED_ON - ASKED_AGAIN) contacts.shift();
    contacts.push({ at: now, node, session: client.session.id, epoch: currentEpoch(node) });
    this.#contacts.set(address, contacts);
  }

  /** The end of a session that no client has asked for is committed. */
  expired(session: bigint, zxid: number): void {
    const proposedAt = this.#context.quorum.proposedAt.get(zxid);
    if (proposedAt === undefined) return;
    for (const [address, contacts] of this.#contacts) {
      const client = this.#clients.get(address);
      if (client?.session?.id !== session) continue;
      for (const contact of contacts) {
        if (contact.session === session) this.#judge(contact, proposedAt, client.session.timeoutMs * MS, zxid);
      }
    }
  }

  #judge(contact: Contact, proposedAt: number, timeout: number, zxid: number): void {
    if (contact.at > proposedAt) return;
    const leader = this.#context.servers.find(({ node }) => leadingEpoch(node) === Math.floor(zxid / TWO_32))?.node;
    if (leader === undefined) return;
    const silence = proposedAt - contact.at;
    const slack = Math.floor(timeout / 30) + TOLERANCE;
    const isDirect = contact.node === leader;
    if (!isDirect) {
      // What a server hears for a leader of before, of whose end it does not know, nobody else is told.
      if (contact.epoch !== Math.floor(zxid / TWO_32)) return;
      // The leader need not have heard of it yet: the client was silent for its whole timeout, and came back too late.
      if (silence < PASSED_ON + (leader.resumedAt > contact.at ? ASKED_AGAIN : 0)) return;
      if (!this.#isCalm(contact.node, leader, proposedAt - timeout - PASSED_ON)) return;
    }
    law(silence >= timeout - slack, 'session truth', () => {
      const who = `session ${contact.session} at server ${contact.node.sid}`;
      return `${who} is expired at ${zxidText(zxid)}, ${silence / MS} ms after a sign of life; its timeout is ${timeout / MS}`;
    });
  }

  /** Whether nothing has stood between a follower and its leader since then; the leader may have stood still itself. */
  #isCalm(follower: SimNode, leader: SimNode, since: number): boolean {
    const { network } = this.#context;
    if (follower.isPaused) return false;
    if (follower.lastTrouble > since || follower.resumedAt > since || leader.lastTrouble > since) return false;
    if (follower.diskSlowness > 1 || leader.diskSlowness > 1) return false;
    const [a, b] = [follower.host, leader.host];
    for (const link of [network.link(a, b), network.link(b, a)]) {
      if (link.state !== 'up' || link.lastFault > since || link.stalledUntil > since) return false;
    }
    return true;
  }
}
