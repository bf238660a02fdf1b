/** For tests that run with jest, as ECMAScript modules (`node --experimental-vm-modules`). */
import {
  type Hooks,
  type UsedEnsemble,
  type UsedServer,
  type UseEnsembleOptions,
  type UseServerOptions,
  useEnsembleWith,
  useServerWith,
} from './hooks.ts';

export type { UsedEnsemble, UsedServer, UseEnsembleOptions, UseServerOptions } from './hooks.ts';

// A name that the compiler does not look up: jest is here only where it is used. It has its hooks as globals by default.
const FRAMEWORK: string = '@jest/globals';
const found: Partial<Hooks> = globalThis as Partial<Hooks>;
const hooks = (found.beforeAll === undefined ? await import(FRAMEWORK) : found) as Hooks;

/**
 * A server for the tests of this file, or of the `describe` that calls it: started before the first, empty before each,
 * stopped after the last.
 */
export function useServer(options: UseServerOptions = {}): UsedServer {
  return useServerWith(hooks, options);
}

/** As `useServer`, with an ensemble: before each test it is whole, too, whatever the one before has done to it. */
export function useEnsemble(options: UseEnsembleOptions = {}): UsedEnsemble {
  return useEnsembleWith(hooks, options);
}
