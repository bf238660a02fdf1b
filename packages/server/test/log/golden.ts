import { readFileSync } from 'node:fs';

const VECTORS = new URL('../../../../testkit/vectors/', import.meta.url);

export function goldenBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, VECTORS)));
}

export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, VECTORS), 'utf8')) as T;
}

export interface GoldenRecord {
  readonly offset: number;
  readonly crc: number;
  readonly length: number;
  readonly hex: string;
  readonly header: { readonly zxid: string };
}

export const goldenLog: Uint8Array = goldenBytes('datadir-alltypes/data/version-2/log.100000001');
export const goldenRecords: readonly GoldenRecord[] = goldenJson<{ records: GoldenRecord[] }>(
  'datadir-alltypes/txnlog.json',
).records;
export const snapshot0: Uint8Array = goldenBytes('datadir-alltypes/data/version-2/snapshot.0');
export const snapshot3f: Uint8Array = goldenBytes('datadir-alltypes/data/version-2/snapshot.10000003f');

/** The log as Apache left it on disk: padded to 65,552 bytes. */
export function paddedGoldenLog(): Uint8Array {
  const padded = new Uint8Array(65552);
  padded.set(goldenLog);
  return padded;
}
