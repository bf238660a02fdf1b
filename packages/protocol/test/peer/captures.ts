import { fromHex, readVectorJson } from '../vectors.ts';

/** A message of a captured connection between servers. */
export interface CapturedMessage {
  readonly dir: '>' | '<';
  readonly kind: string;
  readonly hex: string;
  readonly decoded: Readonly<Record<string, unknown>>;
}

export interface CapturedConnection {
  readonly kind: 'election' | 'quorum' | 'observer-master';
  readonly omitted?: unknown;
  readonly messages: readonly CapturedMessage[];
}

const FILES = {
  election: ['fresh-three-servers', 'late-joiner-small-sid', 'leader-killed', 'observer', 'old-leader-rejoins'],
  sync: [
    '3.9.5-follower-under-load',
    'diff-empty-fresh-leader',
    'diff-one-txn-ack-order',
    'diff-under-load',
    'diff-under-load-3.8.0-follower-fails',
    'diff-under-load-early-ack',
    'diff-with-txns',
    'first-epoch-with-reconfig',
    'snap',
    'snap-under-load',
    'trunc',
  ],
  steady: ['all-transaction-types', 'observer-master', 'reconfig-removes-leader', 'requests'],
  sasl: ['digest-md5'],
} as const;

/** The connections of all captures in those folders, each named by its file. */
export function readCaptures(...folders: (keyof typeof FILES)[]): { file: string; connection: CapturedConnection }[] {
  return folders.flatMap((folder) =>
    FILES[folder].flatMap((name) => {
      const file = `${folder}/${name}.json`;
      const { connections } = readVectorJson<{ connections: CapturedConnection[] }>(file);
      return connections.map((connection) => ({ file, connection }));
    }),
  );
}

/** One direction of a connection: its messages, without the ends of it. */
export function direction(connection: CapturedConnection, dir: '>' | '<'): CapturedMessage[] {
  return connection.messages.filter((message) => message.dir === dir && message.hex !== '');
}

export function bytesOf(messages: readonly CapturedMessage[]): Uint8Array {
  return fromHex(messages.map(({ hex }) => hex).join(''));
}

/** A 64-bit integer that a capture gives as unsigned hexadecimal, as the nearest number. */
export function longOf(value: unknown): number {
  return Number(BigInt.asIntN(64, BigInt(value as string)));
}
