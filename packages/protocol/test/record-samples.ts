import * as protocol from '@headkeeper/protocol';
import fc from 'fast-check';

const { OpCode } = protocol;

/** A record and everything that may stand in it. */
export interface Sample {
  readonly codec: protocol.Codec<unknown>;
  readonly values: fc.Arbitrary<unknown>;
  /** Whether the record's last field may be missing, so that its end is told by the end of the input. */
  readonly openEnded: boolean;
}

/** Plain objects, as the decoders make. */
function record(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  return fc.record(fields, { noNullPrototype: true });
}

const int = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31)));
const long = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));
const id = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, -1n, -(2n ** 63n)));
const boolean = fc.boolean();
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', '/', '/a/é'));
const path = fc.option(text);
const data = fc.option(fc.uint8Array({ maxLength: 20 }));
const entry = record({ perms: int, scheme: path, id: path });
const acl = fc.option(fc.array(entry, { maxLength: 3 }));
const list = fc.option(fc.array(text, { maxLength: 3 }));
/** No path is empty; the decoder of closeSession relies on it. */
const paths = fc.option(fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { maxLength: 3 }));
const watchLists = { relativeZxid: long, dataWatches: list, existWatches: list, childWatches: list };
const times = { czxid: long, mzxid: long, ctime: long, mtime: long };
const versions = { version: int, cversion: int, aversion: int };
const stat = record({ ...times, ...versions, ephemeralOwner: id, dataLength: int, numChildren: int, pzxid: long });
const persistedStat = record({ ...times, ...versions, ephemeralOwner: id, pzxid: long });
const err = record({ err: int });

const createRequest = record({ path, data, acl, flags: int });
const createTTLRequest = record({ path, data, acl, flags: int, ttl: long });
const pathVersionRequest = record({ path, version: int });
const pathWatchRequest = record({ path, watch: boolean });
const setDataRequest = record({ path, data, version: int });
const create2Response = record({ path, stat });
const getDataResponse = record({ data, stat });
const getChildrenResponse = record({ children: list });

const createTxn = record({ path: text, data, acl, ephemeral: boolean, parentCVersion: int });
const createContainerTxn = record({ path: text, data, acl, parentCVersion: int });
const createTTLTxn = record({ path: text, data, acl, parentCVersion: int, ttl: long });
const deleteTxn = record({ path: text });
const setDataTxn = record({ path: text, data, version: int });
const checkVersionTxn = record({ path: text, version: int });

function typed(types: readonly number[], body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return record({ type: fc.constantFrom(...types), body });
}

const operation = fc.oneof(
  typed([OpCode.create, OpCode.create2, OpCode.createContainer], createRequest),
  typed([OpCode.createTTL], createTTLRequest),
  typed([OpCode.delete, OpCode.check], pathVersionRequest),
  typed([OpCode.setData], setDataRequest),
  typed([OpCode.getData, OpCode.getChildren], pathWatchRequest),
);
const result = fc.oneof(
  typed([OpCode.create], record({ path })),
  typed([OpCode.create2, OpCode.createContainer, OpCode.createTTL], create2Response),
  typed([OpCode.setData], record({ stat })),
  typed([OpCode.delete, OpCode.check], fc.constant(null)),
  typed([OpCode.getData], getDataResponse),
  typed([OpCode.getChildren], getChildrenResponse),
  typed([OpCode.error], err),
);
const txnEntry = fc.oneof(
  typed([OpCode.create, OpCode.create2], createTxn),
  typed([OpCode.createContainer], createContainerTxn),
  typed([OpCode.createTTL], createTTLTxn),
  typed([OpCode.delete], deleteTxn),
  typed([OpCode.setData], setDataTxn),
  typed([OpCode.check], checkVersionTxn),
  typed([OpCode.error], err),
);

/** The values of each codec, by the name under which the package exports it. */
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  aclList: acl,
  addWatchRequest: record({ path, mode: int }),
  authRequest: record({ type: int, scheme: path, auth: data }),
  checkVersionTxn,
  closeSessionTxn: fc.oneof(fc.constant({}), record({ paths2Delete: paths })),
  connectRequest: record({
    protocolVersion: int,
    lastZxidSeen: long,
    timeOut: int,
    sessionId: id,
    passwd: data,
    readOnly: fc.option(boolean),
  }),
  connectResponse: record({
    protocolVersion: int,
    timeOut: int,
    sessionId: id,
    passwd: data,
    readOnly: fc.option(boolean),
  }),
  create2Response,
  createContainerTxn,
  createRequest,
  createSessionTxn: record({ timeOut: int }),
  createTTLRequest,
  createTTLTxn,
  createTxn,
  deleteTxn,
  emptyRecord: fc.constant(null),
  errorResponse: err,
  errorTxn: err,
  fileHeader: record({ magic: int, version: int, dbid: long }),
  getACLResponse: record({ acl, stat }),
  getAllChildrenNumberResponse: record({ totalNumber: int }),
  getChildren2Response: record({ children: list, stat }),
  getChildrenResponse,
  getDataResponse,
  getEphemeralsRequest: record({ prefixPath: path }),
  getEphemeralsResponse: record({ ephemerals: list }),
  multiHeader: record({ type: int, done: boolean, err: int }),
  multiRequest: record({ ops: fc.array(operation, { maxLength: 4 }) }),
  multiResponse: record({ results: fc.array(result, { maxLength: 4 }) }),
  multiTxn: record({ txns: fc.array(txnEntry, { maxLength: 4 }) }),
  pathRequest: record({ path }),
  pathResponse: record({ path }),
  pathVersionRequest,
  pathWatchRequest,
  persistedStat,
  reconfigRequest: record({ joiningServers: path, leavingServers: path, newMembers: path, curConfigId: long }),
  replyHeader: record({ xid: int, zxid: long, err: int }),
  requestHeader: record({ xid: int, type: int }),
  saslToken: record({ token: data }),
  setACLRequest: record({ path, acl, version: int }),
  setACLTxn: record({ path: text, acl, version: int }),
  setDataRequest,
  setDataTxn,
  setWatches2Request: record({ ...watchLists, persistentWatches: list, persistentRecursiveWatches: list }),
  setWatchesRequest: record(watchLists),
  snapshotACL: record({ aclId: long, acl }),
  snapshotDigest: record({ zxid: long, digestVersion: int, treeDigest: id }),
  snapshotLastZxid: record({ lastProcessedZxid: long }),
  snapshotNode: record({ path: text, data, aclId: long, stat: persistedStat }),
  snapshotSeal: record({ checksum: long, path: text }),
  snapshotSession: record({ id, timeOut: int }),
  statRecord: stat,
  statResponse: record({ stat }),
  stringList: list,
  txnDigest: record({ version: int, treeDigest: id }),
  txnHeader: record({ clientId: id, cxid: int, zxid: long, time: long, type: int }),
  watchesRequest: record({ path, type: int }),
  watcherEvent: record({ type: int, state: int, path }),
  whoAmIResponse: record({
    clientInfo: fc.option(fc.array(record({ authScheme: path, user: path }), { maxLength: 3 })),
  }),
};

const OPEN_ENDED = new Set(['closeSessionTxn', 'connectRequest', 'connectResponse', 'createTxn']);

/** Every codec that the package exports, found by its shape, so that none can be forgotten. */
function isCodec(named: [string, unknown]): named is [string, protocol.Codec<unknown>] {
  const value = named[1];
  return typeof value === 'object' && value !== null && 'encode' in value && 'decode' in value;
}

const codecs = Object.entries<unknown>({ ...protocol }).filter(isCodec);

export const samples: ReadonlyMap<string, Sample> = new Map(
  codecs.map(([name, codec]) => {
    const arbitrary = values[name];
    if (arbitrary === undefined) throw new Error(`no sample values for the codec ${name}`);
    return [name, { codec, values: arbitrary, openEnded: OPEN_ENDED.has(name) }];
  }),
);
