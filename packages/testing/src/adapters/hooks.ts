import type { TestEnsembleOptions, TestServerOptions } from '../options.ts';
import { TestEnsemble } from '../test-ensemble.ts';
import { TestServer } from '../test-server.ts';
import { TestingError } from '../testing-error.ts';

/** The part of a test framework that is needed: how to have something done around tests. */
export interface Hooks {
  beforeAll(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
  beforeEach(run: () => Promise<void>): void;
}

export interface BetweenTests {
  /** Whether each test begins with an empty server, without znodes and sessions of those before. Default: true. */
  readonly resetBetweenTests?: boolean;
}

/** A server's options, and what happens between tests. */
export interface UseServerOptions extends TestServerOptions, BetweenTests {}

/** An ensemble's options, and what happens between tests. */
export interface UseEnsembleOptions extends TestEnsembleOptions, BetweenTests {
  /** How many servers, 1 to 9. Default: 3. */
  readonly servers?: number;
}

/** The server of the tests of a file, or of a `describe`. */
export interface UsedServer {
  /** @throws TestingError outside of tests and their hooks. */
  readonly server: TestServer;
  readonly connectString: string;
}

/** The ensemble of the tests of a file, or of a `describe`. */
export interface UsedEnsemble {
  /** @throws TestingError outside of tests and their hooks. */
  readonly ensemble: TestEnsemble;
  readonly connectString: string;
}

/** One server for all tests that the hooks are for, which begin with it as new. */
export function useServerWith(hooks: Hooks, options: UseServerOptions): UsedServer {
  const { resetBetweenTests = true, ...rest } = options;
  let server: TestServer | null = null;
  hooks.beforeAll(async () => {
    server = await TestServer.start(rest);
  });
  hooks.afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    server = null;
  });
  if (resetBetweenTests) {
    hooks.beforeEach(async () => {
      if (server !== null) await renewServer(server);
    });
  }
  return {
    get server() {
      return present(server, 'the server');
    },
    get connectString() {
      return present(server, 'the server').connectString;
    },
  };
}

/** One ensemble for all tests that the hooks are for, which begin with it whole and empty. */
export function useEnsembleWith(hooks: Hooks, options: UseEnsembleOptions): UsedEnsemble {
  const { resetBetweenTests = true, servers, ...rest } = options;
  let ensemble: TestEnsemble | null = null;
  hooks.beforeAll(async () => {
    ensemble = await TestEnsemble.start(servers, rest);
  });
  hooks.afterAll(async () => {
    await ensemble?.[Symbol.asyncDispose]();
    ensemble = null;
  });
  if (resetBetweenTests) {
    hooks.beforeEach(async () => {
      if (ensemble !== null) await renewEnsemble(ensemble);
    });
  }
  return {
    get ensemble() {
      return present(ensemble, 'the ensemble');
    },
    get connectString() {
      return present(ensemble, 'the ensemble').connectString;
    },
  };
}

/** Undoes what a test has done to the server. */
async function renewServer(server: TestServer): Promise<void> {
  if (server.state === 'paused') server.resume();
  else if (server.state !== 'running') await server.restart();
  server.acceptClients();
  await server.reset();
}

/** Undoes what a test has done to the servers and the ways between them. */
async function renewEnsemble(ensemble: TestEnsemble): Promise<void> {
  for (const member of ensemble.servers) {
    if (member.state === 'paused') member.resume();
    member.acceptClients();
  }
  ensemble.heal();
  await ensemble.restartAll();
  await ensemble.reset();
}

function present<T>(used: T | null, what: string): T {
  if (used !== null) return used;
  throw new TestingError(`${what} runs during the tests only: use it inside of a test or of its hooks`);
}
