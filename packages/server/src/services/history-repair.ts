/**
 * Puts the history of a server whose disk was found damaged together again, from what is left of it and what the other servers
 * have, while nobody leads; and gives others what is intact here (docs/internals/history-repair.md).
 */
import {
  beginsRepair,
  hasRepairTrailer,
  MOST_RANGES,
  REPAIR_OVERHEAD_BYTES,
  type RepairAnswer,
  type RepairRequest,
  withRepairTrailer,
} from '@headkeeper/protocol';
import { type RepairDraft, RepairFailed, type SnapshotArrival } from '../adapters/disk/repair-draft.ts';
import type { SalvageFolders } from '../adapters/disk/salvage.ts';
import { RepairDonor } from '../adapters/peer/repair-donor.ts';
import { RepairQuestion } from '../adapters/peer/repair-question.ts';
import { adler32 } from '../core/log/checksum.ts';
import { HistoryRepair, type RepairPlan } from '../core/log/history-repair.ts';
import { TXN_HEADER_BYTES, zxidOfBody } from '../core/log/record-codec.ts';
import type { Membership } from '../core/membership/membership.ts';
import { limits } from '../limits.ts';
import type { Clock, QuorumPort, Timers } from '../ports.ts';

const LOOK_MS = 500;
/** A leader who can be had gives everything back: so long one is looked for before, and between two tries. */
const PATIENCE_MS = 2000;
/** A server that says nothing for so long has nothing more to say. */
const SILENCE_MS = 60_000;
const CONNECT = { retryMs: 500, timeoutMs: 2000 } as const;

export interface HistoryRepairOptions {
  readonly sid: number;
  readonly maxRecordBytes: number;
  readonly quorum: QuorumPort;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly defer: (fn: () => void) => void;
  /** Where the intact part of this server's history is. */
  readonly folders: () => SalvageFolders;
  readonly isRebuilding: () => boolean;
  /** Begins to put the history together; null: that is out of the question. */
  readonly begin: () => RepairDraft | null;
  /** The membership in force. */
  readonly membership: () => Membership;
  readonly isLooking: () => boolean;
  /** The history is whole up to this zxid, and durable. */
  readonly repaired: (zxid: number) => void;
  readonly note: (message: string) => void;
  /** As `note`, of what any peer can bring about as often as it likes. */
  readonly noteOfPeer: (message: string) => void;
  readonly warn: (message: string) => void;
}

interface Asked {
  readonly question: RepairQuestion;
  heardMs: number;
  isOpen: boolean;
}

interface Attempt {
  readonly draft: RepairDraft;
  readonly repair: HistoryRepair;
  /** Servers that have been asked for a snapshot. */
  readonly snapshotsOf: Set<number>;
}

export class HistoryRepairKeeper {
  readonly #options: HistoryRepairOptions;
  readonly #donor: RepairDonor;
  /** Who has voted, and whether it understands repair. */
  readonly #heard: Map<number, boolean> = new Map();
  readonly #asked: Map<number, Asked> = new Map();
  #attempt: Attempt | null = null;
  #isPossible: boolean;
  #lookingSinceMs: number | null = null;
  #nextTryMs = 0;
  #lastWords = '';
  #cancel: () => void = () => {};

  constructor(options: HistoryRepairOptions) {
    this.#options = options;
    this.#isPossible = options.isRebuilding();
    const { maxRecordBytes, folders, defer, noteOfPeer: note, quorum } = options;
    const refuses = (sid: number): string | null => this.#refuses(sid);
    this.#donor = new RepairDonor({ links: quorum, folders, maxRecordBytes, refuses, defer, note });
  }

  start(): void {
    if (this.#isPossible) this.#later();
  }

  stop(): void {
    this.#cancel();
    this.#giveUp(null);
    this.#donor.stop();
  }

  // What is said with the votes.

  /** The vote as it is sent to this server. Who has not shown to understand repair is told of it only by one who needs it. */
  vote(to: number, payload: Uint8Array): Uint8Array {
    return this.#isPossible || this.#heard.get(to) === true ? withRepairTrailer(payload) : payload;
  }

  heard(from: number, payload: Uint8Array): void {
    const understands = hasRepairTrailer(payload);
    if (understands || !this.#heard.has(from)) this.#heard.set(from, understands);
  }

  /** Whether any link of the quorum port is one for a repair. */
  get hasLinks(): boolean {
    return this.#asked.size > 0 || this.#donor.isBusy;
  }

  /** The connection for votes broke: what it understands may not have been said yet. Of a stranger nothing is remembered. */
  lost(sid: number): void {
    if (this.#heard.get(sid) === false || !this.#isMember(sid)) this.#heard.delete(sid);
  }

  /** Another membership is in force. */
  membershipChanged(): void {
    for (const sid of this.#heard.keys()) if (!this.#isMember(sid)) this.#heard.delete(sid);
  }

  #isMember(sid: number): boolean {
    return this.#options.membership().members.has(sid);
  }

  // Links of the quorum port; each of these says whether the link is one for a repair.

  opened(link: number): boolean {
    const asked = this.#asked.get(link);
    if (asked === undefined) return false;
    const { request } = asked.question;
    asked.isOpen = true;
    this.#options.quorum.send(link, request, 0, request.length);
    return true;
  }

  /** `isFirst`: of a link that another server has opened. */
  data(link: number, bytes: Uint8Array, isFirst: boolean): boolean {
    if (isFirst && beginsRepair(bytes)) this.#donor.open(link);
    if (this.#donor.owns(link)) {
      this.#donor.data(link, bytes);
      return true;
    }
    const asked = this.#asked.get(link);
    if (asked === undefined) return false;
    asked.heardMs = this.#options.clock.monotonicMs();
    this.#guard(() => asked.question.data(bytes));
    return true;
  }

  drained(link: number): boolean {
    this.#donor.drained(link);
    return this.#donor.owns(link) || this.#asked.has(link);
  }

  closed(link: number): boolean {
    const isDonation = this.#donor.owns(link);
    this.#donor.closed(link);
    const asked = this.#asked.get(link);
    this.#guard(() => asked?.question.end(asked.isOpen ? 'the connection broke' : 'it cannot be reached'));
    return isDonation || asked !== undefined;
  }

  #refuses(sid: number): string | null {
    const { isLooking } = this.#options;
    if (sid === this.#options.sid || !this.#isMember(sid)) return `server ${sid} is none of this ensemble`;
    return isLooking() ? null : 'there is a leader, who gives it everything';
  }

  #later(): void {
    this.#cancel = this.#options.timers.set(LOOK_MS, () => {
      if (!this.#options.isRebuilding()) {
        this.#giveUp(null);
        return;
      }
      this.#guard(() => this.#look());
      if (this.#isPossible) this.#later();
    });
  }

  #look(): void {
    const { clock, isLooking } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!isLooking()) {
      this.#lookingSinceMs = null;
      return;
    }
    this.#lookingSinceMs ??= nowMs;
    for (const { question, heardMs } of [...this.#asked.values()]) {
      if (nowMs - heardMs > SILENCE_MS) question.end('it has stopped to answer');
    }
    if (this.#asked.size > 0 || nowMs < this.#nextTryMs || nowMs - this.#lookingSinceMs < PATIENCE_MS) return;
    this.#nextTryMs = nowMs + PATIENCE_MS;
    const others = [...this.#options.membership().voters].filter((sid) => sid !== this.#options.sid);
    const foreign = others.filter((sid) => this.#heard.get(sid) === false);
    if (foreign.length > 0) {
      this.#say(
        `the history that was set aside is not repaired: server ${foreign.join(', ')} does not know how (Apache ZooKeeper)`,
      );
      return;
    }
    this.#goOn(others.filter((sid) => this.#heard.get(sid) === true));
  }

  /** A disk that fails here ends the repair only: this server holds nothing yet that it would answer for. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      const isOfDisk = typeof (error as { code?: unknown }).code === 'string';
      if (!(error instanceof RepairFailed || isOfDisk)) throw error;
      this.#giveUp(`the history that was set aside cannot be repaired: ${(error as Error).message}`);
    }
  }

  #goOn(others: readonly number[]): void {
    this.#attempt ??= this.#begin();
    if (this.#attempt === null) {
      this.#giveUp(
        'this server waits for a leader: what it had promised is not known, so that its own history does not let it vote',
      );
      return;
    }
    const { repair } = this.#attempt;
    const ranges = repair.wanted();
    const most = ranges.length <= MOST_RANGES ? ranges : [{ from: ranges[0]?.from ?? 0, to: ranges.at(-1)?.to ?? 0 }];
    if (most.length === 0) this.#conclude();
    else for (const sid of others) this.#askRecords(sid, { kind: 'records', sid: this.#options.sid, ranges: most });
  }

  #begin(): Attempt | null {
    const draft = this.#options.begin();
    if (draft === null) return null;
    const repair = new HistoryRepair(draft.files.history, limits.repairBytes);
    const own = draft.ownSnapshot();
    if (own !== null) repair.addSnapshot(own);
    return { draft, repair, snapshotsOf: new Set() };
  }

  #askRecords(sid: number, request: RepairRequest): void {
    const { repair } = this.#attempt as Attempt;
    this.#ask(sid, request, (answer, question) => {
      if (answer.kind !== 'record') return;
      const { zxid, before, beforeLength, beforeAdler, adler, body } = answer;
      const frameBefore = beforeLength > 0 ? { length: beforeLength, adler: beforeAdler } : null;
      const { buffer, byteOffset, length } = body;
      const isSound = length >= TXN_HEADER_BYTES && adler32(body, 0, length) === adler;
      if (!isSound || zxidOfBody(new DataView(buffer, byteOffset, length), 0) !== zxid) {
        question.end(`what it sends as 0x${zxid.toString(16)} is damaged`);
      } else repair.offer({ zxid, before, frameBefore, length, adler }, body);
    });
  }

  #askSnapshot(sid: number, upTo: number): void {
    const { draft, repair } = this.#attempt as Attempt;
    let arrival: SnapshotArrival | null = null;
    let zxid = 0;
    this.#ask(
      sid,
      { kind: 'snapshot', sid: this.#options.sid, upTo },
      (answer, question) => {
        if (answer.kind === 'head' && arrival === null) {
          zxid = Number.parseInt(answer.name.split('.')[1] ?? '', 16);
          arrival = zxid <= upTo ? draft.receive(answer.name) : null;
          if (arrival === null) question.end(`it sends ${JSON.stringify(answer.name.slice(0, 40))}`);
        } else if (answer.kind === 'piece') arrival?.write(answer.bytes);
      },
      (why) => {
        if (arrival === null) return;
        if (why !== null) arrival.abandon();
        else if (arrival.complete()) repair.addSnapshot(zxid);
      },
    );
  }

  #ask(
    sid: number,
    request: RepairRequest,
    answer: (answer: RepairAnswer, question: RepairQuestion) => void,
    over: (why: string | null) => void = () => {},
  ): void {
    const { quorum, clock, membership, note, maxRecordBytes } = this.#options;
    const link = quorum.connect(membership().quorumAddress(sid), CONNECT);
    const mostBytes = Math.max(maxRecordBytes, 1 << 18) + REPAIR_OVERHEAD_BYTES;
    const question: RepairQuestion = new RepairQuestion(request, mostBytes, {
      answer: (said) => answer(said, question),
      over: (why) => {
        if (!this.#asked.delete(link)) return;
        quorum.close(link);
        over(why);
        if (why !== null) note(`server ${sid} gives nothing for the repair: ${why}`);
        if (this.#asked.size === 0) this.#concludeLater();
      },
    });
    this.#asked.set(link, { question, heardMs: clock.monotonicMs(), isOpen: false });
  }

  #concludeLater(): void {
    this.#options.defer(() => {
      if (!this.#isPossible || this.#asked.size > 0 || !this.#options.isRebuilding()) return;
      this.#guard(() => this.#conclude());
    });
  }

  #conclude(): void {
    const { draft, repair, snapshotsOf } = this.#attempt as Attempt;
    if (!this.#options.isLooking()) return;
    if (!draft.isWanted) {
      this.#giveUp(
        'the history that was set aside is not repaired: a leader has begun to give this server another one',
      );
      return;
    }
    const plan: RepairPlan = repair.plan();
    if (plan.kind === 'whole') {
      draft.write(plan.base, plan.zxids, (zxid) => repair.bodyOf(zxid));
      const last = plan.zxids.at(-1) ?? plan.base;
      this.#options.note(
        `the history that was set aside is whole again up to 0x${last.toString(16)}: this server has what it had, and votes`,
      );
      this.#options.repaired(last);
    } else if (plan.kind === 'snapshot') {
      const others = this.#options.membership().voters;
      const next = [...others].find((sid) => this.#heard.get(sid) === true && !snapshotsOf.has(sid));
      if (next !== undefined) {
        snapshotsOf.add(next);
        this.#askSnapshot(next, plan.upTo);
        return;
      }
      snapshotsOf.clear();
      this.#say('the history that was set aside cannot be repaired now: no server that answers has a snapshot for it');
    } else {
      const to = plan.to === null ? 'on' : `to 0x${plan.to.toString(16)}`;
      this.#say(
        `the history that was set aside cannot be repaired now: the txns from 0x${plan.from.toString(16)} ${to} are missing: ${plan.why}`,
      );
    }
  }

  #say(words: string): void {
    if (words !== this.#lastWords) this.#options.warn(words);
    this.#lastWords = words;
  }

  #giveUp(words: string | null): void {
    if (words !== null) this.#say(words);
    this.#attempt?.draft.close();
    this.#attempt = null;
    this.#isPossible = false;
    for (const link of [...this.#asked.keys()]) this.#options.quorum.close(link);
    this.#asked.clear();
  }
}
