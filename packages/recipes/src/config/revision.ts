import { textOf } from '../node-data.ts';

const DIGITS = 10;

/** One revision of a configuration. */
export interface Revision {
  readonly revision: number;
  /** Who or why, as given with the update. */
  readonly note: string | null;
  /** Keys that it has set or removed. */
  readonly changed: readonly string[];
  /** All values, as JSON has them. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** As it is stored. */
export interface RevisionRecord extends Revision {
  /** Of the update that has made it. */
  readonly id: string;
}

/** Names in the order of their numbers. */
export function revisionName(revision: number): string {
  return String(revision).padStart(DIGITS, '0');
}

export function encodeRevision({ revision, id, note, changed, values }: RevisionRecord): string {
  return JSON.stringify({ revision, id, note, changed, values });
}

/** @throws TypeError when it is none. */
export function decodeRevision(path: string, data: Uint8Array | null): RevisionRecord {
  try {
    const { revision, id, note, changed, values } = JSON.parse(textOf(data)) as RevisionRecord;
    if (Number.isSafeInteger(revision) && typeof values === 'object' && values !== null) {
      return { revision, id, note, changed, values };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new TypeError(`${path} holds no revision of a configuration`);
}
