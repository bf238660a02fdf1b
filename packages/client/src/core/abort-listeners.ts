/** Who waits for a signal, in the order they came. */
type Waiting = Set<() => void>;

const waitingFor: WeakMap<AbortSignal, Waiting> = new WeakMap();

/**
 * Calls back when the signal is aborted; the returned function ends the wait. A signal is listened to once however many wait
 * for it: a signal for a thousand requests is nothing unusual, and a thousand listeners look like a leak to Node, which warns.
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  const waiting = waitingFor.get(signal) ?? listenTo(signal);
  waiting.add(call);
  return () => {
    waiting.delete(call);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const waiting: Waiting = new Set();
  waitingFor.set(signal, waiting);
  signal.addEventListener(
    'abort',
    () => {
      waitingFor.delete(signal);
      for (const call of waiting) call();
    },
    { once: true },
  );
  return waiting;
}
