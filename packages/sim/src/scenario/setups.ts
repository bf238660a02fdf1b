import type { Ensemble } from './ensemble.ts';
import { Packet, type Seen } from './packet-gate.ts';

const TWO_32 = 4294967296;

export const isEpochAck = ({ zxid }: Seen): boolean => zxid % TWO_32 === 0;
export const isTxnAck = ({ zxid }: Seen): boolean => zxid % TWO_32 !== 0;

/** Server 3 leads, all have the same history. */
export function led(e: Ensemble): void {
  e.start(1, 3);
  e.until('server 3 leads', () => e.leader === 3);
  e.start(...e.sids.filter((sid) => sid !== 1 && sid !== 3));
  e.until('all serve', () => e.sids.every((sid) => e.serves(sid)));
}

/** Servers 3 and 2 have committed `count` txns while server 1 was down. Its window is not left. */
export function leaveBehind(e: Ensemble, count: number): void {
  led(e);
  const client = e.attached(3);
  e.write(client, 2);
  e.crash(1);
  e.write(client, count);
}

/**
 * An epoch in which server 1 is brought to the history of server 3, while server 2, which has that history too, is down and
 * stays in the epoch before: a follower that enters the new epoch without the history would win against it.
 */
export function leaveBehindInNewEpoch(e: Ensemble, count: number): void {
  leaveBehind(e, count);
  e.run(50);
  e.crash(2);
  e.crash(3);
  e.start(3);
}

/** Server 3 has logged `count` txns that nobody else has; servers 1 and 2 are down. */
export function loneTail(e: Ensemble, count: number, isLed = false): void {
  if (!isLed) led(e);
  const client = e.attached(3);
  e.write(client);
  e.run(5);
  const holds = [1, 2].map((to) => e.hold({ from: 3, to, type: Packet.proposal }));
  const base = e.applied(3);
  for (let i = 0; i < count; i++) client.put();
  e.until('the tail is on the disk of server 3', () => e.watched(3).durable.last === base + count);
  e.reached(
    'the proposals are held',
    holds.every((hold) => hold.isReached),
  );
  e.expect('the tail is not committed', e.committed === base);
  e.crash(1);
  e.crash(2);
  for (const hold of holds) hold.release();
}
