/** What class a failure belongs to; each has its own exit code. */
export type FailureClass = 'crash' | 'safety' | 'liveness' | 'non-determinism' | 'coverage';

export const ExitCode: Readonly<Record<FailureClass, number>> = {
  coverage: 2,
  crash: 127,
  liveness: 128,
  safety: 129,
  'non-determinism': 130,
};

/** A law is broken. */
export class Violation extends Error {
  readonly failureClass: FailureClass;
  readonly law: string;

  constructor(failureClass: FailureClass, law: string, message: string) {
    super(`${law}: ${message}`);
    this.name = 'Violation';
    this.failureClass = failureClass;
    this.law = law;
  }
}

/** Something acknowledged is lost, and the disks of most servers have broken their promises so that nobody could have known. */
export class ExcusedLoss extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExcusedLoss';
  }
}

/** Throws a safety violation unless the condition holds. `message` is only asked for when it does not. */
export function law(condition: boolean, name: string, message: () => string): asserts condition {
  if (!condition) throw new Violation('safety', name, message());
}

export function zxidText(zxid: number): string {
  return `${Math.floor(zxid / 4294967296)}.${zxid % 4294967296}`;
}
