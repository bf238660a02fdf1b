import { ErrorCode } from '@headkeeper/protocol';
import type { AssembledHistory, Operation } from './assembly.ts';
import { assembleHistory } from './assembly.ts';
import type { Line, Result, ReturnLine } from './lines.ts';

export const SPOILINGS = [
  'stale-read',
  'lost-update',
  'duplicated-create',
  'reordered-reply',
  'second-holder',
] as const;
/** What can be made wrong in a history. */
export type Spoiling = (typeof SPOILINGS)[number];

/**
 * A copy of a history with one answer (or two) as a faulty server would have given it, so that no order of the operations
 * explains it any more; null: this history has no place for that.
 */
export function spoil(lines: readonly Line[], spoiling: Spoiling): Line[] | null {
  const history = assembleHistory([lines]);
  const changed = (() => {
    switch (spoiling) {
      case 'stale-read':
        return first(history, 'register:', staleRead);
      case 'lost-update':
        return first(history, 'register:', lostUpdate);
      case 'duplicated-create':
        return first(history, 'register:', duplicatedCreate);
      case 'reordered-reply':
        return first(history, 'register:', reorderedReply);
      default:
        return first(history, 'lock:', (operations) => secondHolder(operations, history.operations));
    }
  })();
  return changed === null ? null : lines.map((line) => changed.get(line as ReturnLine) ?? line);
}

/** Answers that take the place of others. */
type Changes = ReadonlyMap<ReturnLine, ReturnLine>;

function first(
  history: AssembledHistory,
  kind: string,
  spoilOne: (operations: readonly Operation[]) => Changes | null,
): Changes | null {
  const objects = new Set(history.operations.map(({ call }) => call.on ?? ''));
  for (const name of objects) {
    if (!name.startsWith(kind)) continue;
    const changes = spoilOne(history.operations.filter(({ call }) => call.on === name));
    if (changes !== null) return changes;
  }
  return null;
}

/** A read behind its sync is told what was overwritten before the sync began. */
function staleRead(operations: readonly Operation[]): Changes | null {
  const sets = operations.filter(({ call, outcome }) => call.do === 'setData' && outcome === 'ok');
  for (const read of operations) {
    if (read.call.do !== 'getData' || read.outcome !== 'ok') continue;
    const began = read.call.since ?? read.call.at;
    const current = sets.find((set) => dataOf(set) === read.answer?.out?.data && set.returnedAt < began);
    const old = current === undefined ? undefined : sets.find((set) => set.returnedAt < current.call.at);
    if (old === undefined) continue;
    const { out, zxid } = old.answer as ReturnLine;
    return new Map([changed(read, { zxid: zxid as number, out: { ...out, data: dataOf(old) } })]);
  }
  return null;
}

/** A conditional write that was refused, for another was done on that version, is answered as if it were done. */
function lostUpdate(operations: readonly Operation[]): Changes | null {
  for (const refused of operations) {
    const { call, outcome, answer } = refused;
    if (call.do !== 'setData' || outcome !== 'refused' || answer?.error !== ErrorCode.badVersion) continue;
    const version = call.in.version + 1;
    const winner = operations.find(
      (each) => each.call.do === 'setData' && each.answer?.out?.stat?.version === version && each.returnedAt < call.at,
    );
    if (winner === undefined || isDeletedAfter(operations, winner, refused)) continue;
    return new Map([changed(refused, { outcome: 'ok', error: undefined, out: { stat: { version } } })]);
  }
  return null;
}

function duplicatedCreate(operations: readonly Operation[]): Changes | null {
  for (const refused of operations) {
    const { call, answer } = refused;
    if (call.do !== 'create' || answer?.error !== ErrorCode.nodeExists) continue;
    const maker = operations.find(
      (each) => each.call.do === 'create' && each.outcome === 'ok' && each.returnedAt < call.at,
    );
    if (maker === undefined || isDeletedAfter(operations, maker, refused)) continue;
    return new Map([changed(refused, { outcome: 'ok', error: undefined, out: { path: call.in.path } })]);
  }
  return null;
}

/** The answers to two reads of one client come the wrong way round; what the second saw was not written before the first's. */
function reorderedReply(operations: readonly Operation[]): Changes | null {
  const reads = operations.filter(({ call, outcome }) => call.do === 'getData' && outcome === 'ok');
  for (const early of reads) {
    for (const late of reads) {
      const isPair = early.call.client === late.call.client && early.call.session === late.call.session;
      if (!isPair || early.returnedAt >= late.call.at) continue;
      const data = late.answer?.out?.data;
      const writer = operations.find(({ call }) => call.do !== 'getData' && 'data' in call.in && call.in.data === data);
      if (writer === undefined || writer.call.at <= early.returnedAt) continue;
      const [one, other] = [early.answer as ReturnLine, late.answer as ReturnLine];
      const answerOf = ({ zxid, out }: ReturnLine): Partial<ReturnLine> => ({
        zxid: zxid as number,
        out: out as Result,
      });
      return new Map([changed(early, answerOf(other)), changed(late, answerOf(one))]);
    }
  }
  return null;
}

/** Somebody is told that he has a lock which another has, who goes on using his session and gives it back only later. */
function secondHolder(operations: readonly Operation[], all: readonly Operation[]): Changes | null {
  for (const refused of operations) {
    const { call, outcome, returnedAt } = refused;
    if (call.do !== 'acquire' || outcome !== 'refused') continue;
    const holder = operations.find((each) => {
      if (each.call.do !== 'acquire' || each.outcome !== 'ok' || each.returnedAt >= call.at) return false;
      const mine = all.filter((other) => other.call.session === each.call.session && other.outcome === 'ok');
      const isAlive = mine.some((other) => other.call.at > returnedAt && other.call.do !== 'closeSession');
      const release = operations.find(
        (other) =>
          other.call.do === 'release' && other.call.client === each.call.client && other.call.id > each.call.id,
      );
      return isAlive && (release === undefined || release.call.at > returnedAt);
    });
    if (holder === undefined) continue;
    const token = (holder.answer?.out?.token ?? 0) + 1;
    return new Map([changed(refused, { outcome: 'ok', out: { token } })]);
  }
  return null;
}

function isDeletedAfter(operations: readonly Operation[], maker: Operation, before: Operation): boolean {
  return operations.some(
    ({ call, returnedAt }) => call.do === 'delete' && returnedAt > maker.call.at && call.at < before.returnedAt,
  );
}

function dataOf({ call }: Operation): string | null {
  return 'data' in call.in ? (call.in.data as string | null) : null;
}

function changed({ answer }: Operation, change: object): [ReturnLine, ReturnLine] {
  const before = answer as ReturnLine;
  // An undefined error is left out when it is written.
  return [before, { ...before, ...change } as ReturnLine];
}
