/**
 * A law of `docs/internals/laws.md` does not hold: the state in memory can no longer be trusted. The process ends with its
 * own exit code; nothing catches this error on the way.
 */
export class InvariantViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantViolation';
  }
}

/**
 * Checks a fact that must hold whatever clients, peers and disks do. Stays on in production. The message is a constant where
 * this runs for each txn or request: making a text costs more than the check.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}
