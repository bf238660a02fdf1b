import { law, zxidText } from '../../check/violation.ts';
import type { Actor, Stage } from '../workload.ts';

/** Somebody is inside. */
export interface Visit {
  readonly actor: Actor;
  readonly life: number;
  readonly session: bigint;
  readonly signal: AbortSignal;
  /** The zxid that opened the barrier for it. */
  readonly round: number;
  /** It found the barrier open: the others may be leaving, and cannot know of it. */
  readonly isLate: boolean;
  wantsOut: boolean;
}

/**
 * A double barrier, by the history: it opens when as many sessions as it has members have come since it was last closed, it
 * is no way in for one who finds it open and nobody inside, and nobody is out while another of those it was opened for has
 * not said that he wants out.
 */
export class MeetingWatch {
  readonly #stage: Stage;
  readonly #path: string;
  readonly #members: number;
  readonly #inside: Set<Visit> = new Set();
  #seen = 0;
  #round = 0;
  #isOpen = false;
  /** The most sessions that were there at once since the barrier was closed. */
  #most = 0;

  constructor(stage: Stage, path: string, members: number) {
    this.#stage = stage;
    this.#path = path;
    this.#members = members;
  }

  /** To be called in the turn in which somebody is let in. `from`: the zxid that it knew when it came. */
  entered(actor: Actor, from: number, signal: AbortSignal): Visit {
    this.#follow();
    const { node } = actor;
    this.#stage.counts.passed++;
    const session = node.session?.id ?? 0n;
    const isLate = this.#round <= from || this.#cameAt(session) > this.#round;
    const visit = { actor, life: node.life, session, signal, round: this.#round, isLate, wantsOut: false };
    law(!isLate || this.#wasOpenWithOthers(from, session), 'barrier', () => {
      return `${node.name} is let in; nobody has opened the barrier since it came, and nobody else is inside`;
    });
    this.#inside.add(visit);
    this.#stage.world.tell(() => `${node.name} is in, round ${zxidText(visit.round)}`);
    return visit;
  }

  left(visit: Visit): void {
    this.#follow();
    visit.wantsOut = true;
    const { node } = visit.actor;
    this.#stage.world.tell(() => `${node.name} is out of round ${zxidText(visit.round)}`);
    this.#inside.delete(visit);
    for (const other of this.#inside) {
      if (other.round !== visit.round || other.isLate || !this.#isInForce(other)) continue;
      law(other.wantsOut, 'barrier', () => `${node.name} is out while ${other.actor.node.name} has not left`);
    }
  }

  /** Whether the barrier has been closed behind the round of this visit, and the others of that round are gone. */
  isOver(visit: Visit): boolean {
    this.#follow();
    if (this.#round === visit.round && this.#isOpen) return false;
    const { tree } = this.#stage.oracle;
    // One that has died is waited for until its session ends, though an old request may have closed the barrier before.
    return ![...tree.childrenAt(this.#path, visit.round)].some((name) => {
      const member = name === 'ready' ? null : tree.at(`${this.#path}/${name}`, this.#seen);
      return member !== null && member.owner !== visit.session;
    });
  }

  /** Whether there was a moment since at which it was open and somebody else inside. */
  #wasOpenWithOthers(from: number, session: bigint): boolean {
    const { oracle, committedAfter } = this.#stage;
    return [from, ...committedAfter(from)].some((zxid) => {
      return oracle.tree.at(`${this.#path}/ready`, zxid) !== null && this.#sessionsAt(zxid, session) > 0;
    });
  }

  #isInForce({ actor: { node }, life, session, signal }: Visit): boolean {
    return node.isUp && node.life === life && !signal.aborted && this.#stage.oracle.sessions.has(session);
  }

  /** Reads on in the history. */
  #follow(): void {
    const { tree } = this.#stage.oracle;
    for (const zxid of this.#stage.committedAfter(this.#seen)) {
      this.#seen = zxid;
      const round = tree.at(`${this.#path}/ready`, zxid)?.czxid ?? null;
      if (round !== null && round !== this.#round) {
        law(this.#most >= this.#members, 'barrier', () => {
          return `the barrier of ${this.#members} was opened at ${zxidText(round)}; ${this.#most} had come`;
        });
        this.#round = round;
      }
      if (round === null && this.#isOpen) this.#most = 0;
      this.#isOpen = round !== null;
      if (!this.#isOpen) this.#most = Math.max(this.#most, this.#sessionsAt(zxid, null));
    }
  }

  /** The zxid of the session's member that is there now, its latest one; 0: there is none. */
  #cameAt(session: bigint): number {
    const { tree } = this.#stage.oracle;
    let cameAt = 0;
    for (const name of tree.childrenAt(this.#path, this.#seen)) {
      const member = name === 'ready' ? null : tree.at(`${this.#path}/${name}`, this.#seen);
      if (member !== null && member.owner === session) cameAt = Math.max(cameAt, member.czxid);
    }
    return cameAt;
  }

  /** How many sessions, but for this one, have come. */
  #sessionsAt(zxid: number, but: bigint | null): number {
    const { tree } = this.#stage.oracle;
    const names = [...tree.childrenAt(this.#path, zxid)].filter((name) => name !== 'ready');
    const sessions = new Set(names.map((name) => tree.at(`${this.#path}/${name}`, zxid)?.owner ?? 0n));
    if (but !== null) sessions.delete(but);
    return sessions.size;
  }
}
