import { type Client, ZooKeeperError } from '@headkeeper/client';

/** What is held by an ephemeral: as long as its session lives for certain. */
export interface SessionHold {
  /** Aborted at once when the session has ended or may have; its reason is a ZooKeeperError sessionExpired. */
  readonly signal: AbortSignal;
  /** The holder has given it up: the signal stays as it is. */
  release(): void;
}

export function holdBySession(client: Client, session: bigint, operation: string, path: string): SessionHold {
  const controller = new AbortController();
  const release = client.onEvent((event) => {
    const isOver =
      event.type === 'closed' ||
      event.type === 'authFailed' ||
      ((event.type === 'sessionUncertain' || event.type === 'sessionExpired') && event.sessionId === session);
    if (!isOver) return;
    release();
    controller.abort(lost(event.type));
  });
  const lost = (why: string): ZooKeeperError =>
    new ZooKeeperError({ code: 'sessionExpired', operation, path, outcome: 'not applied', detail: why });
  if (client.session.id !== session) {
    release();
    controller.abort(lost('another session has begun'));
  }
  return { signal: controller.signal, release };
}
