import { zxidText } from '../check/violation.ts';
import { type AnswerJudge, nameOf } from './answer-judge.ts';
import type { AssembledHistory, ClientHistory, Operation } from './assembly.ts';
import type { Findings } from './finding.ts';
import { isRequest, isWrite } from './lines.ts';
import { OF_THE_SESSION } from './replay.ts';

const READS: ReadonlySet<string> = new Set(['getData', 'exists', 'getChildren']);

/** What had been shown to anybody by some moment. */
export class Shown {
  readonly #times: number[] = [];
  readonly #zxids: number[] = [];

  constructor(history: AssembledHistory) {
    const told = history.operations.filter(({ answer }) => answer?.zxid !== undefined);
    told.sort((a, b) => a.returnedAt - b.returnedAt);
    let largest = 0;
    for (const { answer, returnedAt } of told) {
      largest = Math.max(largest, answer?.zxid ?? 0);
      this.#times.push(returnedAt);
      this.#zxids.push(largest);
    }
  }

  /** The largest zxid of an answer that came before this time. */
  before(time: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : (this.#zxids[low - 1] as number);
  }
}

/** Writes in real time: each takes effect behind everything that had been shown to anybody when it was asked for. */
export function judgeWriteOrder(history: AssembledHistory, shown: Shown, findings: Findings): void {
  for (const operation of history.operations) {
    const { call, txn, answer, outcome } = operation;
    if (!isWrite(call)) continue;
    findings.expect(txn === null || outcome !== 'never', 'integrity', () => `${nameOf(operation)} was never sent`);
    const zxid = txn?.zxid ?? answer?.zxid;
    if (zxid === undefined) continue;
    const floor = shown.before(call.at);
    findings.expect(zxid > floor, 'linearisable writes', () => {
      return `${nameOf(operation)} took effect at ${zxidText(zxid)}; it was asked for when ${zxidText(floor)} had been shown`;
    });
  }
}

/** Of the writes that a client sent on one connection those that took effect are the first ones, in their order. */
export function judgeConnections(client: ClientHistory, findings: Findings): void {
  let connection = -1;
  let missing: Operation | null = null;
  let last = 0;
  for (const operation of client.operations.values()) {
    const { call, txn, outcome } = operation;
    if (!isRequest(call) || !(isWrite(call) || call.do === 'closeSession') || outcome === 'never') continue;
    if (operation.connection !== connection) missing = null;
    connection = operation.connection;
    // A request that comes late, when its session is elsewhere or over, is refused as such.
    if (txn === null || (txn.do === 'error' && OF_THE_SESSION.has(txn.error ?? 0))) {
      missing ??= operation;
      continue;
    }
    const { zxid } = txn;
    findings.expect(missing === null, 'client order', () => {
      return `${nameOf(operation)} took effect, ${nameOf(missing as Operation)} before it on the same connection did not`;
    });
    findings.expect(zxid > last, 'client order', () => {
      return `${nameOf(operation)} took effect at ${zxidText(zxid)}, behind it in its session something at ${zxidText(last)}`;
    });
    last = zxid;
  }
}

/**
 * One client's answers in the order in which they came: zxids never go back within a session; a read shows the state at the
 * zxid that it was told, or where none was told the state at some zxid that does not go back; behind a sync it shows all
 * that had been shown to anybody when the sync was asked for.
 */
export class ClientOrderJudge {
  readonly #shown: Shown;
  readonly #answers: AnswerJudge | null;
  readonly #zxids: readonly number[];
  readonly #ended: ReadonlyMap<string, number>;
  readonly #findings: Findings;

  /** `answers`: null where the model is not known. `zxids`: of all txns, growing. `ended`: sessions. */
  constructor(
    shown: Shown,
    answers: AnswerJudge | null,
    zxids: readonly number[],
    ended: ReadonlyMap<string, number>,
    findings: Findings,
  ) {
    this.#shown = shown;
    this.#answers = answers;
    this.#zxids = zxids;
    this.#ended = ended;
    this.#findings = findings;
  }

  judge({ lines, operations }: ClientHistory): void {
    let session = '';
    let seen = 0;
    let floor = 0;
    let floorSince = 0;
    let order = 0;
    for (const line of lines) {
      if (line.session !== session) {
        session = line.session;
        seen = 0;
        floor = 0;
      }
      if (line.kind !== 'return') continue;
      const operation = operations.get(line.id) as Operation;
      const { call, outcome } = operation;
      if (!isRequest(call) || (outcome !== 'ok' && outcome !== 'refused')) continue;
      const isRead = READS.has(call.do);
      const least = isRead && call.id > floorSince ? Math.max(seen, floor) : seen;
      const zxid = line.zxid ?? (isRead ? this.#guess(operation, least) : undefined);
      if (zxid === undefined) continue;
      this.#sees(operation, zxid, seen);
      if (isRead) this.#reads(operation, zxid, call.id > floorSince ? floor : 0);
      seen = Math.max(seen, zxid);
      order = Math.max(order, call.id);
      if (call.do === 'sync' && outcome === 'ok') {
        floor = Math.max(floor, this.#shown.before(call.at));
        floorSince = call.id;
      }
    }
  }

  #sees(operation: Operation, zxid: number, seen: number): void {
    const { call } = operation;
    this.#findings.expect(zxid >= seen, 'client order', () => {
      return `${nameOf(operation)} shows ${zxidText(zxid)} behind ${zxidText(seen)} in the same session`;
    });
    const end = this.#ended.get(call.session) ?? Number.POSITIVE_INFINITY;
    this.#findings.expect(zxid < end || call.do === 'closeSession' || isWrite(call), 'sessions', () => {
      return `${nameOf(operation)} is answered at ${zxidText(zxid)}; its session ended at ${zxidText(end)}`;
    });
  }

  #reads(operation: Operation, zxid: number, floor: number): void {
    if (operation.answer?.zxid !== undefined) this.#answers?.read(operation, zxid);
    this.#findings.expect(zxid >= floor, 'sync', () => {
      return `${nameOf(operation)} shows ${zxidText(zxid)} behind a sync that was asked for when ${zxidText(floor)} had been shown`;
    });
  }

  /** The first state from `least` on that a read may have shown which was not told its zxid. */
  #guess(operation: Operation, least: number): number | undefined {
    const answers = this.#answers;
    if (answers === null) return undefined;
    const first = answers.whatIsWrong(operation, least);
    if (first === null) return least;
    const zxid = this.#zxids.find((each) => each > least && answers.whatIsWrong(operation, each) === null);
    this.#findings.expect(zxid !== undefined, 'results', () => {
      return `${nameOf(operation)} shows no state from ${zxidText(least)} on; there: ${first}`;
    });
    return zxid;
  }
}
