import { goldenJson } from '../log/golden.ts';

/** A message of a captured connection between Apache's servers. */
export interface CapturedMessage {
  readonly t: number;
  /** `>` comes from the learner, which opened the connection. */
  readonly dir: '>' | '<';
  readonly kind: string;
  readonly hex: string;
  readonly decoded: {
    readonly zxid?: string;
    readonly op?: string;
    readonly opCode?: number;
    readonly cxid?: number;
    readonly sessionId?: string;
    readonly timeout?: number;
    readonly requestHex?: string;
    readonly config?: string;
    readonly currentEpoch?: number;
    readonly newEpoch?: number;
    readonly acceptedEpoch?: number;
    readonly configVersion?: string;
    readonly touches?: readonly { readonly sessionId: string; readonly timeout: number }[] | null;
    readonly authinfo?: readonly { readonly scheme: string; readonly id: string }[] | null;
    readonly txn?: CapturedTxn;
  };
}

export interface CapturedTxn {
  readonly header: {
    readonly clientId: string;
    readonly cxid: number;
    readonly zxid: string;
    readonly time: number;
    readonly type: number;
  };
  readonly txn: Readonly<Record<string, unknown>>;
  readonly digest: { readonly treeDigest: string } | null;
}

export interface CapturedConnection {
  readonly kind: 'election' | 'quorum' | 'observer-master';
  readonly fromServer: number;
  readonly toServer: number;
  readonly begunBeforeCapture?: boolean;
  readonly omitted?: { readonly afterIndex: number; readonly count: number };
  readonly messages: readonly CapturedMessage[];
}

/** The connections of a capture on which packets of the quorum protocol went. */
export function captureOf(name: string): CapturedConnection[] {
  const { connections } = goldenJson<{ connections: CapturedConnection[] }>(`${name}.json`);
  return connections.filter(({ kind }) => kind !== 'election');
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A zxid or session id that a capture gives as unsigned hexadecimal; zxids are exact. */
export function zxidOf(message: CapturedMessage): number {
  return Number(BigInt.asIntN(64, BigInt(message.decoded.zxid ?? '0x0')));
}

const TWO_32 = 4294967296;

export function epochOf(zxid: number): number {
  return Math.floor(zxid / TWO_32);
}

export function isTxnZxid(zxid: number): boolean {
  return zxid % TWO_32 !== 0;
}

/** The server on which a session was made. */
export function serverOf(sessionId: string): number {
  return Number(BigInt(sessionId) >> 56n);
}

/** Header, body and digest of a captured PROPOSAL, INFORM or INFORMANDACTIVATE; what stands in the log. */
export function txnBytesOf(message: CapturedMessage): Uint8Array {
  const bytes = fromHex(message.hex);
  const from = message.kind === 'INFORMANDACTIVATE' ? 24 : 16;
  return bytes.subarray(from, bytes.length - 4);
}

export interface LoggedTxn {
  readonly zxid: number;
  readonly body: Uint8Array;
}

/** Every txn that the connections carry, by zxid. */
export function txnsOf(...connections: readonly CapturedConnection[]): Map<number, LoggedTxn> {
  const found = new Map<number, LoggedTxn>();
  for (const { messages } of connections) {
    for (const message of messages) {
      if (message.decoded.txn === undefined) continue;
      const zxid = zxidOf(message);
      found.set(zxid, { zxid, body: txnBytesOf(message) });
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}
