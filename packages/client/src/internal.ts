/** The side door, for those who bring another world: the simulator and tests. */
export { connectWith } from './connect.ts';
export type { ClientPorts, Diagnostics, Link, LinkListener, ServerAddress, Timer } from './ports.ts';
