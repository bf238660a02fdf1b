/** Why something that was held may be somebody else's now. */
export type LossReason =
  /** For longer than the session timeout no server has answered: it may have ended the session. */
  | 'sessionUncertain'
  /** The servers have ended the session. */
  | 'sessionExpired'
  /** The client was closed, or a server refused its identity. */
  | 'clientClosed'
  /** Its own side has given it up: the latch was closed. */
  | 'givenUp';

/** What the signal of a lock, lease or leadership is aborted with. */
export class HoldLostError extends Error {
  readonly reason: LossReason;
  /** The znode that stood for it. */
  readonly path: string;

  constructor(reason: LossReason, path: string) {
    super(`${path}: no longer surely held (${reason})`);
    this.name = 'HoldLostError';
    this.reason = reason;
    this.path = path;
  }
}
