/** What went wrong with a target, as far as it matters to whoever asked. */
export type TargetFailure =
  /** There is no such object. */
  | 'missing'
  /** The object is there already: nothing is ever overwritten. */
  | 'exists'
  /** No room is left, or a quota is used up. */
  | 'full'
  /** The credentials or permissions do not suffice. */
  | 'denied'
  /** It cannot be reached, or the connection was lost; trying again may help. */
  | 'unreachable'
  | 'other';

/** A target has failed. The message names the target, the object and what to do. */
export class TargetError extends Error {
  readonly failure: TargetFailure;

  constructor(failure: TargetFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TargetError';
    this.failure = failure;
  }
}

/** An object of a target. */
export interface TargetObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was put, by the clock of the target: epoch milliseconds. */
  readonly modifiedMs: number;
}

/**
 * Where backups are kept: named objects, each written once and whole. Names are made of lower-case letters, digits, `.`,
 * `-` and `_`, in folders separated by `/`. Every method throws TargetError, or the signal's reason when that is aborted.
 */
export interface BackupTarget {
  /** For messages: the folder, or bucket and prefix. Without secrets. */
  readonly description: string;
  /** Keeps an object. When it returns the object is safe under its name; if it throws, there is the whole object or none. */
  put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Resolves once nothing that others have begun to put under the same name before can take the place of what `put` has kept:
   * at once where the target itself sees to that, after a while where it may not. Then `get` tells whose object it is.
   */
  settled(signal: AbortSignal): Promise<void>;
  /** The object's bytes. */
  get(name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** The objects whose names begin with `prefix`, by ascending name. It may lag behind what was put. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<TargetObject>;
  /** Removes an object; one that is not there is no failure. */
  remove(name: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
