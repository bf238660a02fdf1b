import type { Timers } from '../../ports.ts';

/** Node's timers. A delay beyond what they can hold fires early, never late. */
export function createTimers(): Timers {
  return {
    set(delayMs, fn) {
      const timer = setTimeout(fn, Math.min(delayMs, 0x7fffffff));
      return () => clearTimeout(timer);
    },
  };
}
