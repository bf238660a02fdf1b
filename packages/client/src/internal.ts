/** The side door, for those who bring another world, the simulator and tests, and for the recipes. */
export { connectWith } from './connect.ts';
export { onAbort } from './core/abort-listeners.ts';
export { aclFault, callFault, dataFault, pathFault, shown } from './core/faults.ts';
export type { ClientPorts, Diagnostics, Link, LinkListener, ServerAddress, Timer } from './ports.ts';
