import { Violation } from '../check/violation.ts';
import { AnswerJudge } from './answer-judge.ts';
import { assembleHistory } from './assembly.ts';
import { type Finding, Findings } from './finding.ts';
import { isWrite, type Line } from './lines.ts';
import { judgeLocks, judgeSessions } from './object-judge.ts';
import { ClientOrderJudge, judgeConnections, judgeWriteOrder, Shown } from './order-judge.ts';
import { Replay } from './replay.ts';
import { WatchJudge } from './watch-judge.ts';

/** What came out of judging a history. */
export interface Judgement {
  readonly findings: readonly Finding[];
  readonly operations: number;
  readonly events: number;
  readonly txns: number;
}

/**
 * The fast checks of a history (docs/internals/histories.md): near-linear in its length, for they take the order of writes
 * from the zxids that were told and look whether anything contradicts it.
 *
 * @throws HistoryFormatError when the files do not fit together
 */
export function judgeHistory(files: readonly (readonly Line[])[]): Judgement {
  const history = assembleHistory(files);
  const findings = new Findings();
  const { clients, operations, txns } = history;
  const isComplete = txns.length > 0;
  const replay = new Replay(history, findings);
  const answers = new AnswerJudge(replay, findings);
  const shown = new Shown(history);
  judgeWriteOrder(history, shown, findings);
  if (isComplete) {
    for (const operation of operations) {
      if (isWrite(operation.call) || operation.call.do === 'closeSession') answers.write(operation);
    }
  }
  const zxids = txns.map(({ zxid }) => zxid);
  const order = new ClientOrderJudge(shown, isComplete ? answers : null, zxids, replay.ended, findings);
  let events = 0;
  for (const client of clients) {
    order.judge(client);
    judgeSessions(client, isComplete ? replay.ended : null, findings);
    if (isComplete) judgeConnections(client, findings);
    if (isComplete && client.hasWireOrder) {
      new WatchJudge(client.client, replay.tree, replay.changes, findings).judge(client);
    }
    events += client.lines.filter(({ kind }) => kind === 'event').length;
  }
  judgeLocks(history, replay.ended, findings);
  return { findings: findings.list, operations: operations.length, events, txns: txns.length };
}

/** What the judges hold against what the clients of a run saw; null: nothing. */
export function firstFinding(history: readonly Line[]): Violation | null {
  const [finding] = judgeHistory([history]).findings;
  return finding === undefined ? null : new Violation('safety', finding.law, finding.message);
}
