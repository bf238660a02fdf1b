/** Request types of the client protocol (client-protocol reference, section 3.2). Also the types of txns. */
export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;

export type OpName = keyof typeof OpCode;

const nameOf: ReadonlyMap<number, OpName> = new Map(
  (Object.keys(OpCode) as OpName[]).map((name): [number, OpName] => [OpCode[name], name]),
);

/** The name of a type, or undefined if there is no such operation. */
export function opNameOf(type: number): OpName | undefined {
  return nameOf.get(type);
}

/** xids with a meaning of their own (section 3.1). */
export const SpecialXid = { watchEvent: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** Create flags (section 3.3). */
export const CreateMode = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTTL: 5,
  persistentSequentialWithTTL: 6,
} as const;

/** Types of watch events that a server sends (section 6.1). */
export const EventType = { nodeCreated: 1, nodeDeleted: 2, nodeDataChanged: 3, nodeChildrenChanged: 4 } as const;

/** The state field of every event that a server sends: SyncConnected. */
export const EVENT_STATE_SYNC_CONNECTED = 3;

/** Watch kinds named by checkWatches and removeWatches (section 6.6). */
export const WatcherType = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;

/** Modes of addWatch. */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const;
