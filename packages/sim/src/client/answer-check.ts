import {
  ErrorCode,
  type GetChildren2Response,
  type GetChildrenResponse,
  type GetDataResponse,
  type MultiResponse,
  OpCode,
  type Stat,
  type StatResponse,
} from '@headkeeper/protocol';
import { law, zxidText } from '../check/violation.ts';
import { byteText } from '../model/byte-text.ts';
import { type ModelZnode, statOf } from '../model/model-tree.ts';
import type { Oracle } from '../model/oracle.ts';
import type { Answer } from './connection.ts';

export type ReadName = 'getData' | 'exists' | 'getChildren' | 'getChildren2';

/** An answer to a write must be the outcome that the model has for its txn. */
export function checkWriteAnswer(oracle: Oracle, session: bigint, xid: number, op: string, answer: Answer): void {
  const { zxid } = answer;
  const outcome = oracle.outcome(zxid);
  law(outcome !== undefined && outcome.session === session && outcome.xid === xid, 'integrity', () => {
    return `request ${xid} (${op}) of ${session} is answered with ${zxidText(zxid)}, which is no commit of it`;
  });
  law(answer.error === outcome.error, 'read results', () => {
    return `${op} at ${zxidText(zxid)} is answered ${answer.error}, the model says ${outcome.error}`;
  });
  if (answer.error !== ErrorCode.ok) return;
  if (op === 'multi') {
    const { results } = answer.body as MultiResponse;
    const errors = results.map((result) => (result.type === OpCode.error ? result.body.err : 0));
    law(errors.join() === outcome.results.join(), 'multi', () => {
      return `multi at ${zxidText(zxid)} has results ${errors}, the model says ${outcome.results}`;
    });
    return;
  }
  const body = answer.body as { path?: string; stat?: Stat } | null;
  if (body?.path !== undefined) {
    law(body.path === outcome.path, 'read results', () => `${op} made ${body.path}, the model says ${outcome.path}`);
  }
  if (body?.stat !== undefined) sameStat(`${op} ${outcome.path}`, zxid, body.stat, oracle.tree.at(outcome.path, zxid));
}

/** An answer to a read must show the state at exactly the zxid that it carries. */
export function checkReadAnswer(oracle: Oracle, op: ReadName, path: string, answer: Answer): void {
  const { zxid } = answer;
  const znode = oracle.tree.at(path, zxid);
  const expected = znode === null ? ErrorCode.noNode : ErrorCode.ok;
  law(answer.error === expected, 'read results', () => {
    return `${op} ${path} at ${zxidText(zxid)} is answered ${answer.error}, the model says ${expected}`;
  });
  if (znode === null) return;
  const what = `${op} ${path}`;
  if (op === 'getData') {
    const { data, stat } = answer.body as GetDataResponse;
    const text = data === null ? null : byteText(data);
    law(text === znode.data, 'read results', () => `${what} at ${zxidText(zxid)} gives ${text}, not ${znode.data}`);
    sameStat(what, zxid, stat, znode);
  } else if (op === 'exists') sameStat(what, zxid, (answer.body as StatResponse).stat, znode);
  else {
    const { children } = answer.body as GetChildrenResponse;
    const names = [...(children ?? [])].sort().join();
    const wanted = [...oracle.tree.childrenAt(path, zxid)].sort().join();
    law(names === wanted, 'read results', () => `${what} at ${zxidText(zxid)} gives ${names}, not ${wanted}`);
    if (op === 'getChildren2') sameStat(what, zxid, (answer.body as GetChildren2Response).stat, znode);
  }
}

const STAT_FIELDS = [
  'czxid',
  'mzxid',
  'pzxid',
  'ctime',
  'mtime',
  'version',
  'cversion',
  'aversion',
  'ephemeralOwner',
  'dataLength',
  'numChildren',
] as const;

function sameStat(what: string, zxid: number, stat: Stat, znode: ModelZnode | null): void {
  law(znode !== null, 'read results', () => `${what} at ${zxidText(zxid)} has a stat, the model has no znode`);
  const wanted = statOf(znode);
  for (const field of STAT_FIELDS) {
    law(stat[field] === wanted[field], 'read results', () => {
      return `${what} at ${zxidText(zxid)}: ${field} is ${stat[field]}, the model says ${wanted[field]}`;
    });
  }
}
