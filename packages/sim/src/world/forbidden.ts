/** Something asked for real time, real randomness or a real timer while the world is virtual. */
export class ForbiddenInWorld extends Error {
  constructor(name: string) {
    super(`${name} was used inside the simulation: only the ports may be asked for time and chance`);
    this.name = 'ForbiddenInWorld';
  }
}

const BANNED: readonly (readonly [object, string])[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'queueMicrotask'],
  [globalThis, 'Date'],
  [Math, 'random'],
  [performance, 'now'],
  [process, 'nextTick'],
  [process, 'hrtime'],
  [AbortSignal, 'timeout'],
];

/** Runs `body` with everything that is not under the seed replaced by functions that throw. */
export function withoutReality<T>(body: () => T): T {
  const restore = forbid();
  try {
    return body();
  } finally {
    restore();
  }
}

/** As `withoutReality`. `turn` resolves when no promise can go on any more: the one door to the real loop. */
export async function withoutRealityInTurns<T>(body: (turn: () => Promise<void>) => Promise<T>): Promise<T> {
  const { setImmediate } = globalThis;
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const restore = forbid();
  try {
    return await body(turn);
  } finally {
    restore();
  }
}

/** Returns what gives everything back. */
function forbid(): () => void {
  const saved: [object, string, PropertyDescriptor | undefined][] = [];
  for (const [holder, name] of BANNED) {
    saved.push([holder, name, Object.getOwnPropertyDescriptor(holder, name)]);
    const real = (holder as Record<string, unknown>)[name];
    const refuse = function refuse(...args: unknown[]): unknown {
      // A time that is given is arithmetic.
      if (name === 'Date' && args.length > 0) return new (real as DateConstructor)(args[0] as number);
      throw new ForbiddenInWorld(name);
    };
    Object.assign(refuse, { now: refuse, bigint: refuse });
    Object.defineProperty(holder, name, { value: refuse, configurable: true, writable: true });
  }
  return () => {
    for (const [holder, name, descriptor] of saved) {
      if (descriptor === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, descriptor);
    }
  };
}
