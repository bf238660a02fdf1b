/**
 * The house's plan: which part may import which. Where a rule hurts, change this table first and the code after it;
 * docs/internals/ARCHITECTURE.md explains the floors.
 */

export interface Zone {
  /** The files of this zone: a folder, or one file. The longest match decides. */
  readonly at: string;
  /** Zones this one may import; a zone may always import itself. */
  readonly may: readonly string[];
  /** Zones of which it may import types only. */
  readonly types?: readonly string[];
  /** Whether node:* built-ins may be imported. */
  readonly node: boolean;
  /** Pure zones use no clock, no randomness, nothing asynchronous and nothing that depends on the machine. */
  readonly pure?: boolean;
}

const server = [
  'server/limits',
  'server/ports',
  'server/settings',
  'server/ensemble-settings',
  'server/membership',
  'server/invariants',
  'server/observations',
  'server/log',
  'server/sasl',
  'server/core',
  'server/driver',
  'server/adapters',
  'server/config',
  'server/admin',
  'server/backup',
  'server/repair',
  'server/services',
  'server/visible-text',
  'server/audit',
  'server/audit-assembly',
  'server/assembly',
  'server/restore',
  'server/admin-doors',
  'server/insight-assembly',
  'server/admin-assembly',
  'server/authentication-assembly',
  'server/backup-assembly',
  'server/start-error',
  'server/client-tls',
  'server/client-port',
  'server/metrics-assembly',
  'server/limits-assembly',
  'server/data-recovery',
  'server/main',
] as const;

export const zones: Readonly<Record<string, Zone>> = {
  'protocol/bytes': { at: 'packages/protocol/src/bytes', may: [], node: false, pure: true },
  protocol: { at: 'packages/protocol/src', may: ['protocol/bytes'], node: false, pure: true },

  'server/limits': { at: 'packages/server/src/limits.ts', may: [], node: false, pure: true },
  'server/ports': {
    at: 'packages/server/src/ports.ts',
    may: ['protocol'],
    node: false,
    pure: true,
  },
  'server/settings': { at: 'packages/server/src/core/settings.ts', may: ['protocol'], node: false, pure: true },
  // Who belongs to an ensemble: read from files and shown to operators, too, so it knows nothing of the machine.
  'server/membership': {
    at: 'packages/server/src/core/membership',
    may: ['protocol', 'server/ports', 'server/invariants'],
    node: false,
    pure: true,
  },
  'server/ensemble-settings': {
    at: 'packages/server/src/core/ensemble-settings.ts',
    may: ['server/membership'],
    node: false,
    pure: true,
  },
  'server/invariants': { at: 'packages/server/src/core/invariants.ts', may: [], node: false, pure: true },
  // What is counted and how long things take: core, disk and operators alike.
  'server/observations': {
    at: 'packages/server/src/core/statistics/observations.ts',
    may: [],
    node: false,
    pure: true,
  },
  // The file formats know no tree, so that disk adapters and tools may use them without the machine.
  'server/log': {
    at: 'packages/server/src/core/log',
    may: ['protocol', 'server/limits', 'server/ports', 'server/invariants'],
    node: false,
    pure: true,
  },
  // What is said in a SASL exchange: with clients, which the machine answers, and between servers, which adapters speak.
  'server/sasl': { at: 'packages/server/src/core/sasl', may: ['protocol', 'server/ports'], node: false, pure: true },
  'server/core': {
    at: 'packages/server/src/core',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/ensemble-settings',
      'server/membership',
      'server/invariants',
      'server/observations',
      'server/log',
      'server/sasl',
    ],
    node: false,
    pure: true,
  },
  'server/driver': {
    at: 'packages/server/src/driver',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/ensemble-settings',
      'server/membership',
      'server/invariants',
      'server/observations',
      'server/log',
      'server/core',
    ],
    node: false,
  },
  'server/adapters': {
    at: 'packages/server/src/adapters',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/invariants',
      'server/observations',
      'server/log',
      'server/sasl',
    ],
    node: true,
  },
  'server/config': {
    at: 'packages/server/src/config',
    may: ['protocol', 'server/limits', 'server/settings', 'server/ensemble-settings', 'server/membership'],
    node: true,
  },
  'server/admin': {
    at: 'packages/server/src/admin',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/observations',
      'server/driver',
      'server/config',
    ],
    // It reads figures of the machine and of the data directory that main.ts hands it, and decides nothing.
    types: ['server/core', 'server/membership', 'server/adapters', 'server/backup'],
    node: true,
  },
  // How strangers' words stand in lines of text.
  'server/visible-text': { at: 'packages/server/src/visible-text.ts', may: [], node: false, pure: true },
  // What the core has heard of changes, as lines of a file.
  'server/audit': {
    at: 'packages/server/src/audit',
    may: ['protocol', 'server/limits', 'server/visible-text'],
    types: ['server/core'],
    node: true,
  },
  'server/audit-assembly': {
    at: 'packages/server/src/audit-assembly.ts',
    may: ['server/ports', 'server/core', 'server/config', 'server/audit'],
    node: true,
  },
  // Examines and mends a directory that no server uses.
  'server/repair': {
    at: 'packages/server/src/repair',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/invariants',
      'server/log',
      'server/core',
      'server/adapters',
    ],
    node: true,
  },
  // Copies of the state and the history outside the data directory, and the ways back from them.
  'server/backup': {
    at: 'packages/server/src/backup',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/membership',
      'server/invariants',
      'server/log',
      'server/core',
      'server/config',
      'server/adapters',
    ],
    node: true,
  },
  // What an ensemble needs of the configuration and the disk at once.
  'server/services': {
    at: 'packages/server/src/services',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/log',
      'server/core',
      'server/membership',
      'server/adapters',
      'server/config',
    ],
    node: false,
  },
  // The part of main.ts that joins what a server of an ensemble has beside.
  'server/assembly': {
    at: 'packages/server/src/ensemble-assembly.ts',
    may: [
      'server/services',
      'server/ports',
      'server/log',
      'server/core',
      'server/ensemble-settings',
      'server/membership',
      'server/driver',
      'server/adapters',
      'server/config',
    ],
    node: true,
  },
  // The part of main.ts that reads who can log in.
  'server/authentication-assembly': {
    at: 'packages/server/src/authentication-assembly.ts',
    may: ['server/ports', 'server/core', 'server/adapters', 'server/config'],
    node: true,
  },
  // The part of main.ts that joins a server with what carries its history into a backup.
  'server/backup-assembly': {
    at: 'packages/server/src/backup-assembly.ts',
    may: ['server/ports', 'server/core', 'server/driver', 'server/adapters', 'server/config', 'server/backup'],
    node: false,
  },
  // Another state in the place of a running server's.
  'server/restore': {
    at: 'packages/server/src/restore',
    may: [
      'protocol',
      'server/limits',
      'server/ports',
      'server/settings',
      'server/log',
      'server/core',
      'server/driver',
      'server/adapters',
    ],
    node: true,
  },
  // A close look at what clients do, for the log and for operators.
  'server/insight-assembly': {
    at: 'packages/server/src/insight-assembly.ts',
    may: [
      'server/ports',
      'server/core',
      'server/driver',
      'server/adapters',
      'server/config',
      'server/admin',
      'server/visible-text',
    ],
    node: true,
  },
  // What operators can have the server do, and look at.
  'server/admin-doors': {
    at: 'packages/server/src/admin-doors.ts',
    may: [
      'server/core',
      'server/driver',
      'server/adapters',
      'server/config',
      'server/admin',
      'server/limits',
      'server/client-tls',
    ],
    node: true,
  },
  // The part of main.ts that joins the operators' HTTP server with what it shows and changes.
  'server/admin-assembly': {
    at: 'packages/server/src/admin-assembly.ts',
    may: [
      'server/admin-doors',
      'server/ports',
      'server/core',
      'server/driver',
      'server/adapters',
      'server/config',
      'server/admin',
      'server/backup',
      'server/restore',
    ],
    node: true,
  },
  // The part of main.ts that tells the metrics to whom the configuration names.
  'server/metrics-assembly': {
    at: 'packages/server/src/metrics-assembly.ts',
    may: ['server/ports', 'server/adapters', 'server/config', 'server/admin', 'server/client-port'],
    node: true,
  },
  'server/start-error': { at: 'packages/server/src/start-error.ts', may: [], node: false, pure: true },
  // TLS with clients out of the configuration.
  'server/client-tls': {
    at: 'packages/server/src/client-tls.ts',
    may: ['protocol', 'server/start-error', 'server/limits', 'server/ports', 'server/adapters', 'server/config'],
    node: false,
  },
  // The part of main.ts that joins a server with the ports of its clients.
  'server/client-port': {
    at: 'packages/server/src/client-port.ts',
    may: [
      'server/limits-assembly',
      'server/start-error',
      'server/client-tls',
      'server/ports',
      'server/core',
      'server/membership',
      'server/driver',
      'server/adapters',
      'server/config',
      'server/admin',
    ],
    node: true,
  },
  'server/limits-assembly': {
    at: 'packages/server/src/limits-assembly.ts',
    may: ['server/limits', 'server/ports', 'server/core', 'server/adapters'],
    node: false,
  },
  // The part of main.ts that reads the data directory.
  'server/data-recovery': {
    at: 'packages/server/src/data-recovery.ts',
    may: [
      'server/ports',
      'server/settings',
      'server/log',
      'server/core',
      'server/adapters',
      'server/config',
      'server/start-error',
    ],
    node: false,
  },
  'server/main': {
    at: 'packages/server/src/main.ts',
    may: ['protocol', ...server.filter((zone) => zone !== 'server/main')],
    node: true,
  },
  'server/doors': { at: 'packages/server/src', may: ['protocol', ...server], node: false },

  // The client knows the world through its ports alone, so that it runs in the simulator, too.
  'client/ports': { at: 'packages/client/src/ports.ts', may: [], node: false },
  'client/core': { at: 'packages/client/src/core', may: ['protocol', 'client/ports'], node: false },
  'client/adapters': { at: 'packages/client/src/adapters', may: ['client/ports'], node: true },
  client: {
    at: 'packages/client/src',
    may: ['protocol', 'client/ports', 'client/core', 'client/adapters'],
    node: false,
  },
  recipes: { at: 'packages/recipes/src', may: ['client'], node: false },
  testing: { at: 'packages/testing', may: ['protocol', 'server/doors'], node: true },

  testkit: { at: 'packages/testkit', may: ['protocol', 'server/doors'], node: true },
  sim: { at: 'packages/sim', may: ['protocol', 'server/doors', 'testkit', 'client', 'recipes'], node: true },
  cli: { at: 'packages/cli/src', may: ['protocol', 'server/doors', 'client'], node: true },
  'cli/bin': { at: 'packages/cli/bin', may: ['cli'], node: true },

  'protocol/test': { at: 'packages/protocol/test', may: ['protocol', 'protocol/bytes', 'testkit'], node: true },
  'client/test': {
    at: 'packages/client/test',
    may: ['protocol', 'testkit', 'testing', 'client', 'client/ports', 'client/core', 'client/adapters'],
    node: true,
  },
  'recipes/test': { at: 'packages/recipes/test', may: ['testkit', 'testing', 'client', 'recipes'], node: true },
  'testing/test': {
    at: 'packages/testing/test',
    may: ['protocol', 'testkit', 'testing', 'client', 'server/doors'],
    node: true,
  },
  'server/test': {
    at: 'packages/server/test',
    may: ['protocol', 'testkit', 'server/doors', ...server],
    node: true,
  },
  'cli/test': {
    at: 'packages/cli/test',
    may: ['protocol', 'testkit', 'client', 'cli', 'cli/bin', 'server/doors'],
    node: true,
  },

  interop: { at: 'interop', may: ['protocol', 'testkit', 'server/doors', 'client', 'recipes', 'testing'], node: true },
  bench: {
    at: 'bench',
    may: ['protocol', 'testkit', 'server/doors', 'interop', 'client', 'recipes', 'testing'],
    node: true,
  },
  examples: { at: 'examples', may: ['client', 'recipes', 'testing'], node: true },
  scripts: { at: 'scripts', may: ['server/doors', 'protocol', 'sim'], node: true },
};

/** Projects as users have them, beside which what they import is installed: the plan is not for them. */
export const strangers: readonly string[] = ['interop/test-frameworks/projects/'];

/** What a pure zone must not name, each with what to do instead. */
export const impureWords: Readonly<Record<string, string>> = {
  Date: 'time arrives inside events',
  'Math.random': 'randomness is handed in, seeded',
  performance: 'time arrives inside events',
  Intl: 'locale rules depend on the machine',
  localeCompare: 'locale rules depend on the machine; compare code units or bytes',
  toLocaleString: 'locale rules depend on the machine',
  WeakRef: 'collection times are not deterministic',
  FinalizationRegistry: 'collection times are not deterministic',
  globalThis: 'the world is handed in through ports',
  async: 'the core is synchronous; completions come back as events',
  await: 'the core is synchronous; completions come back as events',
  Promise: 'the core is synchronous; completions come back as events',
};
