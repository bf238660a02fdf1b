/** What a stream that somebody watches carries, as it is written. */
export interface StreamTap {
  written(bytes: Uint8Array, start: number, end: number): void;
  closed(): void;
  /** Takes what was written in place of the network, which gets what is passed on, now or later. */
  divert?(bytes: Uint8Array, start: number, end: number, pass: PassOn): void;
}

export type PassOn = (bytes: Uint8Array, start: number, end: number) => void;
