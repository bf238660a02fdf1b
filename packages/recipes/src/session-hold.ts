import type { Client } from '@headkeeper/client';
import { HoldLostError, type LossReason } from './errors.ts';

/** What is held by an ephemeral: as long as its session lives for certain. */
export interface SessionHold {
  /** Aborted at once, with a HoldLostError, when the session has ended or may have. */
  readonly signal: AbortSignal;
  /** The holder has given it up: the signal stays as it is. */
  release(): void;
}

export function holdBySession(client: Client, session: bigint, path: string): SessionHold {
  const controller = new AbortController();
  const lose = (reason: LossReason): void => {
    release();
    controller.abort(new HoldLostError(reason, path));
  };
  const release = client.onEvent((event) => {
    if (event.type === 'closed' || event.type === 'authFailed') lose('clientClosed');
    else if ((event.type === 'sessionUncertain' || event.type === 'sessionExpired') && event.sessionId === session) {
      lose(event.type);
    }
  });
  if (client.session.id !== session) lose('sessionExpired');
  return { signal: controller.signal, release };
}
