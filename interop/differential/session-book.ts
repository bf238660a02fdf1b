import type { Value } from './decode.ts';
import { decodeHandshake } from './decode.ts';
import type { Handshake } from './frames.ts';
import type { Random } from './random.ts';
import type { Side } from './side.ts';

/** One session as both sides know it. Index 0 is the left side. */
export interface Session {
  readonly ordinal: number;
  readonly ids: readonly [bigint, bigint];
  readonly passwords: readonly [string, string];
}

export type HandshakeKind = 'new' | 'reattach' | 'takeover' | 'wrong password' | 'unknown session' | 'future zxid';

const TIMEOUTS: readonly number[] = [100_000_000, 100_000_000, 0, 1, -1, 2147483647, -2147483648, 50_000_000];
const ZEROS = '00'.repeat(16);

/** What both sides are asked in a handshake: alike but for ids, passwords and zxids, which each side has of its own. */
export function handshakePair(
  kind: HandshakeKind,
  session: Session | null,
  sides: readonly Side[],
  random: Random,
): Handshake[] {
  const readOnly = random.pick([false, false, true, null]);
  const protocolVersion = random.chance(90) ? 0 : random.below(1000);
  const timeOut = random.pick(TIMEOUTS);
  const seen = random.below(3);
  const length = random.pick([16, 16, 16, 0, 3, 40]);
  const damage = random.below(4);
  const stranger = random.pick([0x1234n, -1n, 1n, 0x0100000000000001n]);
  return sides.map((side, index) => {
    const own = session === null ? null : Buffer.from(session.passwords[index] as string, 'hex');
    const lastZxidSeen = kind === 'future zxid' ? 1n << 50n : seen === 0 ? 0n : seen === 1 ? -1n : BigInt(side.highest);
    let sessionId = session === null ? 0n : (session.ids[index] as bigint);
    let password: Uint8Array | null = own ?? (length === 3 ? null : new Uint8Array(length));
    if (kind === 'wrong password') password = spoil(own ?? Buffer.alloc(16), damage);
    if (kind === 'unknown session') sessionId = stranger;
    return { protocolVersion, lastZxidSeen, timeOut, sessionId, password, readOnly };
  });
}

function spoil(password: Uint8Array, how: number): Uint8Array | null {
  if (how === 0) return null;
  if (how === 1) return password.slice(0, 15);
  if (how === 2) return Buffer.concat([password, Buffer.alloc(1)]);
  const wrong = password.slice();
  wrong[7] = (wrong[7] as number) ^ 1;
  return wrong;
}

export interface HandshakeAnswer {
  /** For comparison. */
  readonly value: Value;
  /** Set when a session was granted. */
  readonly granted: { readonly id: bigint; readonly password: string } | null;
}

/** Reads the answer to a handshake, with ids and passwords turned into how they relate to the session asked for. */
export function readHandshake(frame: Uint8Array, session: Session | null, index: number): HandshakeAnswer {
  const answer = decodeHandshake(frame);
  if (answer === null)
    return { value: { kind: 'handshake', undecodable: Buffer.from(frame).toString('hex') }, granted: null };
  const asked = session?.ids[index] ?? 0n;
  const id = answer.sessionId === 0n ? 'none' : answer.sessionId === asked ? 'as asked' : 'another';
  let password = `${(answer.password?.length ?? 0) / 2} bytes`;
  if (answer.password === ZEROS) password = 'zeros';
  else if (session !== null && answer.password === session.passwords[index]) password = 'as asked';
  return {
    value: {
      kind: 'handshake',
      protocolVersion: answer.protocolVersion,
      timeOut: answer.timeOut,
      session: id,
      password,
      readOnly: answer.readOnly,
    },
    granted: answer.timeOut > 0 ? { id: answer.sessionId, password: answer.password ?? '' } : null,
  };
}
