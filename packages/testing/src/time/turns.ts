/** How long a condition is looked at after every turn of the loop; later every millisecond. */
const EAGER_MS = 20;

/** One turn of the event loop: what has arrived is dealt with. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves with whether the condition came to hold within so many milliseconds of real time. */
export async function until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
  const began = performance.now();
  while (!holds()) {
    const passed = performance.now() - began;
    if (passed > timeoutMs) return false;
    if (passed < EAGER_MS) await turn();
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return true;
}
