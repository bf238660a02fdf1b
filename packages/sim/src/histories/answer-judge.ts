import { ErrorCode } from '@headkeeper/protocol';
import { zxidText } from '../check/violation.ts';
import { type ModelZnode, statOf } from '../model/model-tree.ts';
import type { Operation } from './assembly.ts';
import type { Findings } from './finding.ts';
import { isWrite, type RequestCall, type Result, sessionText, type ToldStat } from './lines.ts';
import type { Replay } from './replay.ts';

/** Holds the answers against the model at the zxid that each was told. */
export class AnswerJudge {
  readonly #replay: Replay;
  readonly #findings: Findings;

  constructor(replay: Replay, findings: Findings) {
    this.#replay = replay;
    this.#findings = findings;
  }

  /** An answered write must be the txn that it became, at its zxid, with its outcome. */
  write(operation: Operation): void {
    const { call, answer, txn, outcome } = operation;
    if (answer === null || (outcome !== 'ok' && outcome !== 'refused')) return;
    const findings = this.#findings;
    const who = nameOf(operation);
    if (!findings.expect(txn !== null, 'integrity', () => `${who} was answered and never committed`)) return;
    const { zxid } = txn as NonNullable<typeof txn>;
    findings.expect(answer.zxid === undefined || answer.zxid === zxid, 'integrity', () => {
      return `${who} was told ${zxidText(answer.zxid ?? 0)} and became ${zxidText(zxid)}`;
    });
    const verdict = this.#replay.verdicts.get(zxid);
    if (!isWrite(call) || verdict === undefined) return;
    const error = answer.error ?? 0;
    const failure = verdict.results.find((each) => each !== 0) ?? 0;
    const isSame = error === verdict.error || (call.do === 'multi' && error === failure);
    findings.expect(isSame, 'results', () => `${who} was answered ${error}, the model says ${verdict.error}`);
    const { path, stat, results } = answer.out ?? {};
    findings.expect(results === undefined || results.join() === verdict.results.join(), 'results', () => {
      return `${who} has results ${results}, the model says ${verdict.results}`;
    });
    if (outcome !== 'ok') return;
    findings.expect(path === undefined || path === verdict.path, 'results', () => {
      return `${who} made ${path}, the model says ${verdict.path}`;
    });
    if (stat !== undefined) this.#sameStat(who, stat, this.#replay.tree.at(verdict.path, zxid));
  }

  /** A read must show the state at exactly `zxid`. */
  read(operation: Operation, zxid: number): void {
    const wrong = this.whatIsWrong(operation, zxid);
    this.#findings.expect(wrong === null, 'results', () => `${nameOf(operation)} at ${zxidText(zxid)}: ${wrong}`);
  }

  /** What a read shows that is not the state at a zxid; null: it is. */
  whatIsWrong({ call, answer }: Operation, zxid: number): string | null {
    const { path } = (call as RequestCall & { in: { path: string } }).in;
    const znode = this.#replay.tree.at(path, zxid);
    const error = answer?.error ?? 0;
    const expected = znode === null ? ErrorCode.noNode : ErrorCode.ok;
    if (error !== expected) return `answered ${error}, the model says ${expected}`;
    const out: Result = answer?.out ?? {};
    if (znode === null) return null;
    if (out.data !== undefined && out.data !== znode.data) return `data ${out.data}, the model says ${znode.data}`;
    if (out.children !== undefined) {
      const told = [...out.children].sort().join();
      const wanted = [...this.#replay.tree.childrenAt(path, zxid)].sort().join();
      if (told !== wanted) return `children ${told}, the model says ${wanted}`;
    }
    return out.stat === undefined ? null : statDifference(out.stat, znode);
  }

  #sameStat(who: string, stat: ToldStat, znode: ModelZnode | null): void {
    const difference = znode === null ? 'a stat of a znode that is not there' : statDifference(stat, znode);
    this.#findings.expect(difference === null, 'results', () => `${who}: ${difference}`);
  }
}

/** The first field told that is not as the model has it. */
function statDifference(stat: ToldStat, znode: ModelZnode): string | null {
  const { ephemeralOwner, ...rest } = statOf(znode);
  const wanted: Readonly<Record<string, unknown>> = { ...rest, ephemeralOwner: sessionText(ephemeralOwner) };
  for (const [field, told] of Object.entries(stat)) {
    if (field in wanted && field !== 'ctime' && field !== 'mtime' && told !== wanted[field]) {
      return `${field} ${told}, the model says ${wanted[field]}`;
    }
  }
  return null;
}

export function nameOf({ call }: Operation): string {
  const path = 'path' in call.in ? ` ${call.in.path}` : '';
  return `${call.client}, call ${call.id} (${call.do}${path})`;
}
