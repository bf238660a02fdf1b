/** One wrong piece of code, put in the place of the right one in the emitted server. */
export interface PlantedError {
  readonly name: string;
  /** Below packages/server/dist/src. */
  readonly file: string;
  /** Must be in the file exactly once. */
  readonly replace: string;
  readonly by: string;
}

export const PLANTED_ERRORS: readonly PlantedError[] = [
  {
    name: 'exists leaves no watch on a missing node',
    file: 'core/ops/exists.js',
    replace: 'if (watch)',
    by: 'if (watch && slot !== NONE)',
  },
  {
    name: 'delete looks for children before it compares the version',
    file: 'core/ops/delete.js',
    replace: 'if (version !== ANY_VERSION && version !== node.stat[Field.version])',
    by: 'if (node.childCount > 0)\n            return ErrorCode.notEmpty;\n        if (version !== ANY_VERSION && version !== node.stat[Field.version])',
  },
  {
    name: 'the sequential suffix counts living children',
    file: 'core/ops/create.js',
    replace: 'writeSuffix(p, parent.stat[Field.cversion])',
    by: 'writeSuffix(p, parent.childCount)',
  },
  {
    name: 'a byte quota takes the whole data for the difference',
    file: 'core/ops/set-data.js',
    replace: 'Math.max(0, dataLength) - Math.max(0, node.dataLength)',
    by: 'Math.max(0, dataLength)',
  },
  {
    name: 'a one-shot child watch stays after its event',
    file: 'core/watch/watches.js',
    replace: 'watches.get(watch, KINDS) & ~ONE_SHOT_KINDS',
    by: 'watches.get(watch, KINDS) & ~WatchKind.dataOneShot',
  },
  {
    name: 'child watches are not told of a deletion',
    file: 'core/watch/watches.js',
    replace: 'if (eventType === EventType.nodeDeleted)\n',
    by: 'if (eventType === EventType.none)\n',
  },
  {
    name: 'getACL shows digests to whoever may read',
    file: 'core/ops/get-acl.js',
    replace: 'serving.allowed(aclId, Permission.admin, identities)',
    by: 'serving.allowed(aclId, Permission.read | Permission.admin, identities)',
  },
  {
    name: 'events reach connections that may not read the node',
    file: 'core/serving.js',
    replace: '!permits(acl, Permission.read, connection.identities)',
    by: 'false',
  },
  {
    name: 'setACL compares its version with that of the data',
    file: 'core/ops/set-acl.js',
    replace: 'version !== node.stat[Field.aversion]',
    by: 'version !== node.stat[Field.version]',
  },
  {
    name: 'a failed multi leaves its changes pending',
    file: 'core/ops/multi.js',
    replace: 'if (failure === 0)\n                p.pending.rollBack();',
    by: '',
  },
  {
    name: 'a digest id may have three parts',
    file: 'core/tree/acl-match.js',
    replace: " && id.lastIndexOf(':', end - 1) === colon",
    by: '',
  },
  {
    name: 'getEphemerals ignores its prefix',
    file: 'core/ops/get-ephemerals.js',
    replace: 'if (all || decodeUtf8(path).startsWith(prefix))',
    by: 'if (all || prefix !== null)',
  },
];
