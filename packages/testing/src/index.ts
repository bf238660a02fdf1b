/** A real coordination server, or an ensemble of them, inside the process of a test. */
export type { DiskFault } from './disk/server-disk.ts';
export type { ServerState } from './node/server-node.ts';
export type { TestEnsembleOptions, TestServerOptions } from './options.ts';
export type { KillOptions, ServerControls, ServerFailure } from './server-controls.ts';
export { TestEnsemble } from './test-ensemble.ts';
export { type MemberRole, TestMember } from './test-member.ts';
export { TestServer } from './test-server.ts';
export { TestingError } from './testing-error.ts';
