import { nameOf } from './answer-judge.ts';
import type { AssembledHistory, ClientHistory, Operation } from './assembly.ts';
import type { Findings } from './finding.ts';
import { isRequest } from './lines.ts';

/** Somebody had a lock, at least from when it was told so until it began to give it back, or its session ended. */
interface Holding {
  readonly operation: Operation;
  readonly token: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Locks: tokens grow from holder to holder, nobody holds what another holds whose session lives, and a store that checks
 * tokens lets none pass behind a greater one. Ends of sessions are known by zxid, so a holder whose session has ended is
 * judged by its token alone.
 */
export function judgeLocks(history: AssembledHistory, ended: ReadonlyMap<string, number>, findings: Findings): void {
  for (const [name, operations] of byObject(history)) {
    if (name.startsWith('lock:')) judgeLock(name, operations, ended, findings);
    else if (name.startsWith('fenced:')) judgeStore(name, operations, findings);
  }
}

function judgeLock(
  name: string,
  operations: readonly Operation[],
  ended: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  const holdings: Holding[] = [];
  for (const operation of operations) {
    const token = operation.answer?.out?.token;
    if (operation.call.do !== 'acquire' || operation.outcome !== 'ok' || token === undefined) continue;
    holdings.push({ operation, token, from: operation.returnedAt, to: releaseOf(operation, operations) });
  }
  holdings.sort((a, b) => a.token - b.token || a.from - b.from);
  for (const [i, holding] of holdings.entries()) {
    for (const before of holdings.slice(0, i)) judgePair(name, before, holding, ended, findings);
  }
}

/** Two holders of one lock; `before` has the older token, or they have the same. */
function judgePair(
  name: string,
  before: Holding,
  holding: Holding,
  ended: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  const who = `${nameOf(holding.operation)} on ${name}`;
  const other = nameOf(before.operation);
  const { session } = before.operation.call;
  // A leader that gave up, or was uncertain of its session for a while, leads again with the znode that it had.
  if (holding.token === before.token && holding.operation.call.session === session) return;
  findings.expect(holding.token > before.token, 'fencing', () => {
    return `${who} has token ${holding.token}, ${other} has it, too`;
  });
  // Who waits has had its token for long when the session of the one before it ends.
  const shown = Math.max(holding.token, holding.operation.answer?.zxid ?? 0);
  const isPast = (ended.get(session) ?? Number.POSITIVE_INFINITY) <= shown;
  findings.expect(isPast || before.operation.call.at < holding.from, 'fencing', () => {
    return `${who} has token ${holding.token}, more than ${before.token} of ${other}, who came later`;
  });
  findings.expect(isPast || before.to < holding.from, 'mutual exclusion', () => {
    return `${who} was granted while ${other} had it, whose session lived`;
  });
}

/** When a holder began to give the lock back; infinite: never. */
function releaseOf(grant: Operation, operations: readonly Operation[]): number {
  const release = operations.find(
    ({ call }) => call.do === 'release' && call.client === grant.call.client && call.id > grant.call.id,
  );
  return release?.call.at ?? Number.POSITIVE_INFINITY;
}

function judgeStore(name: string, operations: readonly Operation[], findings: Findings): void {
  const taken = operations.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.returnedAt - b.returnedAt);
  const byCall = [...taken].sort((a, b) => a.call.at - b.call.at);
  let greatest = 0;
  let at = 0;
  for (const operation of byCall) {
    for (; at < taken.length && (taken[at] as Operation).returnedAt < operation.call.at; at++) {
      greatest = Math.max(greatest, tokenOf(taken[at] as Operation));
    }
    findings.expect(tokenOf(operation) >= greatest, 'fencing', () => {
      return `${nameOf(operation)} on ${name} passed with token ${tokenOf(operation)} behind ${greatest}`;
    });
  }
  judgeRefusals(name, operations, findings);
}

/** A store refuses a token for the sake of a greater one, which somebody must have sent before the refusal came. */
function judgeRefusals(name: string, operations: readonly Operation[], findings: Findings): void {
  for (const refused of operations) {
    if (refused.outcome !== 'refused') continue;
    const hasReason = operations.some((other) => {
      return tokenOf(other) > tokenOf(refused) && other.call.at < refused.returnedAt;
    });
    findings.expect(hasReason, 'fencing', () => {
      return `${nameOf(refused)} on ${name} was refused with token ${tokenOf(refused)}, and nobody had sent a greater one`;
    });
  }
}

function tokenOf({ call }: Operation): number {
  return !isRequest(call) ? (call.in.token ?? 0) : 0;
}

function byObject(history: AssembledHistory): Map<string, Operation[]> {
  const objects = new Map<string, Operation[]>();
  for (const operation of history.operations) {
    const { on } = operation.call;
    if (on === undefined) continue;
    const known = objects.get(on);
    if (known === undefined) objects.set(on, [operation]);
    else known.push(operation);
  }
  return objects;
}

/** What clients were told of their sessions: over is over, and what is said to be over has ended. */
export function judgeSessions(
  client: ClientHistory,
  ended: ReadonlyMap<string, number> | null,
  findings: Findings,
): void {
  const over = new Set<string>();
  for (const line of client.lines) {
    if (line.kind !== 'session') continue;
    const { session, state } = line;
    if (state === 'connected') {
      findings.expect(!over.has(session), 'sessions', () => `${client.client} has ${session} again, which was over`);
    } else if (state === 'expired' || state === 'closed') {
      over.add(session);
      const hasEnded = ended === null || ended.has(session);
      findings.expect(hasEnded, 'sessions', () => `${client.client} is told that ${session} is over, and it lives on`);
    }
  }
}
