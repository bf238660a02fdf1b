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

/** Whether a line of a server's log accuses another server. */
export function accuses(text: string): boolean {
  return ACCUSATIONS.some((accusation) => accusation.test(text));
}
