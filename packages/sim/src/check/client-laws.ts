import { Violation } from './violation.ts';

/** The laws about what clients are told, as far as all clients share them. */
export class ClientLaws {
  /** Whether what is broken is left for the judges of the history to find. */
  readonly isTolerant: boolean;
  /** The largest zxid that any client has been shown by any answer. */
  shown = 0;

  constructor(isTolerant: boolean) {
    this.isTolerant = isTolerant;
  }

  judge(check: () => void): void {
    if (!this.isTolerant) {
      check();
      return;
    }
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
    }
  }
}
