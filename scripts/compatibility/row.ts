export type Status = 'supported' | 'different' | 'not applicable' | 'not yet' | 'unknown';

/** What becomes of a thing of Apache's. */
export interface Row {
  readonly name: string;
  readonly status: Status;
  readonly note: string;
}
