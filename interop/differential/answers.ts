import { ErrorCode, OpCode } from '@headkeeper/protocol';
import { type DecodedReply, errorName, type Value } from './decode.ts';
import type { Answer } from './difference.ts';
import type { Model } from './model.ts';
import type { Draft } from './requests.ts';

export function repliesOf(answer: Answer): DecodedReply[] {
  return answer.frames.filter(
    (frame) => (frame as { kind?: string } | null)?.kind === 'reply',
  ) as unknown as DecodedReply[];
}

function eventZxid(frame: Value | undefined): Value | null {
  const event = frame as { kind?: string; zxid?: Value } | null;
  return event?.kind === 'event' ? (event.zxid ?? null) : null;
}

/** Whether the server closes the connection after this reply. */
export function endsConnection(op: number, reply: DecodedReply | undefined): boolean {
  if (reply === undefined) return false;
  if (op === OpCode.closeSession) return true;
  if (op === OpCode.auth) return reply.err === ErrorCode.authFailed;
  return reply.err === ErrorCode.unimplemented && reply.zxid === -1;
}

/**
 * Whether one of the requests may have left watches on Apache's server only (`watches-all-or-none`), be the answers the same
 * or not.
 */
export function leavesWatches(drafts: readonly Draft[], replies: readonly DecodedReply[]): boolean {
  return drafts.some(
    (draft, i) =>
      draft.stumbles &&
      (draft.op === OpCode.setWatches || draft.op === OpCode.setWatches2) &&
      replies[i]?.err === ErrorCode.marshallingError,
  );
}

/** Puts the events of one session's end, whose order means nothing, into an order of their own. */
export function ordered(answer: Answer, ends: ReadonlySet<Value>): Answer {
  if (ends.size === 0) return answer;
  const frames = [...answer.frames];
  let from = 0;
  while (from < frames.length) {
    const zxid = eventZxid(frames[from]);
    let to = from + 1;
    if (zxid !== null && ends.has(zxid)) {
      while (to < frames.length && eventZxid(frames[to]) === zxid) to++;
      const run = frames.slice(from, to).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      frames.splice(from, run.length, ...run);
    }
    from = to;
  }
  return { ...answer, frames };
}

/** Brings the generator's picture up to date after a reply on a connection of session `owner`. */
export function learn(model: Model, draft: Draft, reply: DecodedReply | undefined, owner: number): void {
  if (reply === undefined || reply.err !== 0) return;
  if (draft.op === OpCode.closeSession) model.removeOwnedBy(owner);
  const results = draft.isMulti
    ? ((reply.body as { results?: { err: string; result: Value }[] }).results ?? [])
    : [{ err: 'ok', result: reply.body }];
  if (results.some((result) => result.err !== 'ok')) return;
  for (const [i, change] of draft.changes.entries()) {
    const result = (results[i]?.result ?? {}) as { path?: string; stat?: { version: number; aversion: number } };
    if (change.kind === 'create' && typeof result.path === 'string') {
      model.add(result.path, change.ephemeral ? owner : 0, change.open);
    }
    if (change.kind === 'delete') model.remove(change.path);
    if (change.kind === 'setACL') model.restricted.add(change.path);
    if (change.kind !== 'set' && change.kind !== 'setACL') continue;
    const node = model.get(change.path);
    if (node === undefined || result.stat === undefined) continue;
    node.version = result.stat.version;
    node.aversion = result.stat.aversion;
  }
}

/** The error of a reply in words; of a multi, the first error of its parts. */
export function errorOf(reply: DecodedReply | undefined): string {
  if (reply === undefined) return 'no reply';
  const results = (reply.body as { results?: readonly { err: string }[] } | null)?.results;
  return results?.find((result) => result.err !== 'ok')?.err ?? errorName(reply.err);
}
