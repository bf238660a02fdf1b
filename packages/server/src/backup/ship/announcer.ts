import type { BackupStatus } from '../status.ts';

/** The least that it needs of a logger. */
export interface BackupLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** The first reminder comes after this, each next one after twice the time. */
const FIRST_REMINDER_MS = 60_000;
const LONGEST_REMINDER_MS = 3_600_000;
/** A lag of so many exposures is said although nothing fails. */
const LATE_EXPOSURES = 10;
const LEAST_LATE_MS = 10_000;

type Trouble = 'blocked' | 'failing' | 'late';

/**
 * Says in the server's log what an operator has to know of the backups: each trouble when it begins, again with longer and
 * longer pauses while it lasts, and once when it is over.
 */
export class BackupAnnouncer {
  readonly #log: BackupLog;
  readonly #lateMs: number;
  #trouble: Trouble | null = null;
  #sinceMs = 0;
  #remindMs = 0;
  #pauseMs = 0;
  #saidOfBlock: string | null = null;

  constructor(log: BackupLog, exposureMs: number) {
    this.#log = log;
    this.#lateMs = Math.max(LATE_EXPOSURES * exposureMs, LEAST_LATE_MS);
  }

  /** To be called often; `nowMs` only ascends. */
  look(status: BackupStatus, nowMs: number): void {
    const trouble = this.#troubleOf(status);
    if (trouble === null) {
      if (this.#trouble !== null) this.#over(status, nowMs);
      return;
    }
    const isNew = trouble !== this.#trouble || (trouble === 'blocked' && status.blocked !== this.#saidOfBlock);
    if (this.#trouble === null) this.#sinceMs = nowMs;
    if (isNew) this.#pauseMs = FIRST_REMINDER_MS;
    else if (nowMs < this.#remindMs) return;
    else this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_REMINDER_MS);
    this.#trouble = trouble;
    this.#remindMs = nowMs + this.#pauseMs;
    this.#saidOfBlock = status.blocked;
    this.#say(trouble, status, Math.round((nowMs - this.#sinceMs) / 1000));
  }

  #troubleOf(status: BackupStatus): Trouble | null {
    if (status.blocked !== null) return 'blocked';
    if (status.failuresInARow > 0) return 'failing';
    return status.duty === 'shipping' && status.lagMs > this.#lateMs ? 'late' : null;
  }

  #say(trouble: Trouble, status: BackupStatus, forSeconds: number): void {
    const facts = { lagMs: status.lagMs, lagTxns: status.lagTxns, failures: status.failures, forSeconds };
    const why = status.lastFailure?.message ?? 'no reason is known';
    if (trouble === 'blocked') {
      this.#log.error(facts, `nothing is backed up until somebody acts: ${status.blocked}`);
    } else if (trouble === 'failing') {
      this.#log.warn(facts, `backups fail and are tried again without end; clients are served as ever: ${why}`);
    } else {
      this.#log.warn(
        facts,
        'backups are behind although nothing fails: the target is too slow for the writes, or backup.bandwidth too small',
      );
    }
  }

  #over(status: BackupStatus, nowMs: number): void {
    const forSeconds = Math.round((nowMs - this.#sinceMs) / 1000);
    this.#trouble = null;
    this.#saidOfBlock = null;
    this.#log.info({ forSeconds, lagMs: status.lagMs, failures: status.failures }, 'backups work again');
  }
}
