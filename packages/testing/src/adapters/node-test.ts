/** For tests that run with `node --test`. */
import { after, before, beforeEach } from 'node:test';
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

const hooks: Hooks = { beforeAll: before, afterAll: after, beforeEach };

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
