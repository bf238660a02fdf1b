import { law, zxidText } from '../../check/violation.ts';
import type { Oracle } from '../../model/oracle.ts';
import { EventKind } from '../../world/event-queue.ts';
import { MS, SECOND, type World } from '../../world/world.ts';
import type { ClientNode } from '../client-node.ts';
import type { Grant } from '../grant.ts';
import type { GrantRecord } from '../grant-record.ts';
import type { RecipeCounts } from '../recipe-counts.ts';
import type { Stage } from '../workload.ts';

export interface LockRules {
  readonly name: string;
  /** The znode whose children stand for those who hold or wait. */
  readonly path: string;
  /** Whether grants of these kinds may be in force together. */
  fits(kinds: readonly string[]): boolean;
  /** Whether tokens grow from one grant of this kind to the next. */
  isOrdered(kind: string): boolean;
  /** Whether the token of a grant of this kind is another's, from which it was made. */
  isInherited(kind: string): boolean;
}

/** How long a server that is cut off may go on before it knows: syncLimit ticks, and its clock's drift. */
const CUT_OFF = 11 * SECOND;
const SLACK = 3 * SECOND;

/**
 * Mutual exclusion. A process holds what it was granted until it gives it up or its signal is aborted. The servers cannot
 * reach into a process that stands still, nor into one whose server is cut off, so:
 *
 * - grants that do not go together are never in force at once while the sessions of both live;
 * - a holder whose session is over is told within the session's timeout and the time that a server needs to know that it is
 *   cut off, for as long as its process runs;
 * - the token is the zxid that created the holder's own znode, and grows from grant to grant, so that whatever takes it can
 *   refuse a holder of the past.
 */
export class LockWatch {
  readonly #rules: LockRules;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #counts: RecipeCounts;
  readonly #record: GrantRecord;
  readonly #grants: Set<Grant> = new Set();
  #lastToken = 0;
  #lastSession = 0n;
  #lastHolder = '';

  constructor(rules: LockRules, { world, oracle, counts, record }: Stage) {
    this.#rules = rules;
    this.#record = record;
    this.#world = world;
    this.#oracle = oracle;
    this.#counts = counts;
  }

  /** A process has been told that it holds. To be called in the turn in which it learns it. */
  granted(node: ClientNode, session: bigint, kind: string, token: number, signal: AbortSignal): Grant {
    const grant: Grant = { node, life: node.life, session, kind, token, signal, isGivenUp: false };
    this.#counts.grants++;
    const holder = `${node.name}/${node.life}`;
    if (holder !== this.#lastHolder) this.#counts.handOvers++;
    this.#lastHolder = holder;
    this.#world.tell(() => `${node.name} is granted ${kind} of ${this.#rules.name}, token ${zxidText(token)}`);
    this.#grants.add(grant);
    this.#writeDown(grant);
    this.#forgetThePast();
    const inForce = [...this.#grants];
    const living = inForce.filter(({ session: id }) => this.#oracle.sessions.has(id));
    const { fits } = this.#rules;
    law(fits(living.map(({ kind: each }) => each)), 'mutual exclusion', () => {
      return `${this.#rules.name} is held by ${living.map(describe).join(' and by ')}`;
    });
    if (!fits(inForce.map(({ kind: each }) => each))) this.#counts.overlaps++;
    if (living.includes(grant)) this.#checkToken(grant);
    return grant;
  }

  givenUp(grant: Grant): void {
    if (grant.isGivenUp) return;
    if (!grant.signal.aborted && this.#rules.isOrdered(grant.kind)) this.#record.givenUp(this.#rules.path, grant);
    grant.isGivenUp = true;
    this.#grants.delete(grant);
    this.#world.tell(() => `${grant.node.name} gives up ${grant.kind} of ${this.#rules.name}`);
  }

  /** Where tokens grow nobody holds what another holds, which histories can tell (docs/internals/histories.md). */
  #writeDown(grant: Grant): void {
    const { path, isOrdered } = this.#rules;
    if (!isOrdered(grant.kind)) return;
    this.#record.granted(path, grant);
    const lost = (): void => {
      if (!grant.isGivenUp && grant.node.life === grant.life) this.#record.givenUp(path, grant);
    };
    grant.signal.addEventListener('abort', lost, { once: true });
  }

  /** Whether a grant is in force and stands in the history: whoever asks with its token has to be served. */
  isSound(grant: Grant): boolean {
    return isInForce(grant) && this.#oracle.sessions.has(grant.session);
  }

  /** The servers have ended a session. */
  expired(session: bigint): void {
    const since = this.#world.now;
    for (const grant of this.#grants) if (grant.session === session) this.#expectNotice(grant, since);
  }

  /** Nobody holds or waits: nothing may stand there. Null: nothing does. */
  get leftOver(): string | null {
    const { path } = this.#rules;
    const { tree, sessions } = this.#oracle;
    const names = [...tree.childrenAt(path, Number.MAX_SAFE_INTEGER)];
    if (names.length === 0) return null;
    const living = names.filter((name) => sessions.has(tree.latest(`${path}/${name}`)?.owner ?? 0n));
    return `${path} has ${names.join(', ')}; the sessions of ${living.length} of them live`;
  }

  #expectNotice(grant: Grant, since: number): void {
    const { node } = grant;
    const timeout = (node.session?.timeoutMs ?? 30_000) * MS;
    const bound = timeout + Math.ceil(timeout / 30) + CUT_OFF + SLACK;
    this.#world.after(bound, EventKind.check, node.host.index, () => {
      if (!isInForce(grant)) return;
      if (node.isPaused || node.runsSince > since) {
        this.#expectNotice(grant, Math.max(since, node.runsSince));
        return;
      }
      law(false, 'notice', () => `${describe(grant)} of ${this.#rules.name} is over, and nobody told it`);
    });
  }

  #checkToken(grant: Grant): void {
    const { path, name, isOrdered, isInherited } = this.#rules;
    const { tree } = this.#oracle;
    const names = tree.childrenAt(path, Number.MAX_SAFE_INTEGER);
    const isOwn = [...names].some((child) => {
      const znode = tree.latest(`${path}/${child}`);
      return znode?.czxid === grant.token && znode.owner === grant.session;
    });
    law(
      isOwn || isInherited(grant.kind),
      'fencing',
      () => `the token of ${describe(grant)} of ${name} is not that of a znode of its session`,
    );
    if (!isOrdered(grant.kind)) return;
    // A leader that was uncertain of its session for a while leads again with the znode that it had.
    const isSame = grant.token === this.#lastToken && grant.session === this.#lastSession;
    law(grant.token > this.#lastToken || isSame, 'fencing', () => {
      return `the token of ${describe(grant)} of ${name} is not greater than ${zxidText(this.#lastToken)}, given before`;
    });
    this.#lastToken = grant.token;
    this.#lastSession = grant.session;
  }

  #forgetThePast(): void {
    for (const grant of this.#grants) if (!isInForce(grant)) this.#grants.delete(grant);
  }
}

function isInForce({ node, life, signal, isGivenUp }: Grant): boolean {
  return node.isUp && node.life === life && !signal.aborted && !isGivenUp;
}

function describe({ node, life, session, kind, token }: Grant): string {
  return `${node.name} in life ${life} (${kind}, session ${session.toString(16)}, token ${zxidText(token)})`;
}
