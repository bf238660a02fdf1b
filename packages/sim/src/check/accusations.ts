/**
 * What a server says of another that has broken the protocol. The simulated network changes no bytes, so between servers that
 * keep the protocol nobody ever has to say it, whatever is cut, delayed or lost. Strangers, who have other addresses than
 * servers, may well deserve it.
 */
const ACCUSATIONS: readonly RegExp[] = [
  / ends: the leader (sent|committed|proposed|says) /,
  / at 10\.0\.0\.\d+:\d+ is dropped: (packet of type|its ACKEPOCH has|it forwarded|the log on the disk has come to an end)/,
  /^10\.0\.0\.\d+:\d+ sent what cannot be read/,
];

/**
 * A leader whose last snapshot before a crash had more than what was durable of its log lacks that in the log. It hears of it
 * when it sends the log to a learner, and sends whole states from then on, until it leads no more.
 */
const SHORT_LOG = / is dropped: the log on the disk has come to an end/;

export class Accusations {
  /** Terms of leaders that have found out. */
  readonly #shortLogs: WeakSet<object> = new WeakSet();

  /** Whether a line of a server's log accuses another server. `role`: that the server has just now, null while it is alone. */
  isOne(text: string, role: object | null): boolean {
    if (SHORT_LOG.test(text) && role !== null && !this.#shortLogs.has(role)) {
      this.#shortLogs.add(role);
      return false;
    }
    return ACCUSATIONS.some((accusation) => accusation.test(text));
  }
}
